"""Rows from elsewhere than one file: folders of parts, and queries against databases."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.datasets import ingest, rows, sql
from core.datasets.load import load
from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotFound, RemoteUnreachable

Said = tuple[int, str, str]
QUERY = "SELECT id, amount, grade FROM loan ORDER BY id"
PLAIN = {"id": [1, 2, 3], "amount": [10.0, None, 2.5], "grade": ["a", "b", None]}


def fill(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE loan(id INTEGER, amount DOUBLE PRECISION, grade TEXT)")
    connection.execute("INSERT INTO loan VALUES (1, 10, 'a'), (2, NULL, 'b'), (3, 2.5, NULL)")


@pytest.fixture
def shop(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        fill(connection)
        connection.commit()
    return f"sqlite:///{tmp_path / 'shop.db'}"


def parts(folder: Path, *tables: pa.Table) -> Path:
    folder.mkdir()
    for number, table in enumerate(tables):
        pq.write_table(table, folder / f"part-{number}.parquet")
    return folder


def test_a_folder_of_parts_is_one_snapshot_in_the_order_of_their_names(desk: Desk, tmp_path: Path) -> None:
    folder = parts(tmp_path / "p", pa.table({"x": [3, 1]}), pa.table({"x": [2, 3]}))
    added = ingest.add(desk, folder, dataset="d")
    assert load(desk, added.snapshot).to_pydict() == {"x": [3, 1, 2, 3]}
    assert added.snapshot.source == f"{folder} (2 parts)"
    (folder / "notes.txt").write_text("no part")
    assert not ingest.add(desk, folder, dataset="d").new
    os.rename(folder / "part-0.parquet", folder / "part-9.parquet")
    assert ingest.add(desk, folder, dataset="d").snapshot.number == 2


def test_parts_of_different_columns_are_refused(desk: Desk, tmp_path: Path) -> None:
    folder = parts(tmp_path / "p", pa.table({"x": [3, 1]}), pa.table({"x": [2.5]}))
    with pytest.raises(BadInput, match=r"part-1\.parquet has other columns than part-0\.parquet"):
        ingest.add(desk, folder, dataset="d")
    assert rows.snapshots(desk.store) == []


def test_refused_parts_are_kept_as_rows(desk: Desk, tmp_path: Path) -> None:
    ingest.add(desk, parts(tmp_path / "good", pa.table({"x": [1, 2, 1]})), dataset="d")
    with pytest.raises(CheckFailed):
        ingest.add(desk, parts(tmp_path / "bad", pa.table({"x": [100, 200]})), dataset="d")
    (entry,) = rows.quarantine(desk.store)
    assert pq.read_table(desk.blobs.verified(entry.blob)).to_pydict() == {"x": [100, 200]}


def test_the_rows_of_an_sqlite_query_are_a_snapshot_with_its_query(desk: Desk, shop: str) -> None:
    added = ingest.add(desk, shop, dataset="d", query=QUERY)
    assert load(desk, added.snapshot).to_pydict() == PLAIN
    assert added.snapshot.source == f"{shop}: {QUERY}"
    assert not ingest.add(desk, shop, dataset="d", query=QUERY).new
    other = ingest.add(desk, shop, dataset="e", query=QUERY.replace("ORDER BY id", "ORDER BY id DESC"))
    assert other.snapshot.sha256 != added.snapshot.sha256


def test_a_query_cannot_write_and_a_bad_one_is_refused(desk: Desk, shop: str, tmp_path: Path) -> None:
    for query, says in (
        ("DELETE FROM loan RETURNING id", "readonly"),
        ("SELECT nowhere FROM loan", "no such column"),
        ("SELECT id, id FROM loan", "two columns called 'id'"),
        ("SELECT CASE id WHEN 1 THEN 'x' ELSE 2 END AS odd FROM loan", "'odd' holds numbers and text"),
        ("SELECT id FROM loan WHERE 0", "no rows"),
    ):
        with pytest.raises(BadInput, match=says):
            ingest.add(desk, shop, dataset="d", query=query)
    with pytest.raises(NotFound, match=r"nowhere\.db"):
        ingest.add(desk, f"sqlite:///{tmp_path}/nowhere.db", dataset="d", query=QUERY)
    with pytest.raises(BadInput, match="read by a query"):
        ingest.add(desk, shop, dataset="d")
    assert rows.snapshots(desk.store) == []
    assert not [blob for blob in desk.home.blobs_path.rglob("*") if blob.is_file()]


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadInput) as caught:
        sql.database("postgresql://ana:hunter2@host/db")
    assert "hunter2" not in caught.value.message + caught.value.hint
    assert sql.database("postgresql://ana:env:PW@host:5433/db").told == "postgresql://host:5433/db"


def test_the_command_takes_a_query(tocsin: Callable[..., Said], shop: str) -> None:
    assert tocsin("dataset", "add", "d", shop, "--query", QUERY, "--dry-run")[0] == 0
    code, out, _ = tocsin("dataset", "add", "d", shop, "--query", QUERY)
    assert (code, "3 rows" in out) == (0, True)
    assert tocsin("dataset", "validate", "d", shop, "--query", QUERY)[0] == 0


def test_the_rows_of_a_duckdb_query_are_those_of_any_database(desk: Desk, shop: str, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the extra duckdb is not installed")
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        fill(connection)
    address = f"duckdb:///{tmp_path}/shop.duckdb"
    for query in ("DELETE FROM loan", f"COPY loan TO '{tmp_path}/out.csv'"):
        with pytest.raises(BadInput, match="cannot be run"):
            ingest.add(desk, address, dataset="d", query=query)
    query = "SELECT id::BIGINT AS id, amount, grade FROM loan ORDER BY id"
    added = ingest.add(desk, address, dataset="d", query=query)
    assert load(desk, added.snapshot).to_pydict() == PLAIN
    assert added.snapshot.sha256 == ingest.add(desk, shop, dataset="e", query=QUERY).snapshot.sha256


def binaries() -> Path | None:
    """The folder of Debian's package postgresql, or of one on the path."""
    found = shutil.which("initdb")
    candidates = [Path(found).parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


def as_postgres(*words: str) -> None:
    """Run a command as a user that PostgreSQL accepts: it refuses root."""
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(words, check=True, capture_output=True, user=user, cwd="/")


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # Not under tmp_path: the server's user has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="tocsin-pg-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    (folder / "pw").write_text("s3cret-of-ana")
    (folder / "pw").chmod(0o644)
    data = str(folder / "data")
    as_postgres(str(found / "initdb"), "-D", data, "-U", "ana", "-A", "scram-sha-256", f"--pwfile={folder}/pw", "-N")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    log = str(folder / "log")
    as_postgres(str(found / "pg_ctl"), "-D", data, "-o", options, "-l", log, "-w", "start")
    monkeypatch.setenv("SHOP_PASSWORD", "s3cret-of-ana")
    try:
        where = f"host=127.0.0.1 port={port} user=ana password=s3cret-of-ana dbname=postgres"
        with psycopg.connect(where) as connection:
            fill(connection)
        yield f"postgresql://ana:env:SHOP_PASSWORD@127.0.0.1:{port}/postgres"
    finally:
        as_postgres(str(found / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.e2e
def test_the_rows_of_a_postgresql_query_are_those_of_any_database(
    desk: Desk, server: str, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match="cannot be run"):
        ingest.add(desk, server, dataset="d", query="DELETE FROM loan RETURNING id")
    added = ingest.add(desk, server, dataset="d", query=QUERY)
    assert load(desk, added.snapshot).to_pydict() == PLAIN
    assert "s3cret" not in added.snapshot.source
    assert "ana" not in added.snapshot.source
    assert added.snapshot.sha256 == ingest.add(desk, shop, dataset="e", query=QUERY).snapshot.sha256
    many = "SELECT n, n / 2.0 AS half, now() AS at, n % 2 = 0 AS even FROM generate_series(1, 40000) AS n"
    snapshot = ingest.add(desk, server, dataset="many", query=many).snapshot
    assert snapshot.columns == {"n": "integer", "half": "number", "at": "time", "even": "boolean"}
    assert snapshot.rows == 40_000
    monkeypatch.setenv("SHOP_PASSWORD", "wrong-word")
    with pytest.raises(RemoteUnreachable) as caught:
        ingest.add(desk, server, dataset="f", query=QUERY)
    assert "wrong-word" not in caught.value.message
