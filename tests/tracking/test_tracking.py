from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.clock import HOUR, SimClock
from core.daemon import Daemon
from core.desk import Desk
from core.endpoints import waiting
from core.errors import BadInput, NotFound
from core.registry import versions
from core.registry.versions import Version
from core.tracking import rows, verbs
from core.tracking.deliver import deliver, queue
from core.training.job import train
from core.work import outbox
from tests.endpoints import faults
from tests.tracking.conftest import ARGS
from tests.tracking.mlflow_server import Mlflow, serving

Tocsin = Callable[..., tuple[int, str, str]]
REPORT = {"metrics": {"auc": {"value": 0.7, "low": 0.6, "high": 0.8}, "ece": {"value": 0.02}}}


@pytest.fixture
def mlflow() -> Iterator[Mlflow]:
    with serving() as state:
        yield state


def add_curve(desk: Desk, version: Version, points: int = 5) -> None:
    now = desk.now_us()
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO run(id, due_us, request, kind, args, state, next_us) "
            "VALUES (7, ?, 'r', 'train', '{}', 'succeeded', ?)",
            (now, now),
        )
        tx.execute("UPDATE model_version SET run_id = 7 WHERE model = ?", (version.model,))
        for step in range(points):
            tx.execute("INSERT INTO run_point(run, step, name, value) VALUES (7, ?, 'loss', ?)", (step, 1 / (1 + step)))


def evaluate(desk: Desk) -> None:
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO evaluation(model, version, purpose, report, created_us) VALUES ('flights', 1, 'later', ?, ?)",
            (json.dumps(REPORT), desk.now_us()),
        )


def test_a_version_is_told_with_its_measures_curve_lineage_and_files(
    desk: Desk, trained: Version, mlflow: Mlflow
) -> None:
    add_curve(desk, trained)
    verbs.add(desk, "lab", "mlflow", mlflow.url, experiment="flights")
    assert queue(desk, every=True) == 1
    (told,) = deliver(desk)
    assert told.state == "logged"
    (run,) = mlflow.runs
    figures = {name: value for name, step, value in run.metrics if step == 0}
    assert {name: figures[name] for name in ("auc", "auc_low", "auc_high")} == {
        name: trained.metrics[name] for name in ("auc", "auc_low", "auc_high")
    }
    assert [(step, value) for name, step, value in run.metrics if name == "curve/loss"] == [
        (step, 1 / (1 + step)) for step in range(5)
    ]
    assert (run.params["snapshot"], run.params["rounds"], run.status) == ("flights/1", "5", "FINISHED")
    assert (run.tags["tocsin.artefact"], run.tags["tocsin.trained_by"]) == (trained.artefact, "ana")
    assert b"# flights, version 1" in mlflow.files["0/r0/artifacts/card.md"]
    assert mlflow.files["0/r0/artifacts/model/model.lgb"]
    assert [each["source"] for each in mlflow.versions] == ["mlflow-artifacts:/0/r0/artifacts/model"]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_network_does_a_run_and_its_version_are_there_once(
    desk: Desk, clock: SimClock, trained: Version, mlflow: Mlflow, seed: int
) -> None:
    add_curve(desk, trained)
    draw = random.Random(seed)
    bad = (
        faults.lost_request,
        faults.lost_reply,
        faults.half_reply,
        faults.busy,
        faults.broken(500),
        faults.broken(503),
    )
    with faults.network(mlflow.url) as way:
        way.draw = lambda: draw.choice(bad) if draw.random() < 0.06 else faults.well
        verbs.add(desk, "lab", "mlflow", way.url)
        queue(desk, every=True)
        tries = 0
        while outbox.waiting(desk.store):
            tries += 1
            deliver(desk)
            clock.advance(HOUR)
            assert tries < 200, f"seed {seed}"
    (run,) = mlflow.runs
    places = [(name, step) for name, step, _ in run.metrics]
    assert len(places) == len(set(places)), f"seed {seed}"
    assert len([name for name, _ in places if name == "curve/loss"]) == 5
    assert (len(mlflow.versions), mlflow.models, run.status) == (1, ["flights"], "FINISHED")
    assert rows.tracker(desk.store, "lab").error is None


def test_an_evaluation_since_adds_its_measures_to_the_same_run(
    desk: Desk, clock: SimClock, trained: Version, mlflow: Mlflow
) -> None:
    verbs.add(desk, "lab", "mlflow", mlflow.url)
    queue(desk, every=True)
    deliver(desk)
    before = list(mlflow.runs[0].metrics)
    assert queue(desk, every=True) == 0
    evaluate(desk)
    assert queue(desk) == 1
    deliver(desk)
    (run,) = mlflow.runs
    assert sorted(set(run.metrics) - set(before)) == [
        ("later/auc", 1, 0.7),
        ("later/auc_high", 1, 0.8),
        ("later/auc_low", 1, 0.6),
        ("later/ece", 1, 0.02),
    ]
    assert len(run.metrics) == len(before) + 4
    assert len(mlflow.versions) == 1


def test_the_daemon_tells_of_what_was_registered_since_and_of_nothing_older(
    desk: Desk, clock: SimClock, trained: Version, mlflow: Mlflow
) -> None:
    clock.advance(HOUR)
    verbs.add(desk, "lab", "mlflow", mlflow.url)
    daemon = Daemon(desk)
    try:
        daemon.tick()
        assert mlflow.runs == []
        clock.advance(HOUR)
        train(desk, {**ARGS, "seed": 2}, lambda *_: None)
        daemon.tick()
    finally:
        daemon.close()
    assert [run.tags["tocsin.version"] for run in mlflow.runs] == ["2"]


def test_a_server_that_is_away_holds_nothing_up_and_asks_nobody(
    tocsin: Tocsin, desk: Desk, clock: SimClock, trained: Version
) -> None:
    verbs.add(desk, "lab", "mlflow", "http://127.0.0.1:9")
    code, _, err = tocsin("tracking", "sync")
    assert code == 4
    assert "cannot be reached" in err
    clock.advance(400 * HOUR)
    assert waiting.asking(desk) == []
    (listed,) = json.loads(tocsin("tracking", "list", "--json")[1])
    assert (listed["waiting"], listed["refused"]) == (1, 0)
    (message,) = json.loads(tocsin("outbox", "list", "--json")[1])
    assert message["state"] == "waiting"
    assert tocsin("outbox", "retry", str(message["message"]), "--yes")[0] == 0
    assert tocsin("tracking", "remove", "lab", "--yes")[0] == 0
    assert outbox.waiting(desk.store) == []


def test_a_refusal_is_a_dead_letter_that_can_be_sent_again(
    tocsin: Tocsin, desk: Desk, trained: Version, mlflow: Mlflow, tmp_path: Path
) -> None:
    mlflow.token = "right"
    token = tmp_path / "token"
    token.write_text("wrong")
    token.chmod(0o600)
    verbs.add(desk, "lab", "mlflow", mlflow.url, token_ref=f"file:{token}")
    code, _, err = tocsin("tracking", "sync")
    assert (code, "the token was refused" in err) == (4, True)
    (dead,) = outbox.dead_letters(desk.store)
    token.write_text("right")
    assert tocsin("outbox", "retry", str(dead.id), "--yes")[0] == 0
    assert len(mlflow.runs) == 1
    assert outbox.dead_letters(desk.store) == []


def test_a_server_that_takes_no_files_is_told_the_rest(desk: Desk, trained: Version, mlflow: Mlflow) -> None:
    mlflow.proxied = False
    verbs.add(desk, "lab", "mlflow", mlflow.url)
    queue(desk, every=True)
    assert [each.state for each in deliver(desk)] == ["logged"]
    assert "--serve-artifacts" in mlflow.runs[0].tags["tocsin.files"]
    assert (mlflow.files, mlflow.versions) == ({}, [])


def test_a_tracker_that_cannot_be_is_refused(tocsin: Tocsin, desk: Desk) -> None:
    for name, kind, url in (("a b", "mlflow", "http://x"), ("lab", "mlflow", "no url")):
        with pytest.raises(BadInput):
            verbs.add(desk, name, kind, url)
    with pytest.raises(NotFound, match="nobody"):
        verbs.add(desk, "lab", "nobody", "http://127.0.0.1:1")
    assert tocsin("tracking", "add", "lab", "mlflow", "http://127.0.0.1:1", "--dry-run")[0] == 0
    assert rows.trackers(desk.store) == []
    with pytest.raises(NotFound):
        verbs.remove(desk, "lab")
    with pytest.raises(NotFound):
        queue(desk, model="nobody")
    assert versions.models(desk.store) == []
