from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from core.clock import SimClock
from core.datasets import load, rows
from core.desk import Desk
from core.errors import BadInput
from core.monitor import labels
from core.registry import card, compare, versions
from core.slo import verbs
from core.training.artefact import Artefact
from core.training.booster import predict_table, score_table
from core.training.job import train
from core.training.label import parse_label
from core.training.target import target_of
from tests.serving.tiny import TOKEN, serving

Add = Callable[..., str]
TASK_LABELS = {"binary": "late", "multiclass": "state", "regression": "delay"}


@pytest.fixture
def flights(add: Add) -> str:
    """Hourly flights with a label of every task, and a plane that flies again and again."""
    draw = np.random.default_rng(4)
    x = np.round(draw.normal(size=900), 6)
    delay = 10 * x + draw.normal(0, 3, 900)
    state = np.select([delay < -5, delay < 5], ["early", "fair"], "late").tolist()
    plane = [f"N{place % 60}" for place in range(900)]
    return add(x=x, delay=delay, state=state, plane=plane, late=(delay > 5).astype(int))


def fit(desk: Desk, **args: Any) -> dict[str, Any]:
    task = args.pop("of", "binary")
    exclude = [name for name in ("late", "state", "delay", "plane") if name != TASK_LABELS[task]]
    request = {"model": task, "dataset": "flights", "label": TASK_LABELS[task], "rounds": 12, "exclude": exclude}
    return train(desk, {**request, **args}, lambda share, text="": None)


@pytest.mark.parametrize(
    ("values", "text", "task"),
    [
        ([0, 1, 1, 0], "y", "binary"),
        ([True, False, None, True], "y", "binary"),
        (["a", "b", "c", None], "y", "multiclass"),
        ([1, 2, 3, 2], "y", "multiclass"),
        ([0.5, 1.5, 2.5, 7.0], "y", "regression"),
        (list(range(300)), "y", "regression"),
        (list(range(300)), "y>=10", "binary"),
    ],
)
def test_the_label_makes_the_task_and_says_why(values: list[Any], text: str, task: str) -> None:
    table = pa.table({"y": values})
    found = target_of(parse_label(text, ["y"]), table)
    assert found.task == task
    assert found.why


@pytest.mark.parametrize(
    ("values", "text", "task", "what"),
    [
        (["a", "b"], "y", "", "is text"),
        ([1.0, 2.0], "y", "", "more than zeros and ones"),
        (["a", "b"], "y", "regression", "no number"),
        ([3, 3], "y", "regression", "same number"),
        (list(range(300)), "y", "multiclass", "300 classes"),
        ([1, 2, 3], "y>=2", "multiclass", "true or false"),
        ([1, 2, 3], "y", "ranking", "no task"),
    ],
)
def test_a_label_its_task_cannot_be_learned_from_is_refused(values: list[Any], text: str, task: str, what: str) -> None:
    with pytest.raises(BadInput, match=what) as caught:
        target_of(parse_label(text, ["y"]), pa.table({"y": values}), task)
    assert caught.value.hint


@pytest.mark.parametrize("task", list(TASK_LABELS))
def test_every_task_trains_registers_and_is_told_by_registry_and_card(desk: Desk, flights: str, task: str) -> None:
    result = fit(desk, of=task)
    fit(desk, of=task, seed=2)
    assert result["task"] == task
    found, artefact = versions.version(desk.store, task, 1), versions.load_artefact(desk, task, 1)
    assert (found.task, artefact.task) == (task, task)
    assert sum(artefact.reference.score) == found.metrics["n"]
    assert Artefact.from_bytes(artefact.to_bytes()).sha256 == found.artefact
    assert f"# {task}, version 1" in card.card(desk, task, 1)
    assert compare.compare(desk, task, 1, 2).metrics["n"]
    first = {"binary": "auc", "multiclass": "accuracy", "regression": "rmse"}[task]
    assert found.metrics[f"{first}_low"] <= found.metrics[first] <= found.metrics[f"{first}_high"]
    good = {"binary": ("auc", 0.9), "multiclass": ("macro_auc", 0.9), "regression": ("r2", 0.3)}[task]
    assert found.metrics[good[0]] > good[1]


def test_a_model_keeps_to_one_task(desk: Desk, add: Add) -> None:
    add(grade=[place % 3 for place in range(900)])
    request = {"model": "m", "dataset": "flights", "label": "grade", "rounds": 2}
    train(desk, request, lambda share, text="": None)
    with pytest.raises(BadInput, match="is multiclass, not regression"):
        train(desk, {**request, "task": "regression"}, lambda share, text="": None)


def test_the_endpoint_answers_as_each_task_does(desk: Desk, flights: str, tmp_path: Path, clock: SimClock) -> None:
    table = load.load(desk, rows.snapshot(desk.store, "flights")).slice(0, 8)
    made = [(fit(desk, of=task), versions.load_artefact(desk, task))[1] for task in ("multiclass", "regression")]
    of_classes, of_numbers = made
    inputs = table.select([feature.name for feature in of_classes.features]).to_pylist()
    with (
        serving(tmp_path / "state", clock, *made) as served,
        httpx.Client(base_url=served.url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False) as client,
    ):

        def ask(model: str, row: dict[str, Any]) -> dict[str, Any]:
            answer: dict[str, Any] = client.post(f"/v1/models/{model}/score", json={"id": "r", "inputs": row}).json()
            return answer

        for row, chances, number in zip(
            inputs, predict_table(of_classes, table), score_table(of_numbers, table), strict=True
        ):
            told = ask("multiclass", row)
            assert told["scores"] == dict(zip(of_classes.classes, chances.tolist(), strict=True))
            assert (told["class"], told["score"]) == (of_classes.classes[int(chances.argmax())], chances.max())
            assert ask("regression", row)["score"] == number
        tensors = [
            {"name": f.name, "shape": [8], "datatype": "BYTES" if f.kind == "category" else "FP64", "data": column}
            for f in of_classes.features
            for column in [[row[f.name] for row in inputs]]
        ]
        outputs = client.post("/v2/models/multiclass/infer", json={"inputs": tensors}).json()["outputs"]
        assert [(one["name"], one["shape"]) for one in outputs] == [
            ("score", [8, 1]),
            ("class", [8, 1]),
            ("scores", [8, 3]),
        ]
        batch = client.get("/v1/telemetry?after=0").json()["batches"][0]
    counted = {entry["model"]: entry["vec"] for entry in batch["counts"] if entry["kind"] == "score"}
    assert sum(counted["regression"]["n"]) == 8
    assert len(counted["regression"]["i"]) > 3
    assert all(0 <= place < 256 for place in counted["regression"]["i"])


def test_a_file_of_the_first_format_is_read_and_written_as_it_was(desk: Desk, flights: str) -> None:
    import json

    fit(desk)
    plain = json.loads(versions.load_artefact(desk, "binary").to_bytes())
    del plain["classes"], plain["reference"]["score_edges"], plain["reference"]["scale"]
    plain["format"] = 1
    content = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert Artefact.from_bytes(content).to_bytes() == content


def test_quality_of_classes_and_numbers_is_not_promised(desk: Desk, flights: str, watched: Desk) -> None:
    fit(desk, of="regression")
    with pytest.raises(BadInput, match="is regression") as caught:
        verbs.draft(desk, "q", "regression", "gate", "quality", "80%", "30d", at_least=0.6)
    assert caught.value.hint
    with pytest.raises(BadInput, match="is regression"):
        labels.record(desk, "regression", [("r", 1, 0)])
    assert verbs.draft(desk, "a", "regression", "gate", "availability", "99%", "30d").slo.measure == "availability"
