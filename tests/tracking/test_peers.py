"""Against the real MLflow, in an environment of its own (`tocsin help mlflow` says how to make one)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from core.datasets import load, rows
from core.desk import Desk
from core.registry import versions
from core.registry.versions import Version
from core.tracking import export, verbs
from core.tracking.deliver import deliver, queue
from core.tracking.take import Wanted, take
from core.training.booster import score_table
from core.training.job import train
from tests.tracking.conftest import ARGS

PYTHON = os.environ.get("TOCSIN_MLFLOW_PYTHON", "")
pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not PYTHON, reason="TOCSIN_MLFLOW_PYTHON names no Python with mlflow and lightgbm"),
]
READ = """
import json, sys, mlflow, pandas
told = json.loads(sys.stdin.read())
mlflow.set_tracking_uri(told.get("uri") or "sqlite:///none.db")
model = mlflow.pyfunc.load_model(told["model"])
found = model.predict(pandas.DataFrame(told["rows"], columns=told["columns"]))
example = model.predict(model.metadata.load_input_example(told["folder"])) if "folder" in told else []
print(json.dumps({"scores": found.to_numpy().tolist() if hasattr(found, "to_numpy") else found.tolist(),
    "example": len(example)}))
"""
WRITE = """
import json, sys, lightgbm, mlflow.lightgbm, numpy, pandas
draw = numpy.random.default_rng(3)
carriers = pandas.Categorical(draw.choice(["UA", "AA", "DL"], 400))
frame = pandas.DataFrame({"x": draw.normal(size=400), "carrier": carriers})
labels = (frame["x"] + (frame["carrier"] == "AA") > 0.3).astype(int)
booster = lightgbm.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, lightgbm.Dataset(frame, labels), 5)
mlflow.lightgbm.save_model(booster, sys.argv[1])
mlflow.lightgbm.save_model(lightgbm.LGBMClassifier(n_estimators=2, verbosity=-1).fit(frame, labels), sys.argv[2])
given = pandas.DataFrame(json.loads(sys.stdin.read()))
given["carrier"] = pandas.Categorical(given["carrier"])
print(json.dumps(booster.predict(given).tolist()))
"""
LOOK = """
import json, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
runs = client.search_runs([client.get_experiment_by_name("tocsin").experiment_id])
history = [{name: len(client.get_metric_history(run.info.run_id, name)) for name in run.data.metrics} for run in runs]
found = client.search_model_versions("name='flights'")
print(json.dumps({"history": history, "versions": [version.tags["tocsin.version"] for version in found],
    "auc": [run.data.metrics["auc"] for run in runs], "status": [run.info.status for run in runs]}))
"""


def peer(code: str, *args: str, given: Any = None, cwd: Path) -> Any:
    """What a process of MLflow's environment prints, as JSON."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ran = subprocess.run(
        [PYTHON, "-c", code, *args],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**plain, "MLFLOW_DISABLE_TELEMETRY": "true"},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])


def raw(desk: Desk, count: int = 1000) -> tuple[Any, dict[str, Any]]:
    """So many rows of raw inputs with gaps and an unknown level, as a table and as JSON."""
    table = load.load(desk, rows.snapshot(desk.store, "flights")).select(["x", "minute", "carrier"])
    frame = table.to_pandas().astype({"minute": float, "carrier": object})
    frame = frame.iloc[np.arange(count) % len(frame)].reset_index(drop=True)
    frame.loc[3, ["x", "carrier"]] = None
    frame.loc[5, "carrier"] = "ZZ"
    plain = json.loads(frame.to_json(orient="split"))
    return pa.Table.from_pandas(frame, preserve_index=False), {"rows": plain["data"], "columns": plain["columns"]}


@pytest.mark.parametrize("number", [1, 2])
def test_mlflow_scores_a_thousand_raw_rows_as_we_do(desk: Desk, viewed: Version, tmp_path: Path, number: int) -> None:
    folder = tmp_path / "out"
    export.write(desk, "flights", number, folder)
    table, given = raw(desk)
    found = peer(READ, given={**given, "model": str(folder), "folder": str(folder)}, cwd=tmp_path)
    ours = score_table(versions.load_artefact(desk, "flights", number), table)
    assert len(ours) == 1000
    assert np.abs(np.array(found["scores"]) - ours).max() == 0
    assert found["example"] == 1


def test_mlflow_gives_each_class_of_several_its_probability(
    desk: Desk, add: Callable[..., str], tmp_path: Path
) -> None:
    from core.training.booster import predict_table

    add()
    train(desk, {**ARGS, "label": "carrier", "task": "multiclass", "model": "carriers"}, lambda *_: None)
    folder = tmp_path / "out"
    export.write(desk, "carriers", 1, folder)
    artefact = versions.load_artefact(desk, "carriers", 1)
    table = load.load(desk, rows.snapshot(desk.store, "flights")).slice(0, 100)
    frame = table.select([feature.name for feature in artefact.features]).to_pandas()
    numbers = [feature.name for feature in artefact.features if feature.kind == "number"]
    plain = json.loads(frame.astype(dict.fromkeys(numbers, float)).to_json(orient="split", double_precision=15))
    given = {"rows": plain["data"], "columns": plain["columns"], "model": str(folder)}
    found = peer(READ, given=given, cwd=tmp_path)
    again = pa.table({name: [row[i] for row in plain["data"]] for i, name in enumerate(plain["columns"])})
    assert np.abs(np.array(found["scores"]) - predict_table(artefact, again)).max() == 0


def test_what_mlflow_saved_is_taken_in_and_its_pickles_are_not(
    desk: Desk, add: Callable[..., str], tmp_path: Path
) -> None:
    from core.errors import BadInput

    add()
    table = load.load(desk, rows.snapshot(desk.store, "flights"))
    given = {name: table.column(name).to_pylist() for name in ("x", "carrier")}
    theirs = peer(WRITE, str(tmp_path / "text"), str(tmp_path / "pickle"), given=given, cwd=tmp_path)
    take(desk, tmp_path / "text", Wanted("theirs", "flights", label="delay>=8"))
    ours = score_table(versions.load_artefact(desk, "theirs"), table)
    assert np.abs(ours - np.array(theirs)).max() == 0
    with pytest.raises(BadInput, match="pickle"):
        take(desk, tmp_path / "pickle", Wanted("theirs", "flights", label="delay>=8"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real `mlflow server` with an empty store."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place, log = tmp_path / "mlflow", tmp_path / "mlflow.log"
    place.mkdir()
    argv = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{place}/m.db", "--artifacts-destination", str(place / "files")]
    with log.open("w") as out:
        process = subprocess.Popen(
            [PYTHON, "-m", "mlflow", *argv, *stores], stdout=out, stderr=out, cwd=place, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _until_up(url, process, log)
        yield url
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def _until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(f"{url}/health", trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


def test_a_real_server_has_each_run_once_and_serves_its_model(
    desk: Desk, trained: Version, server: str, tmp_path: Path
) -> None:
    verbs.add(desk, "lab", "mlflow", server)
    queue(desk, every=True)
    for _ in range(5):
        told = deliver(desk, early=True)
        if told and told[-1].state == "logged":
            break
    assert [each.state for each in told] == ["logged"], told
    with desk.write() as tx:
        # As if the answer to all of it had been lost: it is told once more.
        tx.execute("UPDATE outbox SET state = 'waiting', done_us = NULL")
    assert [each.state for each in deliver(desk, early=True)] == ["logged"]
    found = peer(LOOK, server, cwd=tmp_path)
    assert (found["status"], found["versions"], found["auc"]) == (["FINISHED"], ["1"], [trained.metrics["auc"]])
    assert {*found["history"][0].values()} == {1}
    table, given = raw(desk)
    scores = peer(READ, given={**given, "uri": server, "model": "models:/flights/1"}, cwd=tmp_path)["scores"]
    assert np.abs(np.array(scores) - score_table(versions.load_artefact(desk, "flights", 1), table)).max() == 0
