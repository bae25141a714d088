from __future__ import annotations

import numpy as np
import pytest

from core.clock import DAY, HOUR
from core.errors import NotFound
from core.measures.comparison import FeatureDrift
from core.monitor import drift, missing
from core.monitor.drift import DriftReport
from tests.monitor.conftest import ENDPOINT, MODEL, START, Lab

DRAW = np.random.default_rng(11)
TRAINED = {
    "x": DRAW.normal(size=6000).tolist(),
    "y": DRAW.normal(size=6000).tolist(),
    "carrier": DRAW.choice(["AA", "DL", "UA"], 6000, p=[0.5, 0.3, 0.2]).tolist(),
}


def live(rows: int = 1200, **replaced: object) -> dict[str, list[object]]:
    """Inputs like those of training, some columns replaced."""
    draw = np.random.default_rng(12)
    plain = {
        "x": draw.normal(size=rows).tolist(),
        "y": draw.normal(size=rows).tolist(),
        "carrier": draw.choice(["AA", "DL", "UA"], rows, p=[0.5, 0.3, 0.2]).tolist(),
    }
    return {**plain, **replaced}  # type: ignore[dict-item]


def measured(lab: Lab) -> DriftReport:
    return drift.measure(lab.desk, MODEL, 1, ENDPOINT, START, START + DAY)


def by_name(report: DriftReport) -> dict[str, FeatureDrift]:
    return {feature.name: feature for feature in report.features}


def test_traffic_like_the_training_data_does_not_drift(lab: Lab) -> None:
    lab.version(TRAINED)
    lab.ask(1, live(), START)
    report = measured(lab)
    assert (report.n, report.drifted, report.missing_jumped, report.impact) == (1200, [], [], 0)
    assert all(feature.psi < 0.05 and not feature.significant for feature in report.features)


def test_a_shifted_input_drifts_first_and_says_how_much_of_the_model_rests_on_it(lab: Lab) -> None:
    lab.version(TRAINED)
    lab.ask(1, live(x=np.random.default_rng(1).normal(1, 1, 1200).tolist()), START)
    report = measured(lab)
    assert report.drifted == ["x"]
    assert report.features[0].name == "x"
    assert report.features[0].ks == pytest.approx(0.38, abs=0.05)
    assert report.features[0].wasserstein == pytest.approx(1 / 1.35, abs=0.15)
    assert report.impact == pytest.approx(1 / 3)


def test_a_small_shift_of_many_rows_is_significant_but_no_drift(lab: Lab) -> None:
    lab.version(TRAINED)
    rows = 20_000
    lab.ask(1, live(rows, x=np.random.default_rng(1).normal(0.15, 1, rows).tolist()), START)
    found = by_name(measured(lab))["x"]
    assert (found.significant, found.drifted) == (True, False)


def test_missing_values_are_counted_apart_and_never_hide(lab: Lab) -> None:
    # Peers drop missing values: with 90 % gone they see the remaining tenth, and nothing wrong.
    lab.version(TRAINED)
    values = live()["x"]
    lab.ask(1, live(x=[value if place % 10 == 0 else None for place, value in enumerate(values)]), START)
    report = measured(lab)
    found = by_name(report)["x"]
    assert (found.missing_rate, found.reference_missing_rate, found.n) == (0.9, 0.0, 120)
    assert not found.drifted
    assert report.missing_jumped == ["x"]
    shares = missing.rate(lab.desk.store, MODEL, 1, ENDPOINT, START, START + DAY)
    assert (shares.features["x"], shares.features["y"], shares.share) == (0.9, 0.0, None)


def test_unknown_levels_are_counted_and_drift(lab: Lab) -> None:
    lab.version(TRAINED)
    lab.ask(1, live(carrier=["AA"] * 600 + ["XX"] * 600), START)
    found = by_name(measured(lab))["carrier"]
    assert (found.unseen, found.drifted, found.ks, found.wasserstein) == (600, True, None, None)


def test_too_few_rows_are_not_enough_and_never_alarm(lab: Lab) -> None:
    lab.version(TRAINED)
    lab.ask(1, live(29, x=[9.0] * 29), START)
    found = by_name(measured(lab))["x"]
    assert (found.enough, found.drifted, found.p) == (False, False, 1.0)


def test_the_order_in_which_rows_arrive_does_not_look_like_drift(lab: Lab) -> None:
    # Trap 5: a file sorted by a group is no change in time. Windows are cut by the time of the event alone.
    lab.version(TRAINED)
    columns = live(2400)
    order = np.argsort(np.asarray(columns["x"]))
    sorted_ = {name: [values[place] for place in order] for name, values in columns.items()}
    lab.ask(1, sorted_, START)
    assert measured(lab).drifted == []


def test_only_the_window_asked_for_counts(lab: Lab) -> None:
    lab.version(TRAINED)
    lab.ask(1, live(), START)
    lab.ask(1, live(x=[9.0] * 1200), START + DAY)
    assert measured(lab).drifted == []
    assert drift.measure(lab.desk, MODEL, 1, ENDPOINT, START + DAY, START + 2 * DAY).drifted == ["x"]
    assert drift.measure(lab.desk, MODEL, 1, ENDPOINT, START + 2 * DAY, START + 2 * DAY + HOUR).n == 0


def test_an_input_that_scatters_by_the_day_anyway_needs_more_to_drift(lab: Lab) -> None:
    lab.version(TRAINED, scatter=1.0)
    lab.version(TRAINED, scatter=40.0)
    shifted = live(200, x=np.random.default_rng(1).normal(0.7, 1, 200).tolist())
    for version in (1, 2):
        lab.ask(version, shifted, START)
    tails = [
        by_name(drift.measure(lab.desk, MODEL, version, ENDPOINT, START, START + DAY))["x"].p for version in (1, 2)
    ]
    assert tails[0] < 1e-6 < 0.01 < tails[1]


def test_a_version_that_does_not_exist_is_not_found(lab: Lab) -> None:
    with pytest.raises(NotFound):
        measured(lab)


def test_the_job_reports_what_drifts_where_the_model_is_served(lab: Lab) -> None:
    from core.monitor.job import drift as job

    lab.version(TRAINED)
    lab.deploy(1, START - DAY)
    lab.ask(1, live(x=[9.0] * 1200), START - DAY)
    said: list[float] = []
    result = job(lab.desk, {"model": MODEL, "window": "2d"}, lambda share, text: said.append(share))
    assert result["reports"][0]["drifted"] == ["x"]
    assert said[-1] == 1.0
