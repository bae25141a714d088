"""The engine `dask`: parts go to the workers of a cluster, what they make of them comes back in order."""

from __future__ import annotations

import io
import pickle
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, Self, TypeVar

from core.engines.engine import Before, Make, Readable
from core.errors import BadInput
from plugins.engine_dask.failure import no_workers, translated
from plugins.engine_dask.identity import identity, require_same

T = TypeVar("T")
R = TypeVar("R")

CONNECT_SECONDS = 5
# How long a result is waited for before it is looked whether anybody still works on it.
LOOK_EVERY_SECONDS = 5
# Parts that are under way for each thread of the cluster: one that is worked on, one that waits for it.
AHEAD = 2


class DaskEngine:
    """A connection to a cluster's scheduler. Rows reach the workers through it: no disk is shared."""

    def __init__(self, address: str, threads: int) -> None:
        self.address = address
        self.elsewhere_ms = 0
        self._client: Any = None

    def __enter__(self) -> Self:
        self._client = _connected(self.address)
        try:
            with translated(self.address):
                found = self._client.run(identity, on_error="return")
            if not found:
                raise no_workers(self.address)
            require_same(identity(), found)
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    @property
    def told(self) -> Mapping[str, Any]:
        """Its name and its workers: a fit depends on how many there are."""
        return {"engine": "dask", "workers": len(self._workers())}

    def fold(self, table: Readable, wanted: Mapping[str, Make]) -> dict[str, Any]:
        """A tally of each column that is wanted, fed with all of its rows; pieces are merged in their order."""
        whole: dict[str, Any] = {name: make(Before()) for name, make in wanted.items()}
        for found in self.each(_fed, _tasks(table, wanted)):
            for name, tally in found.items():
                whole[name].merge(tally)
        return whole

    def each(self, work: Callable[[T], R], parts: Iterable[T]) -> Iterator[R]:
        """What `work` makes of each part, in order. A part whose worker dies is given to another."""
        content = packed(work)
        running: deque[Any] = deque()
        with translated(self.address):
            most = AHEAD * max(1, sum(self._client.nthreads().values()))
            try:
                for part in parts:
                    # The scheduler keeps the part until it is done, so that a dead worker loses nothing.
                    running.append(self._client.submit(_timed, content, packed(part), pure=False))
                    if len(running) >= most:
                        yield self._result(running.popleft())
                while running:
                    yield self._result(running.popleft())
            finally:
                self._client.cancel([*running])

    def boost(
        self, parameters: Mapping[str, Any], rounds: int, matrix: Any, labels: Any, weights: Any, categories: list[int]
    ) -> Any:
        """The LightGBM booster of so many rounds on rows that are dealt out to the workers."""
        from plugins.engine_dask.boost import boost

        return boost(self._client, self.address, parameters, rounds, (matrix, labels, weights), categories)

    def _result(self, future: Any) -> Any:
        while True:
            try:
                result, spent_ms = future.result(timeout=LOOK_EVERY_SECONDS)
            except TimeoutError:
                if future.status != "pending":
                    raise
                if not self._workers():
                    raise no_workers(self.address) from None
                continue
            self.elsewhere_ms += spent_ms
            return result

    def _workers(self) -> list[str]:
        return sorted(self._client.nthreads())


def _connected(address: str) -> Any:
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise BadInput(
            f"the engine dask needs a package that is not installed: {error.name}", "pip install 'tocsin[dask]'"
        ) from error
    if "://" not in address:
        raise BadInput(f"{address!r} is no address of a scheduler", "write tcp://HOST:PORT or tls://HOST:PORT")
    # Parts are meant to travel with their tasks.
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"})
    with translated(address):
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name="tocsin")


def _tasks(table: Readable, wanted: Mapping[str, Make]) -> Iterator[tuple[Readable, dict[str, Any]]]:
    """Each piece of a table with empty tallies that know what stands before it."""
    rows, missing = 0, dict.fromkeys(wanted, 0)
    for piece in table.pieces([*wanted]):
        yield piece, {name: make(Before(rows, missing[name])) for name, make in wanted.items()}
        rows += piece.rows
        for name in wanted:
            missing[name] += piece.missing(name)


def _fed(task: tuple[Readable, dict[str, Any]]) -> dict[str, Any]:
    """The tallies of a piece, on a worker."""
    piece, tallies = task
    for name, tally in tallies.items():
        for batch in piece.batches(name):
            tally.add(batch)
    return tallies


def packed(value: Any) -> bytes:
    """A pickle in which a table that is a slice of a larger one takes no more than its own rows."""
    sink = io.BytesIO()
    _Packer(sink, protocol=5).dump(value)
    return sink.getvalue()


class _Packer(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        import pyarrow as pa

        return (_unpacked, (_stream(value),)) if isinstance(value, pa.Table) else NotImplemented


def _stream(table: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _unpacked(content: bytes) -> Any:
    import pyarrow as pa

    return pa.ipc.open_stream(content).read_all()


def _timed(work: bytes, part: bytes) -> tuple[Any, int]:
    """What packed work makes of a part, and the milliseconds of this thread's processor time it took."""
    began = time.thread_time()
    result = _loaded(work)(pickle.loads(part))
    return result, round(1000 * (time.thread_time() - began))


@lru_cache(maxsize=4)
def _loaded(content: bytes) -> Callable[[Any], Any]:
    """Work, unpickled once for all of its parts."""
    work: Callable[[Any], Any] = pickle.loads(content)
    return work
