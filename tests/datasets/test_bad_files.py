"""A file that cannot be read is refused with a next step, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core import ledger
from core.datasets import ingest, rows
from core.desk import Desk
from core.errors import BadInput, NotFound, TocsinError

TIMED = "at,x\n2013-04-01,1\n2013-04-02,2\n"


def refused(desk: Desk, path: Path, **said: str) -> TocsinError:
    """The error of adding a file, after looking that it left no row, event or blob."""
    with pytest.raises((BadInput, NotFound)) as caught:
        ingest.add(desk, path, dataset="loans", **said)  # type: ignore[arg-type]
    assert rows.snapshots(desk.store) == []
    assert rows.contract_or_none(desk.store, "loans") is None
    assert rows.quarantine(desk.store) == []
    assert ledger.timeline(desk.store) == []
    assert not [blob for blob in desk.home.blobs_path.rglob("*") if blob.is_file()]
    assert caught.value.hint
    return caught.value


BAD = [
    ("a null before the objects", 'null\n{"a": 1}\n', "data.jsonl", "line 1: no JSON object", "one object a line"),
    ("an empty file", "", "data.csv", "is empty", "header"),
    ("a header alone", "a,b\n", "data.csv", "header and no rows", "row"),
    ("semicolons", "a;b\n1;2\n", "data.csv", "separated by a semicolon", "--delimiter ';'"),
    ("tabs", "a\tb\n1\t2\n", "data.csv", "separated by a tab", r"--delimiter '\t'"),
    ("commas in a TSV", "a,b\n1,2\n", "data.tsv", "separated by a comma", "--delimiter ','"),
    ("a name twice", "a,b,a\n1,2,3\n", "data.csv", "two columns called 'a'", "rename"),
    ("no name", ",a\n0,1\n", "data.csv", "column 1 has no name", "index"),
    ("a short row", "a,b\n1,2\n3\n", "data.csv", "Expected 2 columns", "every row"),
    ("Latin-1", "a,b\nå,1\n".encode("latin-1"), "data.csv", "not UTF-8", "UTF-8"),
    ("Latin-1 in the header", "å,b\n1,1\n".encode("latin-1"), "data.csv", "not UTF-8", "UTF-8"),
    ("UTF-16", "a,b\n1,2\n".encode("utf-16"), "data.csv", "not UTF-8", "UTF-8"),
    ("Latin-1 in JSON Lines", b'{"a": "\xe5"}\n', "data.jsonl", "not UTF-8", "UTF-8"),
    ("half a Parquet file", b"PAR1\0\0\0broken", "data.parquet", "not a readable Parquet", "copy it whole"),
    ("text called Parquet", "a,b\n1,2\n", "data.parquet", "not a readable Parquet", "write it again"),
    ("one JSON list", '[{"a": 1}]', "data.json", "one JSON list", "JSON Lines"),
    ("broken JSON", '{"a": 1}\n{"a": \n', "data.jsonl", "cannot be read", "JSON Lines"),
    ("a nested column", '{"a": {"b": 1}}\n', "data.jsonl", "column 'a' holds struct", "flatten"),
    ("a broken gzip", b"\x1f\x8b\x08\0broken", "data.csv.gz", "is damaged", "copy it again"),
]


@pytest.mark.parametrize(("content", "name", "says", "hint"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_file_that_cannot_be_read_is_refused_and_leaves_nothing(
    desk: Desk, write: Callable[..., Path], content: str | bytes, name: str, says: str, hint: str
) -> None:
    error = refused(desk, write(content, name))
    assert says in error.message
    assert hint in error.hint


def test_a_missing_file_is_not_found(desk: Desk, tmp_path: Path) -> None:
    error = refused(desk, tmp_path / "nowhere.csv")
    assert isinstance(error, NotFound)
    assert "nowhere.csv" in error.message


def test_a_folder_is_no_file(desk: Desk, tmp_path: Path) -> None:
    assert "is a folder" in refused(desk, tmp_path).message


def test_duplicate_names_in_parquet_are_refused(desk: Desk, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "twice.parquet")
    assert "two columns called 'a'" in refused(desk, tmp_path / "twice.parquet").message


@pytest.mark.parametrize("option", ["time_column", "label"])
def test_a_column_named_but_absent_is_refused_with_the_columns_there_are(
    desk: Desk, write: Callable[..., Path], option: str
) -> None:
    error = refused(desk, write(TIMED), **{option: "when"})
    assert "has no column 'when'" in error.message
    assert "at, x" in error.hint


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("at,x\n2013-04-01,1\nyesterday,2\n", "'yesterday' in row 2"),
        ("at,x\n2013-04-01,1\n,2\n", "empty in 1 of 2 rows"),
        ("at,x\n12,1\n13,2\n", "holds integers, not times"),
        ("at,x\n,1\n,2\n", "holds nothing, not times"),
    ],
)
def test_a_time_column_that_holds_no_times_is_refused(
    desk: Desk, write: Callable[..., Path], content: str, says: str
) -> None:
    assert says in refused(desk, write(content), time_column="at").message


def test_a_name_with_a_slash_cannot_name_a_data_set(desk: Desk, write: Callable[..., Path]) -> None:
    with pytest.raises(BadInput, match="cannot name a data set"):
        ingest.add(desk, write(TIMED), dataset="../loans")
