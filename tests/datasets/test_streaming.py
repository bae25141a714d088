"""A file read in pieces is the file read whole: the same types, rows and bytes."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets import csv_types, distinct, formats, ingest, json_lines, rows, verbs
from core.datasets.contract import Contract
from core.datasets.formats import read_table
from core.datasets.load import load, parquet_bytes, path
from core.datasets.source import Source, open_source
from core.desk import Desk
from core.errors import BadInput, CheckFailed, StoreUnusable

Write = Callable[..., Path]

CELLS = ["", "1", "-7", "true", "2013-04-01", "12:30:00", "2013-04-01 06:00:00", "2013-04-01T06:00:00Z"]
CELLS += ["2013-04-01 06:00:00.25", "1.5", "word", 'with "quotes", and a comma', "two\nlines", "å"]


def held(content: str | bytes, name: str = "a.csv") -> Source:
    plain = content.encode() if isinstance(content, str) else content
    return Source(Path(name), plain, hashlib.sha256(plain).hexdigest())


def csv(cells: list[list[str]]) -> str:
    names = ",".join(f"c{place}" for place in range(len(cells[0])))
    lines = [",".join('"' + cell.replace('"', '""') + '"' if cell else "" for cell in row) for row in cells]
    return "\n".join([names, *lines]) + "\n"


@given(st.lists(st.lists(st.sampled_from(CELLS), min_size=2, max_size=2), min_size=1, max_size=30))
def test_a_csv_read_in_small_blocks_is_typed_as_if_it_were_read_whole(cells: list[list[str]]) -> None:
    content = csv(cells).encode()
    whole = pa.csv.read_csv(
        io.BytesIO(content),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(strings_can_be_null=True),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "CSV_BLOCK", 80)
        cut = read_table(held(content))
    assert cut.schema == whole.schema
    assert cut.to_pydict() == whole.to_pydict()


def test_a_column_widens_from_integers_to_numbers_to_text_wherever_that_shows(desk: Desk, write: Write) -> None:
    plain = ["1,1,1"] * 900_000 + ["2,1.5,1"] * 900_000 + ["3,2,x"]
    snapshot = ingest.add(desk, write("a,b,c\n" + "\n".join(plain) + "\n"), dataset="d").snapshot
    assert snapshot.columns == {"a": "integer", "b": "number", "c": "text"}
    assert snapshot.rows == 1_800_001
    assert snapshot.profile["columns"]["c"]["levels"] == {"1": 1_800_000, "x": 1}
    assert snapshot.profile["columns"]["b"]["mean"] == pytest.approx((900_000 * 2.5 + 2) / 1_800_001)


def test_a_text_that_no_wider_type_holds_makes_the_column_text() -> None:
    assert csv_types.wider(pa.int64(), "1.5") == pa.float64()
    assert csv_types.wider(pa.int64(), "word") == pa.string()
    assert csv_types.wider(pa.null(), "7") == pa.int64()
    assert csv_types.wider(pa.float64(), "true") == pa.string()


def test_json_lines_take_columns_and_types_from_every_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "BLOCK", 64)
    said: list[dict[str, Any]] = [{"a": 1, "at": "2013-04-01 00:00:00"}] * 9 + [{"a": 1.5, "b": "x"}, {"at": "soon"}]
    table = read_table(held("".join(json.dumps(line) + "\n" for line in said), "a.jsonl"))
    assert table.column_names == ["a", "at", "b"]
    assert table.to_pylist() == [{"a": None, "at": None, "b": None, **line} for line in said]


def test_a_json_column_of_numbers_and_text_is_refused_and_a_bad_line_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "BLOCK", 64)
    with pytest.raises(BadInput, match=r"Column\(/a\) changed"):
        read_table(held('{"a": 1}\n' * 20 + '{"a": "x"}\n', "a.jsonl"))
    with pytest.raises(BadInput, match="line 21: no JSON object"):
        read_table(held('{"a": 1}\n' * 20 + "null\n", "a.jsonl"))


def test_the_kept_bytes_are_those_of_the_table_written_at_once(desk: Desk, tmp_path: Path) -> None:
    dice = random.Random(1)
    table = pa.table({"x": [dice.random() for _ in range(300_000)], "g": [dice.choice("abc") for _ in range(300_000)]})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=131_072, compression="zstd", version="2.6", use_dictionary=["g"])
    assert parquet_bytes(table) == sink.getvalue().to_pybytes()
    pq.write_table(table, tmp_path / "whole.parquet")
    pq.write_table(table, tmp_path / "cut.parquet", row_group_size=777)
    kept = {ingest.add(desk, tmp_path / f"{name}.parquet", dataset=name).snapshot.blob for name in ("whole", "cut")}
    assert kept == {hashlib.sha256(sink.getvalue().to_pybytes()).hexdigest()}


def test_fractions_far_down_are_held_against_a_contract_of_integers(desk: Desk, write: Write, tmp_path: Path) -> None:
    ingest.add(desk, write("a\n1\n2\n1\n"), dataset="d")
    spec = rows.contract(desk.store, "d").contract.to_json()
    spec["columns"][0] |= {"min": None, "max": None}
    verbs.set_contract(desk, "d", Contract.from_json(spec))
    for name, last in (("whole", 3.0), ("broken", 3.5)):
        pq.write_table(pa.table({"a": [1.0] * 200_000 + [last]}), tmp_path / f"{name}.parquet")
    assert ingest.add(desk, tmp_path / "whole.parquet", dataset="d").snapshot.columns == {"a": "integer"}
    with pytest.raises(CheckFailed, match="a: holds number where the contract says integer"):
        ingest.add(desk, tmp_path / "broken.parquet", dataset="d")


def test_a_bad_time_far_down_is_named_by_its_row(desk: Desk, write: Write) -> None:
    content = "at,x\n" + "2013-04-01T00:00:00,1\n" * 400_000 + "soon,2\n"
    with pytest.raises(BadInput, match="'soon' in row 400001"):
        ingest.add(desk, write(content), dataset="d", time_column="at")


def test_a_file_that_changes_while_it_is_read_is_refused(desk: Desk, loans_file: Path) -> None:
    source = open_source(loans_file)
    loans_file.write_text(loans_file.read_text() + "900,2013-04-01T06:00:00,1,A,,0\n")
    with pytest.raises(BadInput, match="changed while it was read"):
        ingest.take(desk, source, "loans")
    assert rows.snapshots(desk.store) == []
    assert not [blob for blob in desk.home.blobs_path.rglob("*") if blob.is_file()]


def test_the_file_of_a_snapshot_is_handed_out_only_while_its_hash_holds(desk: Desk, loans_file: Path) -> None:
    snapshot = ingest.add(desk, loans_file, dataset="loans").snapshot
    found = path(desk, snapshot)
    assert pq.read_table(found) == load(desk, snapshot)
    found.chmod(0o600)
    found.write_bytes(found.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreUnusable, match="damaged"):
        path(desk, snapshot)


@pytest.mark.parametrize("count", [100, 20_000, 300_000])
def test_an_estimate_is_near_the_number_of_different_values(count: int) -> None:
    for values in (pa.array(range(count)), pa.array([value / 7 for value in range(count)])):
        estimate = distinct.Estimate()
        estimate.add(values)
        estimate.add(values.slice(count // 2))
        assert estimate.count == pytest.approx(count, rel=0.04)


@given(st.lists(st.one_of(st.none(), st.integers(-5, 2**62)), max_size=60), st.booleans())
def test_repeats_counted_on_disk_are_those_counted_in_memory(values: list[int | None], as_text: bool) -> None:
    plain = pa.array(values, pa.int64())
    array = plain.cast(pa.string()).dictionary_encode() if as_text else plain
    there = [value for value in values if value is not None]
    batches = [array.slice(0, 20), array.slice(20)]
    assert distinct.repeats(batches, len(values)) == len(there) - len(set(there))
    assert distinct.repeats(batches, distinct.IN_MEMORY + 1) == len(there) - len(set(there))
