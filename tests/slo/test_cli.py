from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.clock import HOUR, SimClock
from core.desk import Desk
from core.slo import verbs

Count = Callable[..., None]
Run = Callable[..., tuple[int, str, str]]
ADD = ["slo", "add", "up", "--model", "flights", "--endpoint", "gate", "--measure", "availability"]


def test_an_objective_is_added_listed_shown_and_retired(tocsin: Run, count: Count, clock: SimClock) -> None:
    code, out, err = tocsin(*ADD, "--target", "90%", "--yes")
    assert (code, out) == (0, "saved up: 90 % of flights on gate without requests failed, over 30d\n")
    assert "lowered from 14.4 to 8" in err
    count(clock.now_us(), 60, [100, 100, 0, 0])
    clock.advance(HOUR)
    _, out, _ = tocsin("slo", "list", "--json")
    listed = json.loads(out)[0]
    assert (listed["state"], listed["burn"], listed["good"], listed["total"]) == ("BURNING", 10.0, 0, 6000)
    assert listed["firing"] == "1 h / 5 min x8"
    assert "budget gone in" in listed["text"]
    _, out, _ = tocsin("slo", "show", "up")
    assert "1 h / 5 min x8" in out
    assert "PAGE" in out
    _, out, _ = tocsin("slo", "show", "up", "--json")
    assert {rule["rule"] for rule in json.loads(out)["rules"]} >= {"over 200 % of budget", "3 d / 6 h x1"}
    _, out, _ = tocsin("slo", "list")
    assert "budget gone in" in out
    assert tocsin("slo", "retire", "up", "--yes")[0] == 0
    assert "no objectives yet" in tocsin("slo", "list")[1]


def test_a_dry_run_saves_nothing(tocsin: Run, served: Desk) -> None:
    code, out, _ = tocsin(*ADD, "--target", "99.9%", "--dry-run")
    assert (code, out.startswith("would save up: 99.9 %")) == (0, True)
    assert verbs.slos(served.store) == []
    verbs.save(served, verbs.draft(served, "up", "flights", "gate", "availability", "99%", "30d"))
    assert tocsin("slo", "retire", "up", "--dry-run")[0] == 0
    assert len(verbs.slos(served.store)) == 1


@pytest.mark.parametrize(
    ("extra", "code", "says"),
    [
        (["--target", "1"], 2, "no error budget"),
        (["--target", "0"], 2, "not between 0 and 1"),
        (["--target", "99%", "--window", "1h"], 2, "cannot hold a budget"),
        (["--target", "99%", "--window", "month", "--calendar", "Mars"], 2, "IANA"),
        (["--target", "99%", "--model", "trains"], 3, "no model 'trains'"),
        (["--target", "99%", "--endpoint", "door"], 3, "no endpoint 'door'"),
    ],
)
@pytest.mark.usefixtures("served")
def test_bad_input_is_two_lines_and_an_exit_code(tocsin: Run, extra: list[str], code: int, says: str) -> None:
    found, out, err = tocsin(*ADD, *extra, "--yes")
    assert (found, out) == (code, "")
    assert says in err.splitlines()[0]
    assert err.splitlines()[1].startswith("hint: ")


def test_an_unknown_objective_is_not_found(tocsin: Run) -> None:
    assert tocsin("slo", "show", "nope")[0] == 3
    assert tocsin("slo", "retire", "nope", "--yes")[0] == 3


def counts_file(folder: Path) -> Path:
    lines = [f"{1767225600 + 300 * i},{1000 - (200 if i > 300 else 0)},1000" for i in range(320)]
    path = folder / "counts.csv"
    path.write_text("\n".join(["ts,good,total", *lines]))
    return path


def test_a_backtest_tells_which_alerts_would_have_fired(tocsin: Run, served: Desk, tmp_path: Path) -> None:
    path = str(counts_file(tmp_path))
    code, out, err = tocsin("slo", "backtest", path, "--target", "99.9%")
    assert (code, "1 h / 5 min x14.4" in out, "320 rows of 5m" in err) == (0, True, True)
    verbs.save(served, verbs.draft(served, "up", "flights", "gate", "availability", "99.9%", "30d"))
    _, out, _ = tocsin("slo", "backtest", path, "--slo", "up", "--json")
    assert json.loads(out)["alerts"][0]["fired"] == "2026-01-02T01:10:00Z"


def test_a_backtest_of_a_bad_file_or_of_nothing_is_an_error(tocsin: Run, tmp_path: Path) -> None:
    path = counts_file(tmp_path)
    assert tocsin("slo", "backtest", str(path))[0] == 2
    assert tocsin("slo", "backtest", str(path), "--slo", "nope")[0] == 3
    assert tocsin("slo", "backtest", str(tmp_path / "no.csv"), "--target", "99%")[0] == 3
    path.write_text("ts,good,total\n1,x,2\n")
    code, _, err = tocsin("slo", "backtest", str(path), "--target", "99%")
    assert (code, "line 2" in err) == (2, True)
