from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.briefing import searches
from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.ledger.timeline import timeline
from core.registry.reproduce import reproduce
from core.registry.versions import version
from core.training.material import gather
from core.training.plan import Plan
from core.training.trial import split_of
from core.tuning import rows
from core.tuning.job import search
from core.tuning.objective import without_holdout
from core.tuning.rows import Trial
from tests.training.conftest import delays

Add = Callable[..., str]
Job = Callable[..., dict[str, Any]]


def quiet(share: float, text: str = "", /) -> None:
    """Nobody looks."""


class Stop(Exception):
    """What stands for a process that dies."""


def stopping_at(text: str) -> Callable[..., None]:
    """A progress that ends its job where it says a text."""

    def show(share: float, told: str = "", /) -> None:
        if told.startswith(text):
            raise Stop

    return show


def recipes(trials: list[Trial]) -> list[tuple[Any, ...]]:
    """What of trials must be the same however often they were interrupted."""
    return [(one.number, one.params, one.state, one.value, one.points) for one in trials]


def test_the_best_recipe_becomes_a_version_that_is_made_again_without_searching(desk: Desk, add: Add, job: Job) -> None:
    add()
    told = search(desk, job(trials=8), quiet)
    best = told["search"]["best"]
    found = version(desk.store, "late")
    assert told["version"] == 1
    assert {name: found.parameters[name] for name in best["params"]} == best["params"]
    assert found.parameters["search"]["trial"] == best["trial"]
    assert found.metrics["n"] == 223
    again = reproduce(desk, "late", 1, quiet)
    assert again.identical, again.differences
    assert len(rows.trials(desk.store, 1)) == 8


def test_the_first_trial_is_what_training_would_take_so_that_no_search_ends_below_it(
    desk: Desk, add: Add, job: Job
) -> None:
    add()
    told = search(desk, job(trials=4, register="none"), quiet)
    first = rows.trials(desk.store, 1)[0]
    assert (first.params["num_leaves"], first.params["learning_rate"]) == (31, 0.05)
    assert told["search"]["best"]["value"] >= first.value
    assert told["version"] is None


def test_trials_do_not_read_the_hold_out(desk: Desk, add: Add, job: Job) -> None:
    known = delays(900)
    spoiled = [value if at < 675 or value is None else -value for at, value in enumerate(known["delay"])]
    noise = [value if at < 675 else 1e9 for at, value in enumerate(known["x"])]
    add("flights")
    add("spoiled", delay=spoiled, x=noise)
    asked = {"trials": 6, "register": "none", "holdout_from": "2013-01-29T03:00:00Z"}
    search(desk, job(**asked), quiet)
    search(desk, job(**asked, dataset="spoiled", model="other"), quiet)
    first, second = rows.trials(desk.store, 1), rows.trials(desk.store, 2)
    assert recipes(first) == recipes(second)


def test_what_a_trial_is_given_has_no_row_of_the_hold_out(desk: Desk, add: Add) -> None:
    add()
    plan = Plan.of({"model": "late", "dataset": "flights", "label": "delay>=8"})
    material = gather(desk, plan)
    split = split_of(plan, material)
    given = without_holdout(material, split)
    assert split.from_us is not None
    assert int(given.times.max()) < split.from_us
    assert len(given.labels) == len(given.matrix) == given.table.num_rows == int(split.fit.sum())


def test_a_search_that_was_interrupted_ends_as_one_that_was_not(desk: Desk, add: Add, job: Job) -> None:
    add()
    search(desk, job(trials=14), quiet)
    interrupted = job(trials=14, model="again")
    for text in ("trial 3 of", "trial 4 of", "trial 13 of", "fitting on all rows"):
        with pytest.raises(Stop):
            search(desk, interrupted, stopping_at(text))
    told = search(desk, interrupted, quiet)
    assert recipes(rows.trials(desk.store, 1)) == recipes(rows.trials(desk.store, 2))
    assert told["search"]["best"]["params"] == version(desk.store, "late").parameters["param"]
    assert [event.kind for event in timeline(desk.store, since_us=0)].count("model.searched") == 2


def test_a_search_stays_on_the_snapshot_it_began_on(desk: Desk, add: Add, job: Job) -> None:
    add()
    asked = job(trials=4)
    with pytest.raises(Stop):
        search(desk, asked, stopping_at("trial 3 of"))
    add(rows=800)
    search(desk, asked, quiet)
    assert version(desk.store, "late").parameters["snapshot"] == "flights/1"


@pytest.mark.parametrize(
    ("more", "metric", "least"),
    [
        ({"label": "delay", "task": "regression"}, "rmse", 0.0),
        ({"label": "carrier", "metric": "logloss"}, "logloss", 0.0),
        ({"split": "stratified", "metric": "logloss"}, "logloss", 0.0),
        ({"early_stopping": 5, "class_weight": "balanced", "folds": 2, "gap": "1d"}, "auc", 0.6),
        ({"folds": 0, "metric": "average_precision"}, "average_precision", 0.3),
    ],
)
def test_every_task_and_split_can_be_searched(
    desk: Desk, add: Add, job: Job, more: dict[str, Any], metric: str, least: float
) -> None:
    add()
    told = search(desk, job(trials=3, **more), quiet)
    assert told["search"]["metric"] == metric
    assert told["search"]["best"]["value"] > least
    assert told["version"] == 1


def test_class_weights_do_not_weigh_in_the_measure(desk: Desk, add: Add, job: Job) -> None:
    add()
    # One leaf cannot split: a booster that learns nothing says the base rate whatever a class weighs.
    asked = {"trials": 1, "register": "none", "metric": "error", "param": {"min_data_in_leaf": 10_000}}
    search(desk, job(**asked), quiet)
    search(desk, job(**asked, model="heavy", class_weight={"1": 1.5}), quiet)
    first, second = rows.trials(desk.store, 1)[0], rows.trials(desk.store, 2)[0]
    assert first.value == second.value


def test_a_metric_of_another_task_is_refused(desk: Desk, add: Add, job: Job) -> None:
    add()
    with pytest.raises(BadInput, match="binary model has no metric 'rmse'"):
        search(desk, job(metric="rmse"), quiet)
    with pytest.raises(BadInput, match="no metric 'beauty'"):
        search(desk, job(metric="beauty"), quiet)


def test_where_no_trial_ends_well_nothing_is_registered(desk: Desk, add: Add, job: Job) -> None:
    add()
    with pytest.raises(CheckFailed, match="no trial"):
        search(desk, job(wall="1s", rounds=5000, folds=3, param={"num_leaves": 200, "min_data_in_leaf": 2}), quiet)
    assert desk.store.read("SELECT * FROM model_version") == []


def test_the_page_of_a_search_has_its_trials_the_best_so_far_and_what_matters(desk: Desk, add: Add, job: Job) -> None:
    add()
    search(desk, job(trials=12, register="none"), quiet)
    page = searches.search(desk, 1)
    values = [value for _, value in page.curve]
    assert values == sorted(values)
    assert page.row.value == values[-1]
    assert len(page.trials) == page.row.trials == 12
    assert set(page.importance) == set(page.space)
    assert sum(page.importance.values()) == pytest.approx(1)
    assert [row.job for row in searches.searches(desk)] == [1]
