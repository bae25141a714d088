"""The engine that is always there: this process, with a few threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

from core.engines.engine import START, Make, Readable

T = TypeVar("T")
R = TypeVar("R")


class LocalEngine:
    """A thread reads one column at a time in batches, so that memory does not grow with the rows."""

    def __init__(self, address: str = "", threads: int = 1) -> None:
        self._threads = max(1, threads)
        self.told: Mapping[str, Any] = {}
        self.elsewhere_ms = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def fold(self, table: Readable, wanted: Mapping[str, Make]) -> dict[str, Any]:
        """A tally of each column that is wanted, fed with all of its rows."""

        def column(name: str) -> Any:
            tally = wanted[name](START)
            for batch in table.batches(name):
                tally.add(batch)
            return tally

        with ThreadPoolExecutor(self._threads) as pool:
            return dict(zip(wanted, pool.map(column, wanted), strict=True))

    def each(self, work: Callable[[T], R], parts: Iterable[T]) -> Iterator[R]:
        """What `work` makes of each part, one after the other."""
        return map(work, parts)
