from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.datasets import ingest, rows
from core.datasets.load import load
from core.desk import Desk
from core.errors import BadInput, NotFound

CSV = b"x,y\n1,2\n3,4\n"


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def told(folder: Path, name: str, hashed: str, size: int) -> Path:
    path = folder / f"{name}.dvc"
    path.write_text(f"outs:\n- md5: {hashed}\n  size: {size}\n  hash: md5\n  path: {name}\n")
    return path


def cached(folder: Path, hashed: str, content: bytes) -> None:
    place = folder / ".dvc/cache/files/md5" / hashed[:2] / hashed[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(content)


def test_data_that_are_what_dvc_says_are_taken_and_their_md5_is_recorded(desk: Desk, tmp_path: Path) -> None:
    path = told(tmp_path, "a.csv", md5(CSV), len(CSV))
    (tmp_path / "a.csv").write_bytes(CSV)
    added = ingest.add(desk, path, dataset="d")
    assert added.snapshot.source == f"{path} (md5 {md5(CSV)})"
    assert added.snapshot.sha256 == hashlib.sha256(CSV).hexdigest()
    (tmp_path / "a.csv").unlink()
    cached(tmp_path, md5(CSV), CSV)
    assert load(desk, ingest.add(desk, path, dataset="e").snapshot).to_pydict() == {"x": [1, 3], "y": [2, 4]}


def test_data_that_are_something_else_are_refused(desk: Desk, tmp_path: Path) -> None:
    path = told(tmp_path, "a.csv", md5(CSV), len(CSV))
    with pytest.raises(NotFound, match="neither beside it nor in the cache"):
        ingest.add(desk, path, dataset="d")
    for content, says in ((CSV + b"5,6\n", "16 bytes where"), (CSV.replace(b"4", b"5"), "its md5 differs")):
        (tmp_path / "a.csv").write_bytes(content)
        with pytest.raises(BadInput, match=says):
            ingest.add(desk, path, dataset="d")
    assert rows.snapshots(desk.store) == []


@pytest.mark.parametrize("content", ["", "outs: 3\n", "outs: []\n", "outs:\n- path: a\n", "a: [\n"])
def test_a_file_that_is_no_dvc_file_is_refused(desk: Desk, tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv.dvc").write_text(content)
    with pytest.raises(BadInput, match=r"a\.csv\.dvc"):
        ingest.add(desk, tmp_path / "a.csv.dvc", dataset="d")


def test_a_folder_is_held_against_its_listing(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "p/a.parquet")
    content = (tmp_path / "p/a.parquet").read_bytes()
    listing = json.dumps([{"md5": md5(content), "relpath": "a.parquet"}]).encode()
    cached(tmp_path, f"{md5(listing)}.dir", listing)
    path = told(tmp_path, "p", f"{md5(listing)}.dir", len(content))
    assert ingest.add(desk, path, dataset="d").snapshot.rows == 2
    pq.write_table(pa.table({"x": [3]}), tmp_path / "p/b.parquet")
    with pytest.raises(BadInput, match=r"b\.parquet is extra"):
        ingest.add(desk, path, dataset="e")
