from __future__ import annotations

import numpy as np
import pytest

from core import ledger
from core.clock import DAY, SimClock
from core.monitor import verdict
from core.monitor.labels import join, record
from core.monitor.verdict import daily
from tests.monitor.conftest import ENDPOINT, MODEL, START, Lab

DRAW = np.random.default_rng(21)
TRAINED = {"x": DRAW.normal(size=6000).tolist(), "y": DRAW.normal(size=6000).tolist()}


def play(lab: Lab, day: int, *, shift: float = 0.0, skill: float = 1.0, labels: int = 400, version: int = 1) -> None:
    """One day of 400 requests whose input x is shifted and whose scores rank the labels by `skill`."""
    draw = np.random.default_rng(100 + day)
    start = START + day * DAY
    truth = (draw.random(400) < 0.3).astype(int)
    scores = 1 / (1 + np.exp(-draw.normal(skill * truth, 1)))
    inputs = {"x": draw.normal(shift, 1, 400).tolist(), "y": draw.normal(size=400).tolist()}
    lab.ask(version, inputs, start)
    lab.score(version, scores.tolist(), start, prefix=f"v{version}d{day}-")
    rows = [(f"v{version}d{day}-{n}", int(value), start) for n, value in enumerate(truth[:labels])]
    record(lab.desk, MODEL, rows)
    join(lab.desk)


def at(lab: Lab, day: float) -> list[str]:
    clock = lab.desk.clock
    assert isinstance(clock, SimClock)
    clock.set(START + int(day * DAY))
    return [found.verdict for found in daily(lab.desk)]


@pytest.mark.parametrize(
    ("shift", "skill", "labels", "expected"),
    [
        (0.0, 1.0, 400, verdict.STABLE),
        # Trap 6: summer against a winter reference is far away, and hurts nothing.
        (6.0, 1.0, 400, verdict.UNAFFECTED),
        (6.0, 0.0, 400, verdict.HURT),
        (0.0, 0.0, 400, verdict.CONCEPT),
        (6.0, 0.0, 20, verdict.WAITING),
        (0.0, 0.0, 20, verdict.STABLE),
    ],
)
def test_a_day_is_judged_by_drift_and_quality(lab: Lab, shift: float, skill: float, labels: int, expected: str) -> None:
    lab.version(TRAINED, auc=0.76)
    play(lab, 0, shift=shift, skill=skill, labels=labels)
    assert at(lab, 1) == [expected]


def test_each_finished_day_is_judged_once_and_an_unfinished_one_not_yet(lab: Lab) -> None:
    lab.version(TRAINED)
    play(lab, 0)
    play(lab, 1)
    assert at(lab, 0.9) == []
    assert at(lab, 1.5) == [verdict.STABLE]
    assert at(lab, 1.9) == []
    assert at(lab, 2) == [verdict.STABLE]
    assert [one.day_us for one in verdict.history(lab.desk.store, MODEL)] == [START + DAY, START]


def test_days_missed_while_nobody_looked_are_made_up_for(lab: Lab) -> None:
    lab.version(TRAINED)
    for day in range(3):
        play(lab, day)
    assert len(at(lab, 5)) == 3


def test_only_a_change_of_verdict_is_an_event_and_none_is_an_alert(lab: Lab) -> None:
    lab.version(TRAINED, auc=0.76)
    for day, shift in enumerate([0.0, 6.0, 6.0, 6.0]):
        play(lab, day, shift=shift)
    at(lab, 4)
    events = ledger.timeline(lab.desk.store, kinds=["drift.verdict"])
    assert [(event.data["verdict"], event.data["day"]) for event in events] == [(verdict.UNAFFECTED, "2013-04-02")]
    assert (events[0].model, events[0].version, events[0].endpoint) == (MODEL, 1, ENDPOINT)
    assert lab.desk.store.read("SELECT 1 FROM alert") == []


def test_the_versions_of_a_model_are_judged_apart(lab: Lab) -> None:
    lab.version(TRAINED, auc=0.76)
    lab.version(TRAINED, auc=0.76)
    play(lab, 0, version=1)
    play(lab, 1, version=2, skill=0.0)
    at(lab, 2)
    found = {one.version: one.verdict for one in verdict.history(lab.desk.store, MODEL)}
    assert found == {1: verdict.STABLE, 2: verdict.CONCEPT}


def test_a_week_whose_days_differ_much_is_not_called_hurt(lab: Lab) -> None:
    # Three bad days in seven bring the mean down; rows taken as independent would make that a certainty.
    lab.version(TRAINED, auc=0.76)
    for day, skill in enumerate([1.6, -0.5, 1.6, -0.5, 1.6, -0.5, 1.6]):
        play(lab, day, skill=skill)
    at(lab, 7)
    last = verdict.history(lab.desk.store, MODEL)[0]
    assert last.data["auc"] < 0.76 - verdict.TOLERANCE
    assert last.verdict == verdict.STABLE


def test_chance_and_season_are_no_hurt() -> None:
    from core.monitor.quality import Measure

    def seen(high: float, n: int = 3000) -> Measure:
        return Measure(high - 0.02, high - 0.04, high, n, 800, n, 1.0, 0.5, 0.2, 0.01)

    assert verdict.is_hurt(seen(0.66), 0.69) is False
    assert verdict.is_hurt(seen(0.56), 0.69) is True
    assert verdict.is_hurt(seen(0.56, n=199), 0.69) is None
    assert verdict.is_hurt(seen(0.56), None) is None


def test_nothing_is_written_where_no_day_has_ended(lab: Lab) -> None:
    lab.version(TRAINED)
    play(lab, 0)
    before = lab.desk.store.data_version()
    assert at(lab, 0.5) == []
    assert lab.desk.store.data_version() == before
