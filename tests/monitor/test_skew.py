from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest

from core.clock import DAY, HOUR
from core.measures import distance
from core.monitor import skew
from core.monitor.labels import join, record
from tests.monitor.conftest import ENDPOINT, MODEL, START, Lab, entry_of

SWITCH = START + 7 * DAY
NOW = SWITCH + 18 * HOUR


def clocks(rows: int, seed: int) -> np.ndarray:
    """Departure times through the day, in minutes since midnight."""
    return np.random.default_rng(seed).integers(300, 1380, rows)


def hhmm(minutes: np.ndarray) -> np.ndarray:
    return minutes // 60 * 100 + minutes % 60


def winter(rows: int, seed: int) -> list[float]:
    return np.random.default_rng(seed).normal(0, 5, rows).tolist()


def summer(rows: int, seed: int) -> list[float]:
    return np.random.default_rng(seed).normal(20, 5, rows).tolist()


def keep_samples(lab: Lab, version: int, from_us: int, times: np.ndarray, temps: Sequence[float], span: int) -> None:
    step = span // len(times)
    rows = [
        (MODEL, ENDPOINT, version, f"s{from_us + n * step}", from_us + n * step, json.dumps({"dep": int(t), "temp": d}))
        for n, (t, d) in enumerate(zip(times, temps, strict=True))
    ]
    with lab.desk.write() as tx:
        tx.executemany(
            "INSERT INTO sample(model, endpoint, version, request_id, at_us, inputs) VALUES (?, ?, ?, ?, ?, ?)", rows
        )


def story(lab: Lab, *, new_times: np.ndarray, live_before: np.ndarray, live_after: np.ndarray) -> skew.Skew:
    """Version 2, trained on `new_times`, takes over in summer; both were trained in winter."""
    lab.version({"dep": hhmm(clocks(8000, 1)).tolist(), "temp": winter(8000, 2)})
    lab.version({"dep": new_times.tolist(), "temp": winter(8000, 2)})
    lab.ask(1, {"dep": live_before.tolist(), "temp": summer(len(live_before), 5)}, START, 7 * DAY)
    lab.ask(2, {"dep": live_after.tolist(), "temp": summer(len(live_after), 6)}, SWITCH, 18 * HOUR)
    keep_samples(lab, 1, START, live_before[:300], summer(300, 5), 7 * DAY)
    keep_samples(lab, 2, SWITCH, live_after[:40], summer(40, 6), 18 * HOUR)
    return skew.explain(lab.desk, MODEL, ENDPOINT, 1, 2, SWITCH, NOW)


def test_a_version_trained_in_other_units_is_skewed_while_the_inputs_stayed_the_same(lab: Lab) -> None:
    found = story(lab, new_times=clocks(8000, 1), live_before=hhmm(clocks(3000, 3)), live_after=hhmm(clocks(700, 4)))
    assert [one.feature for one in found.skewed] == ["dep"]
    assert found.skewed[0].psi_new > 1 > 0.05 > found.skewed[0].psi_old
    assert found.same_inputs is True
    # Eighteen hours have passed since the switch: of the week before, the same eighteen of each day are compared.
    assert (found.ks_feature, found.n_before, found.n_after) == ("dep", 225, 40)
    assert found.ks < 0.3


def test_a_season_far_from_both_references_is_not_skew(lab: Lab) -> None:
    found = story(
        lab, new_times=hhmm(clocks(8000, 9)), live_before=hhmm(clocks(3000, 3)), live_after=hhmm(clocks(700, 4))
    )
    assert found.skewed == []
    assert found.same_inputs is True


def test_inputs_that_changed_with_the_switch_are_told_from_skew(lab: Lab) -> None:
    found = story(
        lab, new_times=hhmm(clocks(8000, 9)), live_before=hhmm(clocks(3000, 3)), live_after=clocks(700, 4) // 9
    )
    assert found.skewed == []
    assert found.same_inputs is False
    assert found.ks_feature == "dep"
    assert found.ks > 0.9


def test_a_few_hours_after_the_switch_are_compared_with_the_same_hours_before(lab: Lab) -> None:
    # Every request asks about a departure two hours ahead, so an evening alone looks nothing like a whole day.
    lab.version({"dep": hhmm(clocks(8000, 1)).tolist(), "temp": winter(8000, 2)})
    times = np.array([hhmm(np.array([n * 24 % 1440]))[0] for n in range(7 * 60)])
    keep_samples(lab, 1, START, times, winter(len(times), 3), 7 * DAY)
    keep_samples(lab, 1, SWITCH, times[:20], winter(20, 4), 8 * HOUR)
    whole = skew.explain(lab.desk, MODEL, ENDPOINT, 1, 1, SWITCH, SWITCH + 8 * HOUR)
    assert whole.n_before == 7 * 20
    assert whole.same_inputs is True
    # Nor is a part of a day skew, where no version before tells what that part usually looks like.
    morning = hhmm(np.arange(300, 700)).tolist()
    lab.ask(1, {"dep": morning, "temp": winter(400, 4)}, SWITCH, 2 * HOUR)
    early, late = (skew.explain(lab.desk, MODEL, ENDPOINT, 1, 1, SWITCH, SWITCH + span) for span in (8 * HOUR, DAY))
    assert early.skewed == []
    assert [one.feature for one in late.skewed] == ["dep"]


def test_without_samples_nothing_is_said_of_the_inputs(lab: Lab) -> None:
    lab.version({"x": winter(500, 1)})
    found = skew.explain(lab.desk, MODEL, ENDPOINT, 1, 1, SWITCH, NOW)
    assert found.same_inputs is None
    assert (found.n_before, found.n_after, found.skewed) == (0, 0, [])
    assert found.quality_after.n == 0


def test_quality_is_that_of_each_version_on_its_side_of_the_switch(lab: Lab) -> None:
    for version in (1, 2):
        lab.version({"x": winter(500, 1)})
        lab.score(version, [0.2, 0.8] * 50, SWITCH - DAY if version == 1 else SWITCH, 12 * HOUR, prefix=f"{version}-")
    record(lab.desk, MODEL, [(f"{v}-{n}", n % 2 if v == 1 else 1 - n % 2, NOW) for v in (1, 2) for n in range(100)])
    join(lab.desk)
    found = skew.explain(lab.desk, MODEL, ENDPOINT, 1, 2, SWITCH, NOW)
    assert (found.quality_before.auc, found.quality_after.auc) == (1.0, 0.0)


def test_references_are_compared_though_their_edges_differ() -> None:
    draw = np.random.default_rng(1)
    left, right = draw.normal(size=6000), draw.normal(0.5, 1, 5000)
    gap = skew.reference_gap(entry_of(left.tolist()), entry_of(right.tolist()))
    raw = distance.kolmogorov_smirnov_raw(left.tolist(), right.tolist())
    assert raw - 2 / 64 <= gap <= raw + 1e-9
    assert skew.reference_gap(entry_of(left.tolist()), entry_of(draw.normal(size=6000).tolist())) < 0.03
    assert skew.reference_gap(entry_of(left.tolist()), entry_of(["a", "b"])) == 1.0
    assert skew.reference_gap(entry_of(["a", "b"]), entry_of(["b", "c"])) == pytest.approx(0.5)


def test_both_versions_are_scored_on_the_same_labelled_samples(lab: Lab) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    draw = np.random.default_rng(2)
    x = draw.normal(size=2000)
    labels = (draw.random(2000) < 1 / (1 + np.exp(-2 * x))).astype(int)
    for sign in (1, -1):
        data = lightgbm.Dataset((sign * x).reshape(-1, 1), labels)
        booster = lightgbm.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 20)
        lab.version({"x": (sign * x).tolist()}, booster=booster.model_to_string())
    values = draw.normal(size=300)
    truth = (draw.random(300) < 1 / (1 + np.exp(-2 * values))).astype(int)
    with lab.desk.write() as tx:
        tx.executemany(
            "INSERT INTO sample(model, endpoint, version, request_id, at_us, inputs) VALUES (?, ?, 2, ?, ?, ?)",
            [(MODEL, ENDPOINT, f"s{n}", START + n, json.dumps({"x": float(v)})) for n, v in enumerate(values)],
        )
    record(lab.desk, MODEL, [(f"s{n}", int(value), START) for n, value in enumerate(truth[:250])])
    found = skew.would_help(lab.desk, MODEL, ENDPOINT, 1, 2, START + DAY)
    assert found.n == 250
    assert found.auc_old is not None
    assert found.auc_new is not None
    assert found.auc_old > 0.75
    assert found.auc_new < 0.25
    assert skew.would_help(lab.desk, MODEL, ENDPOINT, 1, 2, START - DAY) == skew.Help(None, None, 0)
