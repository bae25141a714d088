from __future__ import annotations

from pathlib import Path

import pytest

from console.cli.main import run as tocsin
from core.datasets.ingest import add
from core.desk import Desk
from core.endpoints import rows as endpoints
from core.errors import BadInput, NotFound
from core.home import Home
from core.ledger import timeline
from core.work import pipeline, rows
from core.work.claim import Ended, Owner, claim, finish
from core.work.kinds import KINDS
from core.work.runner import Runner

DIAMOND = """name = "d"
step = [
  { name = "end", kind = "gate", needs = ["left", "right"] },
  { name = "left", kind = "train", needs = ["start"], args = { model = "own" } },
  { name = "right", kind = "validate", needs = ["start"] },
  { name = "start", kind = "ingest", args = { path = "data.csv" } },
]
"""
# The whole way of a model, in a file that is told where its bound lies.
WHOLE = """name = "orders"
[[step]]
name = "ingest"
kind = "ingest"
args = { dataset = "orders", path = "orders.csv", time_column = "at", label = "late" }
[[step]]
name = "validate"
kind = "validate"
needs = ["ingest"]
[[step]]
name = "train"
kind = "train"
needs = ["validate"]
args = { model = "orders", rounds = 5 }
[[step]]
name = "gate"
kind = "gate"
needs = ["train"]
args = { metric = "auc", at_least = BOUND }
[[step]]
name = "deploy"
kind = "deploy"
needs = ["gate"]
args = { endpoint = "local" }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "pipeline.toml"
    path.write_text(text)
    return path


def take(desk: Desk) -> rows.Run | None:
    with desk.write() as tx:
        return claim(tx, desk.now_us(), "t")


def end(desk: Desk, run: rows.Run | None, state: str = "succeeded", **result: object) -> None:
    assert run is not None
    with desk.write() as tx:
        assert finish(tx, desk.now_us(), run, Ended(state, result=result))


def test_a_step_starts_when_all_it_needs_have_succeeded_and_takes_their_results(desk: Desk, tmp_path: Path) -> None:
    found = pipeline.read(write(tmp_path, DIAMOND), KINDS)
    pipeline.queue(desk, found, "p")
    first = take(desk)
    assert first is not None
    assert (first.step, first.args["path"]) == ("start", str(tmp_path / "data.csv"))
    assert take(desk) is None
    end(desk, first, snapshot=3)
    sides = [take(desk), take(desk)]
    assert sorted(str(side and side.step) for side in sides) == ["left", "right"]
    assert take(desk) is None
    for number, side in enumerate(sides):
        assert side is not None
        assert pipeline.inherited(desk.store, side) == {"snapshot": 3}
        end(desk, side, model="m", number=number)
        assert (take(desk) is None) == (number == 0)


def test_a_failed_step_leaves_what_needs_it_waiting_until_it_is_retried(desk: Desk, tmp_path: Path) -> None:
    numbers = pipeline.queue(desk, pipeline.read(write(tmp_path, DIAMOND), KINDS), "p")
    end(desk, take(desk))
    side = take(desk)
    assert side is not None
    end(desk, side, "failed")
    end(desk, take(desk))
    assert take(desk) is None
    assert rows.run(desk.store, numbers[-1]).state == "planned"
    again = pipeline.retry(desk, side.id)
    assert (again.state, again.attempt, again.error) == ("planned", 0, None)
    end(desk, take(desk))
    last = take(desk)
    assert last is not None
    assert last.step == "end"
    assert [event.kind for event in timeline(desk.store)] == ["pipeline.queued", "job.retried"]


def test_the_same_request_is_one_pipeline(desk: Desk, tmp_path: Path) -> None:
    found = pipeline.read(write(tmp_path, DIAMOND), KINDS)
    assert pipeline.queue(desk, found, "p") == pipeline.queue(desk, found, "p")
    assert len(rows.runs(desk.store)) == 4


def test_only_what_ended_badly_is_retried(desk: Desk, tmp_path: Path) -> None:
    numbers = pipeline.queue(desk, pipeline.read(write(tmp_path, DIAMOND), KINDS), "p")
    with pytest.raises(BadInput, match="is planned"):
        pipeline.retry(desk, numbers[0])
    with pytest.raises(NotFound):
        pipeline.retry(desk, 99)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 'x'\nstep = []", "no step"),
        ("name = 'x'\nsteps = []", "steps"),
        ("name = ", "pipeline.toml"),
        (DIAMOND.replace('"start", kind', '"left", kind'), "needs 'start'"),
        (DIAMOND.replace('kind = "ingest"', 'kind = "cook"'), "no job kind 'cook'"),
        (DIAMOND.replace('kind = "ingest"', 'kind = "ingest", needs = ["end"]'), "need each other"),
        (DIAMOND.replace('kind = "ingest"', 'kind = "ingest", wall = "long"'), "not a span"),
        (DIAMOND + '[[step]]\nname = "start"\nkind = "train"', "pipeline.toml"),
    ],
)
def test_a_file_that_means_nothing_is_refused_and_queues_nothing(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        pipeline.read(write(tmp_path, text), KINDS)
    assert caught.value.hint


def orders(folder: Path) -> None:
    lines = [f"2013-01-{1 + row // 20:02d}T{row % 20:02d}:00:00Z,{row % 7},{int(row % 7 > 3)}" for row in range(560)]
    (folder / "orders.csv").write_text("at,amount,late\n" + "\n".join(lines) + "\n")


def run_all(desk: Desk) -> dict[str | None, rows.Run]:
    owner = Owner(desk.home, "tester")
    working = Runner(desk, KINDS, owner)
    while working.step():
        pass
    owner.close()
    return {run.step: run for run in rows.runs(desk.store)}


def test_a_model_goes_the_whole_way_and_goes_on_at_the_step_that_failed(desk: Desk, tmp_path: Path) -> None:
    orders(tmp_path)
    pipeline.queue(desk, pipeline.read(write(tmp_path, WHOLE.replace("BOUND", "0.9")), KINDS), "p")
    # The endpoint of the last step is not there yet: everything before it stands.
    steps = run_all(desk)
    assert {name: run.state for name, run in steps.items()} == {
        "ingest": "succeeded",
        "validate": "succeeded",
        "train": "succeeded",
        "gate": "succeeded",
        "deploy": "failed",
    }, [run.error for run in steps.values()]
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO endpoint(name, adapter, url, token_ref, added_us) VALUES ('local', 'embedded', 'u', '', 0)"
        )
    pipeline.retry(desk, steps["deploy"].id)
    done = run_all(desk)["deploy"]
    assert (done.state, (done.result or {})["version"]) == ("succeeded", 1)
    (queued,) = endpoints.queued(desk.store, "local", "orders")
    assert (queued.version, queued.reason) == (1, f"job {done.id}")


def test_a_gate_that_is_not_passed_deploys_nothing(desk: Desk, tmp_path: Path) -> None:
    orders(tmp_path)
    add(desk, tmp_path / "orders.csv", dataset="orders", time_column="at", label="late")
    found = pipeline.read(write(tmp_path, WHOLE.replace("BOUND", "1.1")), KINDS)
    pipeline.queue(desk, found, "p")
    steps = run_all(desk)
    assert (steps["gate"].state, steps["deploy"].state) == ("failed", "planned")
    assert "limit 1.1" in (steps["gate"].error or "")


def test_the_command_line_shows_queues_and_retries_a_pipeline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--home", str(tmp_path / "home"), "job"]
    file = str(write(tmp_path, DIAMOND))
    assert tocsin([*at, "pipeline", file, "--dry-run"]) == 0
    assert tocsin([*at, "list", "--json"]) == 0
    assert capsys.readouterr().out.endswith("[]\n")
    assert tocsin([*at, "pipeline", file, "--yes"]) == 0
    assert tocsin([*at, "retry", "1", "--yes"]) == 2
    assert tocsin([*at, "cancel", "1", "--yes"]) == 0
    assert tocsin([*at, "retry", "1", "--yes"]) == 0
    assert "queued job 4: end, after left, right" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    assert tocsin(["--home", str(Home(tmp_path).path), "job", "pipeline", str(tmp_path / "none.toml"), "--yes"]) == 3
