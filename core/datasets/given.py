"""Whatever may be given to `dataset add`, as a source: a file, a folder of Parquet parts, a `.dvc` file, a query."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.datasets import sql
from core.datasets.dvc import open_dvc
from core.datasets.source import Source, open_source
from core.desk import Desk
from core.errors import BadInput


@contextmanager
def given(desk: Desk, what: str | Path, query: str | None = None) -> Iterator[Source]:
    """The source at a path, or of a query at a database's address, for as long as it is read.

    Raises what `open_source`, `open_dvc` and `sql.queried` raise, and BadInput for an address without a query or a
    file with one.
    """
    address = str(what)
    if not sql.is_address(address):
        if query is not None:
            raise BadInput("a file has no query", sql.FORMS)
        path = Path(what).expanduser()
        yield open_dvc(path) if path.suffix == ".dvc" else open_source(path)
        return
    if not query:
        raise BadInput("a database is read by a query", "add --query 'SELECT ...'")
    with sql.queried(desk.blobs, address, query) as source:
        yield source
