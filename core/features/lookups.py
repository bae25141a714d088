"""What a model file says of its view's aggregates: which there are, and under which view serving finds their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.features.saved import SavedView


@dataclass(frozen=True)
class Lookup:
    """One aggregate, looked up by the values of the raw inputs `key`; `over_us` is its window."""

    name: str
    key: tuple[str, ...]
    how: str
    over_us: int


@dataclass(frozen=True)
class Lookups:
    """The aggregates of version `version` of a view; values older than `stale_after_us` are missing (None: never)."""

    view: str
    version: int
    stale_after_us: int | None
    aggregates: tuple[Lookup, ...]

    @property
    def text(self) -> str:
        """How the view is written: `flight@2`."""
        return f"{self.view}@{self.version}"

    @property
    def names(self) -> frozenset[str]:
        """The names of the aggregates."""
        return frozenset(each.name for each in self.aggregates)

    def to_json(self) -> dict[str, Any]:
        """The entry in a model file."""
        return {**asdict(self), "aggregates": [{**asdict(one), "key": list(one.key)} for one in self.aggregates]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Lookups:
        """What `to_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
        stale = plain["stale_after_us"]
        return cls(
            str(plain["view"]),
            int(plain["version"]),
            None if stale is None else int(stale),
            tuple(
                Lookup(str(one["name"]), tuple(str(name) for name in one["key"]), str(one["how"]), int(one["over_us"]))
                for one in plain["aggregates"]
            ),
        )


def lookups_of(saved: SavedView) -> Lookups | None:
    """What a model trained on a view looks up; None for a view without aggregates."""
    found = tuple(Lookup(one.name, one.key, one.how, one.over_us) for one in saved.view.aggregate)
    return Lookups(saved.name, saved.version, saved.view.stale_after_us, found) if found else None
