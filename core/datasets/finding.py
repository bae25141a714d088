"""What a check has to say of a file: a rule, how many rows break it, and the first of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from core.access.sensitive import MASKED
from core.clock import iso
from core.errors import CheckFailed

# So many offending rows are named.
NAMED_ROWS = 10
# What is said of a column that a file lacks; beyond so many they are counted.
ABSENT = "is missing"
FEW = 3
# No more of a text is shown.
SHOWN = 80

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Example:
    """An offending row: its number (the first below the header is 1) and the values that offend."""

    row: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """Something seen in a column (None: in the whole file): an `error` refuses the file, a `warning` does not.

    `rule` names what was asked, `count` the rows that offend of all `rows`, where it was asked of rows.
    """

    column: str | None
    severity: Severity
    text: str
    rule: str = ""
    count: int | None = None
    rows: int | None = None
    examples: tuple[Example, ...] = ()

    def __str__(self) -> str:
        return f"{self.column}: {self.text}" if self.column else self.text

    def to_json(self) -> dict[str, Any]:
        """Plain data with the share of rows, which `from_json` reads back."""
        share = None if self.count is None or not self.rows else self.count / self.rows
        return {**asdict(self), "share": share, "examples": [asdict(example) for example in self.examples]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """A finding as it was kept."""
        plain = {name: data[name] for name in cls.__dataclass_fields__}
        return cls(**{**plain, "examples": tuple(Example(**each) for each in data["examples"])})

    def refused(self) -> Finding:
        """The same finding where warnings refuse as well."""
        return replace(self, severity="error")


class Offenders:
    """The rows that break one rule: how many there are, and the first ten with their values."""

    def __init__(self, masked: frozenset[str] = frozenset()) -> None:
        self.count = 0
        self.examples: list[Example] = []
        self._masked = masked

    def add(self, first: int, broken: Any, values: Mapping[str, Any]) -> None:
        """Take in a batch: the number of rows before it, a NumPy vector of yes and no, its columns (pyarrow)."""
        import numpy as np

        found = int(broken.sum())
        self.count += found
        if found and len(self.examples) < NAMED_ROWS:
            for place in np.flatnonzero(broken)[: NAMED_ROWS - len(self.examples)].tolist():
                shown = {name: self._shown(name, column[place]) for name, column in values.items()}
                self.examples.append(Example(first + place + 1, shown))

    def _shown(self, name: str, value: Any) -> Any:
        return MASKED if name in self._masked and value.is_valid else plain(value.as_py())

    def judged(
        self,
        column: str | None,
        rule: str,
        rows: int,
        tolerance: float,
        what: Callable[[str], str] | str,
        allowed: str = "",
    ) -> list[Finding]:
        """The finding they come to, an error above the tolerance; none where no row offends.

        `what` completes "is ..." of a column, perhaps given the first offending value as a text.
        """
        if not self.count:
            return []
        first = next(iter(self.examples[0].values.values()), None)
        said = what if isinstance(what, str) else what(str(first) if first == MASKED else f"{first!r}")
        text = f"{'is ' if column else ''}{said} in {share(self.count, rows)}{allowed}"
        severity: Severity = "error" if self.count > tolerance * rows else "warning"
        return [Finding(column, severity, text, rule, self.count, rows, tuple(self.examples))]


def errors_told(findings: Iterable[Finding]) -> str:
    """The errors among findings as one line; many missing columns are named together."""
    errors = [finding for finding in findings if finding.severity == "error"]
    missing = [finding.column for finding in errors if finding.text == ABSENT and finding.column]
    if len(missing) <= FEW:
        return "; ".join(str(finding) for finding in errors)
    named = f"{', '.join(missing[:FEW])} and {len(missing) - FEW} more columns are missing"
    return "; ".join([*(str(finding) for finding in errors if finding.text != ABSENT), named])


def require_kept(findings: Iterable[Finding], what: str, dataset: str) -> None:
    """Raise CheckFailed with every reason where a contract is broken."""
    broken = errors_told(findings)
    if broken:
        raise CheckFailed(
            f"{what} breaks the contract of {dataset!r}: {broken}",
            f"mend the file, or change the contract: `tocsin dataset contract edit {dataset}`",
        )


def share(count: int, rows: int) -> str:
    """So many rows of all, for people."""
    return f"{count:,} of {rows:,} rows ({count / rows:.1%})"


def plain(value: Any) -> Any:
    """A value as JSON has it: times in ISO 8601, long texts cut, and no not-a-number."""
    from datetime import datetime

    if isinstance(value, datetime):
        return iso(round(value.timestamp() * 1_000_000))
    if isinstance(value, str):
        return value if len(value) <= SHOWN else value[: SHOWN - 1] + "…"
    return value if not isinstance(value, float) or abs(value) != float("inf") else str(value)
