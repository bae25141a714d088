from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from core import ledger
from core.backup.named import named_blobs
from core.datasets import load
from core.datasets.rows import snapshot
from core.desk import Desk
from core.errors import BadInput, NotFound, StoreUnusable
from core.registry import versions
from core.scoring import parts, rows
from core.scoring.job import score
from core.training.booster import score_table

Add = Callable[..., str]


def run(desk: Desk, **args: Any) -> dict[str, Any]:
    return score(desk, {"model": "flights", "version": 1, "dataset": "flights", **args}, lambda share, text="": None)


def test_the_output_is_what_scoring_the_whole_table_gives(trained: Desk) -> None:
    result = run(trained, chunk=200, keep=["at", "carrier"])
    output = pq.read_table(trained.blobs.path(result["output"]))
    table = load.load(trained, snapshot(trained.store, "flights"))
    artefact = versions.load_artefact(trained, "flights", 1)
    assert output.column_names == ["at", "carrier", "score", "decision"]
    assert output.column("carrier").equals(table.column("carrier"))
    scores = output.column("score").to_numpy()
    assert np.array_equal(scores, score_table(artefact, table))
    assert np.array_equal(output.column("decision").to_numpy(), scores >= artefact.threshold)
    said = output.schema.metadata
    assert (said[b"tocsin.model"], said[b"tocsin.version"]) == (b"flights", b"1")
    assert said[b"tocsin.artefact"].decode() == artefact.sha256
    [event] = ledger.timeline(trained.store, kinds=["model.scored"])
    assert (event.model, event.version) == ("flights", 1)
    assert (event.data["rows"], event.data["output"]) == (900, result["output"])
    assert result["output"] in dict(named_blobs(trained.store))
    assert not list(trained.home.scores_path.glob("*"))


@pytest.mark.parametrize(("chunk", "threads"), [(100, 1), (333, 2), (900, 1), (5000, 2)])
def test_the_bytes_depend_neither_on_the_cut_nor_on_the_threads(trained: Desk, chunk: int, threads: int) -> None:
    assert run(trained, chunk=chunk, threads=threads)["output"] == run(trained)["output"]


def test_a_chunk_begins_anywhere_in_the_groups_of_a_file(trained: Desk, tmp_path: Path) -> None:
    table = load.load(trained, snapshot(trained.store, "flights"))
    path = tmp_path / "groups.parquet"
    pq.write_table(table, path, row_group_size=70)
    for start, chunk in ((0, 100), (70, 64), (71, 900), (139, 140), (899, 5), (900, 100)):
        found = [*parts.chunks(path, ["x", "carrier"], start, chunk)]
        assert [one.num_rows for one in found[:-1]] == [chunk] * (len(found) - 1)
        held = [value for one in found for value in one.column("x").to_pylist()]
        assert held == table.column("x").to_pylist()[start:]


def test_a_part_that_is_not_what_it_was_is_scored_again(trained: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    want = run(trained, chunk=100)["output"]
    with pytest.raises(KeyboardInterrupt):
        score(trained, {"model": "flights", "version": 1, "dataset": "flights", "chunk": 100}, _stop_at(0.5))
    [open_one] = [one for one in rows.scores(trained.store) if one.blob is None]
    assert 100 < open_one.in_parts < 900
    files = parts.Parts(trained, open_one)
    files.path(1).write_bytes(b"torn")
    assert len(files.whole()) == 1
    result = run(trained, chunk=100)
    assert (result["score"], result["output"]) == (open_one.id, want)


def _stop_at(share: float) -> Callable[..., None]:
    def progress(found: float, text: str = "") -> None:
        if found >= share:
            raise KeyboardInterrupt

    return progress


def test_a_run_tried_again_scores_once(trained: Desk) -> None:
    assert run(trained, run_id=5)["score"] == run(trained, run_id=5)["score"]
    assert run(trained, run_id=6)["score"] == 2
    assert len(ledger.timeline(trained.store, kinds=["model.scored"])) == 2


def test_progress_tells_rows_speed_and_what_is_left(trained: Desk) -> None:
    told: list[tuple[float, str]] = []
    args = {"model": "flights", "dataset": "flights", "chunk": 100}
    score(trained, args, lambda share, text="": told.append((share, text)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert told[4][1].startswith("500 of 900 rows, ")
    assert told[4][1].endswith(" left")


def test_a_snapshot_that_does_not_fit_is_refused_before_any_row(trained: Desk, add: Add) -> None:
    add("other", x=["a"] * 900, carrier="delay")
    with pytest.raises(BadInput, match=r"'x' holds text, not numbers; 'carrier' holds number, not text") as caught:
        run(trained, dataset="other")
    assert "nothing was scored" in caught.value.hint
    assert rows.scores(trained.store) == []


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"keep": ["gone"]}, BadInput),
        ({"chunk": 7}, BadInput),
        ({"threads": 0}, BadInput),
        ({"compare": 1}, BadInput),
        ({"version": 9}, NotFound),
        ({"snapshot": 9}, NotFound),
        ({"dataset": "gone"}, NotFound),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_begins(
    trained: Desk, args: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        run(trained, **args)
    assert rows.scores(trained.store) == []


def test_a_file_in_the_way_stays_as_it_is(trained: Desk, tmp_path: Path) -> None:
    out = tmp_path / "scores.parquet"
    result = run(trained, out=str(out))
    assert out.read_bytes() == trained.blobs.read(result["output"])
    assert run(trained, out=str(out))["output"] == result["output"]
    out.write_bytes(b"mine")
    with pytest.raises(BadInput, match="exists"):
        run(trained, out=str(out))
    assert out.read_bytes() == b"mine"
    run(trained, out=str(out), overwrite=True)
    assert out.read_bytes() == trained.blobs.read(result["output"])
    assert [path.name for path in tmp_path.glob("*scores*")] == ["scores.parquet"]


def test_a_full_disk_is_told_and_the_parts_before_it_are_kept(trained: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    want = run(trained, chunk=100)["output"]
    written = iter(range(100))

    def full(name: str) -> None:
        if name == "score.written" and next(written) == 3:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("core.crashpoint.at", full)
        with pytest.raises(StoreUnusable, match="full"):
            run(trained, chunk=100)
    assert rows.scores(trained.store)[0].in_parts == 300
    assert run(trained, chunk=100)["output"] == want


def test_a_cheaper_model_beside_the_baseline(trained: Desk) -> None:
    found = run(trained, compare=2)["comparison"]
    json.dumps(found, allow_nan=False)
    first, second = found["versions"]
    assert (first["version"], second["version"]) == (1, 2)
    assert first["quality"]["n"] == second["quality"]["n"] == 890
    assert 0.5 < second["quality"]["auc"] < first["quality"]["auc"] < 1
    assert 0 < found["agreement"]["mean_distance"] <= found["agreement"]["max_distance"] <= 1
    outputs = [pq.read_table(trained.blobs.path(one.blob or "")) for one in rows.scores(trained.store)[::-1]]
    changed = np.not_equal(*(one.column("decision").to_numpy() for one in outputs)).sum()
    agreement = found["agreement"]
    assert agreement["flips_to_positive"] + agreement["flips_to_negative"] == changed


def test_scorings_of_two_snapshots_are_not_compared(trained: Desk, add: Add) -> None:
    from core.scoring.compare import compare

    run(trained)
    add("later", rows=500)
    run(trained, dataset="later")
    with pytest.raises(BadInput, match=r"flights/1.*later/1"):
        compare(trained, 1, 2)
