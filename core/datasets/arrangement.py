"""Whether the order of a file's rows says something: repeated rows and blocks, and columns clustered by place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.datasets.column_checks import named
from core.datasets.contract import Column, Contract
from core.datasets.finding import Finding, share
from core.datasets.rowbits import repeats, row_bits
from core.measures.significance import chi_square_tail
from core.measures.tables import Table

# The file is cut into so many parts of neighbouring rows.
PARTS = 16
# Cramer's V between a column and the part of the file, from which the order is worth a name (Cohen's medium effect).
CLUSTERED = 0.3
# So many times more rows than in the snapshot before must be repeated, and this share at the least.
MORE = 3.0
LEAST = 0.001
LEVELS = 50
SURE = 1e-6


def repeated_rows(contract: Contract, table: Table, before: Mapping[str, Any] | None) -> tuple[list[Finding], int]:
    """A warning about rows that repeat an earlier one in every column, and about whole blocks of them; their number.

    Tables of few columns repeat themselves: there is a warning where the snapshot before had far fewer.
    """
    again = repeats(lambda: row_bits(table, [], whole=True), table.rows)
    usual = (before or {}).get("repeated", 0) / before["rows"] if before else 0.0
    if not again.count or again.count / table.rows < max(MORE * usual, LEAST if before else 0.0):
        return [], again.count
    text = f"{share(again.count, table.rows)} repeat an earlier row in every column"
    if again.block is not None:
        at, of, length = again.block
        text += f"; rows {at + 1:,} to {at + length:,} are rows {of + 1:,} to {of + length:,} again"
    keys: list[Column] = [column for column in contract.columns if column.use in ("id", "time")][:2]
    names = [column.name for column in keys if column.name in table.types] or list(table.types)[:2]
    shown = named(table, names, again.places, *contract.columns).examples
    rule = "repeated_block" if again.block else "repeated_rows"
    return [Finding(None, "warning", text, rule, again.count, table.rows, tuple(shown))], again.count


def clustered(table: Table, names: Sequence[str]) -> list[Finding]:
    """Warnings about columns of at most 50 levels whose levels stand together in parts of the file.

    Such a file looks like drift to whoever takes its order for time. Judged is the contingency table of the levels by
    16 equal parts: beyond chance (p below 1e-6) and by Cramer's V of 0.3.
    """
    found = []
    for name in names:
        if table.types.get(name) in ("text", "boolean") and table.rows >= PARTS * 30:
            strength = _strength(_counts(table, name), table.rows)
            if strength >= CLUSTERED:
                text = f"its levels stand together in the file (Cramer's V {strength:.2f}): the order is no time"
                found.append(Finding(name, "warning", text, "order"))
    return found


def _counts(table: Table, name: str) -> dict[Any, list[int]]:
    import numpy as np

    found: dict[Any, list[int]] = {}
    first = 0
    for batch in table.batches(name):
        coded = batch if hasattr(batch, "dictionary") else batch.dictionary_encode()
        codes = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)
        part = (first + np.arange(len(codes))) * PARTS // table.rows
        cells = np.bincount(codes * PARTS + part, minlength=(len(coded.dictionary) + 1) * PARTS).reshape(-1, PARTS)
        for level, row in zip([*coded.dictionary.to_pylist(), None], cells.tolist(), strict=True):
            found[level] = [a + b for a, b in zip(found.get(level, [0] * PARTS), row, strict=True)]
        first += len(codes)
        if len(found) > LEVELS + 1:
            return {}
    return {level: row for level, row in found.items() if sum(row)}


def _strength(counts: Mapping[Any, list[int]], rows: int) -> float:
    """Cramer's V of levels by parts; 0 where the table is as chance makes it."""
    if len(counts) < 2:
        return 0.0
    parts = [sum(row[part] for row in counts.values()) for part in range(PARTS)]
    statistic = sum(
        (seen - sum(row) * part / rows) ** 2 / (sum(row) * part / rows)
        for row in counts.values()
        for seen, part in zip(row, parts, strict=True)
    )
    freedom = (len(counts) - 1) * (PARTS - 1)
    if chi_square_tail(statistic, freedom) > SURE:
        return 0.0
    return math.sqrt(statistic / rows / min(len(counts) - 1, PARTS - 1))
