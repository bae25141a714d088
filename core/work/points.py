"""The points of a run's curves, kept while it runs: a loss by round, a value by trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from core.store import Store, Tx

MOST = 500

ADD = (
    "INSERT INTO run_point(run, step, name, value) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
)
# Every second point between the first and the last goes: the curve keeps its shape and its ends.
THIN = """DELETE FROM run_point WHERE run = :run AND name = :name AND step IN (
  SELECT step FROM (SELECT step, row_number() OVER (ORDER BY step) AS place, count(*) OVER () AS rows
                    FROM run_point WHERE run = :run AND name = :name)
  WHERE place % 2 = 0 AND place < rows)"""
COUNTS = "SELECT name, count(*) AS n FROM run_point WHERE run = ? GROUP BY name"
CLEAR = "DELETE FROM run_point WHERE run = ?"
OF_RUN = "SELECT name, step, value FROM run_point WHERE run = ? ORDER BY name, step"


def add(tx: Tx, run: int, found: Sequence[tuple[int, str, float]]) -> None:
    """Keep points (step, name, value) of a run, thinned to 500 of each name; not-a-number is no point."""
    tx.executemany(ADD, [(run, step, name, value) for step, name, value in found if math.isfinite(value)])
    for row in tx.read(COUNTS, (run,)):
        if row["n"] > MOST:
            tx.execute(THIN, {"run": run, "name": row["name"]})


def clear(tx: Tx, run: int) -> None:
    """Forget the points of a run that begins anew."""
    tx.execute(CLEAR, (run,))


def series(store: Store, run: int) -> dict[str, list[tuple[int, float]]]:
    """The curves of a run by name: (step, value) in order of steps; none where it told none."""
    found: dict[str, list[tuple[int, float]]] = {}
    for row in store.read(OF_RUN, (run,)):
        found.setdefault(row["name"], []).append((row["step"], row["value"]))
    return found


def said(line: Any) -> list[tuple[int, str, float]]:
    """The points in a line that a job's process said."""
    values = line.get("values")
    return [(int(line["point"]), str(name), float(value)) for name, value in values.items()] if values else []
