from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from core import ledger
from core.datasets import load
from core.datasets.rows import snapshot
from core.desk import Desk
from core.errors import BadInput
from core.features import declared, saved
from core.features.events import event_times
from core.features.join import complete
from core.registry import versions
from core.scoring.job import score
from core.training.booster import predict_table, score_table
from core.training.job import train
from tests.training.conftest import delays

Add = Callable[..., str]
VIEW = """name = "flight"
[[column]]
name = "x"
expression = "x"
[[column]]
name = "worse"
expression = "if(carrier_late > 0.4, x, carrier_late)"
[[aggregate]]
name = "carrier_late"
from = "events"
key = ["carrier"]
value = "delay >= 8"
how = "mean"
over = "2d"
delay = "1h"
"""


def run(desk: Desk, dataset: str = "flights", **args: Any) -> Any:
    said = score(desk, {"model": "m", "dataset": dataset, **args}, lambda share, text="": None)
    return said, pq.read_table(desk.blobs.path(said["output"]))


def fit(desk: Desk, label: str, rounds: int = 10, **args: Any) -> None:
    train(desk, {"model": "m", "dataset": "flights", "label": label, "rounds": rounds, **args}, lambda *_: None)


@pytest.fixture
def viewed(desk: Desk, add: Add, tmp_path: Path) -> Desk:
    """A model whose view joins an aggregate of another data set."""
    add()
    add("events", 1200)
    path = tmp_path / "view.toml"
    path.write_text(VIEW)
    saved.add(desk, declared.read(path))
    fit(desk, "delay>=8", view="flight")
    return desk


def test_aggregates_are_joined_as_they_were_known_whatever_the_cut(viewed: Desk) -> None:
    artefact = versions.load_artefact(viewed, "m", None)
    table = load.load(viewed, snapshot(viewed.store, "flights"))
    assert "carrier_late" not in table.column_names
    whole = complete(viewed, artefact.lookups, table, event_times(table, "at", "flights"), {})
    want = score_table(artefact, whole)
    said, output = run(viewed, keep=["carrier"], chunk=100)
    assert np.array_equal(output.column("score").to_numpy(), want)
    assert output.schema.metadata[b"tocsin.sources"] == b"events/1"
    for chunk in (137, 899, 5000):
        assert run(viewed, keep=["carrier"], chunk=chunk)[0]["output"] == said["output"]
    told = ledger.timeline(viewed.store, kinds=["model.scored"])
    assert {event.data["sources"]["events"] for event in told} == {1}


def test_a_kept_column_may_have_an_aggregates_name(viewed: Desk, add: Add) -> None:
    add("later", 300, carrier_late=[9.0] * 300)
    table = run(viewed, "later", keep=["carrier_late"])[1]
    assert set(table.column("carrier_late").to_pylist()) == {9}
    assert np.array_equal(table.column("score").to_numpy(), run(viewed, "later")[1].column("score").to_numpy())


def test_a_scoring_that_is_gone_on_with_reads_the_sources_it_began_with(viewed: Desk, add: Add) -> None:
    want = run(viewed, chunk=100, sources={"events": 1})[0]["output"]

    def stop(share: float, text: str = "") -> None:
        if share >= 0.5:
            raise KeyboardInterrupt

    args = {"model": "m", "dataset": "flights", "chunk": 100, "sources": {"events": 1}}
    with pytest.raises(KeyboardInterrupt):
        score(viewed, args, stop)
    add("events", 1300, delay=[50.0] * 1300)
    assert run(viewed, chunk=100, sources={"events": 1})[0]["output"] == want
    assert run(viewed, chunk=100)[0]["output"] != want


def test_what_is_looked_up_by_time_needs_a_time_and_the_key(viewed: Desk, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv

    from core.datasets import ingest

    columns = delays(300)
    for name, left, words in (("timeless", "at", "has no time"), ("keyless", "carrier", "'carrier' is missing")):
        path = tmp_path / f"{name}.csv"
        pyarrow.csv.write_csv(pa.table({key: value for key, value in columns.items() if key != left}), path)
        ingest.add(viewed, path, dataset=name, time_column=None if left == "at" else "at")
        with pytest.raises(BadInput, match=words):
            run(viewed, name)


def classes(rows: int = 900) -> list[str]:
    return [
        "late" if (value or 0) > 5 else "early" if (value or 0) < -5 else "on time" for value in delays(rows)["delay"]
    ]


def test_several_classes_give_the_likeliest_and_a_column_for_each(desk: Desk, add: Add) -> None:
    add(kind=classes())
    for rounds in (10, 2):
        fit(desk, "kind", rounds, features=["x", "carrier"])
    artefact = versions.load_artefact(desk, "m", 1)
    said, output = run(desk, version=1, compare=2, chunk=250)
    names = [f"score_{name}" for name in artefact.classes]
    assert output.column_names == ["class", "score", *names]
    want = predict_table(artefact, load.load(desk, snapshot(desk.store, "flights")))
    assert np.array_equal(np.column_stack([output.column(name).to_numpy() for name in names]), want)
    assert np.array_equal(output.column("score").to_numpy(), want.max(axis=1))
    assert output.column("class").to_pylist() == [artefact.classes[place] for place in want.argmax(axis=1)]
    found = said["comparison"]
    assert found["task"] == "multiclass"
    assert 0 < found["agreement"]["class_changes"] < 900
    assert found["versions"][0]["quality"]["logloss"] < found["versions"][1]["quality"]["logloss"]
    assert run(desk, version=1, chunk=900)[0]["output"] == run(desk, version=1, chunk=100)[0]["output"]
    with pytest.raises(BadInput, match="'class' is a column of the output"):
        add("other", 300, **{"class": ["a"] * 300})
        run(desk, "other", keep=["class"])


def test_a_number_gives_its_prediction_alone(desk: Desk, add: Add, tocsin: Callable[..., tuple[int, str, str]]) -> None:
    add()
    for rounds in (10, 2):
        fit(desk, "delay", rounds, features=["x", "carrier"])
    said, output = run(desk, version=1, compare=2, chunk=250)
    assert output.column_names == ["score"]
    found = said["comparison"]
    assert found["versions"][0]["quality"]["rmse"] < found["versions"][1]["quality"]["rmse"]
    assert set(found["agreement"]) == {"mean_distance", "p99_distance", "max_distance", "correlation"}
    code, out, err = tocsin("score", "compare", "1", "2")
    assert code == 0, err
    assert "RMSE" in out
