"""The bounded samples of live requests: raw inputs kept for comparing and scoring again, never for counting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.access.sensitive import Vault
from core.clock import DAY
from core.endpoints.sensitive import readable
from core.features.columns import Feature
from core.measures.values import NUMBER, as_number, is_missing
from core.store import Row, Store

# The newest this many of a window are read: enough to compare, bounded in memory.
MOST = 4000

WINDOW = """SELECT at_us, model, request_id, score, inputs, sealed, sealed_key FROM sample
WHERE model = ? AND endpoint = ? AND version = ? AND at_us >= ? AND at_us < ? ORDER BY at_us DESC LIMIT ?"""
ANSWERED = """SELECT DISTINCT endpoint, version FROM sample
WHERE model = ? AND at_us >= ? AND at_us < ? ORDER BY endpoint, version"""
LABELLED = """SELECT s.at_us, s.model, s.request_id, s.inputs, s.sealed, s.sealed_key, l.value FROM sample s
JOIN label l ON l.model = s.model AND l.request_id = s.request_id
WHERE s.model = ? AND s.endpoint = ? AND s.at_us >= ? AND s.at_us < ? ORDER BY s.at_us DESC LIMIT ?"""


@dataclass(frozen=True)
class Sample:
    """One kept request: when it was asked, its raw inputs, its label where it is known and was asked for, and its id
    with the score it was answered, where those were."""

    at_us: int
    inputs: dict[str, Any]
    label: int | None = None
    request_id: str = ""
    score: float | None = None

    @property
    def day(self) -> int:
        """The day it was asked, counted from the epoch."""
        return self.at_us // DAY


def window(store: Store, model: str, endpoint: str, version: int, from_us: int, to_us: int) -> list[Sample]:
    """The samples that a version answered in [from, to), newest first, at most 4000."""
    rows = store.read(WINDOW, (model, endpoint, version, from_us, to_us, MOST))
    vault = Vault(store.home)
    return [
        Sample(row["at_us"], readable(vault, row), request_id=row["request_id"], score=row["score"]) for row in rows
    ]


def answered(store: Store, model: str, endpoint: str | None, from_us: int, to_us: int) -> list[tuple[str, int]]:
    """The endpoints (or one) and versions that samples of [from, to) were answered by."""
    found = [(row["endpoint"], row["version"]) for row in store.read(ANSWERED, (model, from_us, to_us))]
    return [pair for pair in found if endpoint in (None, pair[0])]


def labelled(store: Store, model: str, endpoint: str, from_us: int, to_us: int) -> list[Sample]:
    """The samples of [from, to) whose labels have come, whichever version answered, newest first, at most 4000."""
    rows: list[Row] = store.read(LABELLED, (model, endpoint, from_us, to_us, MOST))
    vault = Vault(store.home)
    return [Sample(row["at_us"], readable(vault, row), row["value"]) for row in rows]


def as_table(found: Sequence[Sample], features: Sequence[Feature]) -> Any:
    """The samples as a pyarrow table of a model's raw inputs: numbers as floats, levels as text, null for missing."""
    import pyarrow as pa

    columns = {feature.name: _column(found, feature) for feature in features}
    return pa.table(columns)


def _column(found: Sequence[Sample], feature: Feature) -> Any:
    import pyarrow as pa

    values = [one.inputs.get(feature.name) for one in found]
    if feature.kind == NUMBER:
        return pa.array([as_number(value) for value in values], pa.float64())
    return pa.array([value if isinstance(value, str) else None for value in values], pa.string())


def numbers(found: Sequence[Sample], name: str) -> list[float]:
    """A number's values, missing ones as minus infinity: a value below all others, so that they count."""
    return [-float("inf") if is_missing(value) else _ranked(value) for value in _values(found, name)]


def levels(found: Sequence[Sample], name: str) -> list[str]:
    """A category's values, missing ones as an empty text."""
    return ["" if is_missing(value) else str(value) for value in _values(found, name)]


def _values(found: Sequence[Sample], name: str) -> list[Any]:
    return [one.inputs.get(name) for one in found]


def _ranked(value: Any) -> float:
    number = as_number(value)
    # Text where a number belongs ranks above all numbers, apart from what is missing.
    return number if number == number else float("inf")


def by_day(found: Sequence[Sample]) -> Mapping[int, list[Sample]]:
    """The samples of each day."""
    days: dict[int, list[Sample]] = {}
    for one in found:
        days.setdefault(one.day, []).append(one)
    return days
