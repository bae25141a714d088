from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.settings import Quota
from core.tuning import rows
from core.tuning.budget import Budget, Used
from core.tuning.job import search
from core.tuning.rows import Trial
from core.tuning.space import DEFAULT, plain, space_of
from tests.tuning.test_search import quiet

Add = Callable[..., str]
Job = Callable[..., dict[str, Any]]
PRICED = Quota(price_per_cpu_hour=3.6)


@pytest.mark.parametrize(
    ("asked", "used", "reason"),
    [
        ({"trials": 3}, Used(3, 0, 0), "trials: all 3 were tried"),
        ({"wall": "30m"}, Used(1, 1_800_000, 0), "time: 30m are up"),
        ({"cpu": "1h"}, Used(1, 0, 3_600_000), "cpu: 1h of CPU time are used"),
        ({"money": 2.5}, Used(1, 0, 2_500_000), "money: 2.5000 EUR are spent"),
    ],
)
def test_each_limit_is_told_as_the_reason(asked: dict[str, Any], used: Used, reason: str) -> None:
    budget = Budget.of(asked, PRICED)
    assert budget.ended(used) == reason
    assert budget.share(used) == 1
    assert budget.ended(Used(used.trials - 1, max(0, used.wall_ms - 1), max(0, used.cpu_ms - 1))) == ""


@given(st.integers(0, 60), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_search_has_ended_just_where_its_share_is_whole(trials: int, wall_ms: int, cpu_ms: int) -> None:
    budget, used = Budget.of({"wall": "1h", "cpu": "2h", "money": 1.5}, PRICED), Used(trials, wall_ms, cpu_ms)
    assert bool(budget.ended(used)) == (budget.share(used) == 1)


def test_money_needs_a_price() -> None:
    with pytest.raises(BadInput, match="needs a price"):
        Budget.of({"money": 1.0}, Quota())


def test_a_limit_of_cpu_time_ends_the_search_and_the_best_so_far_is_registered(desk: Desk, add: Add, job: Job) -> None:
    add()
    asked = job(trials=50, cpu="60s")
    spent = Trial(0, {name: one.low for name, one in DEFAULT.items()}, rows.COMPLETE, 0.9, {20: 0.9}, None, 60_000, 9)
    spent = replace(spent, params={**spent.params, "num_leaves": 4, "max_bin": 63, "min_data_in_leaf": 5})
    spec = {"model": "late", "dataset": "flights", "snapshot": "flights/1", "metric": "auc", "more": True}
    more = {"space": plain(DEFAULT), "folds": 3, "rounds": 20, "seed": 5, "trials": 50}
    rows.begin(desk, asked["run_id"], {**spec, **more})
    rows.add(desk, asked["run_id"], spent)
    told = search(desk, asked, quiet)
    assert told["search"]["stopped"] == "cpu: 1m of CPU time are used"
    assert told["search"]["best"]["trial"] == 0
    assert told["version"] == 1


def test_a_models_day_that_is_used_up_ends_the_search_between_trials_and_keeps_them(
    desk: Desk, add: Add, job: Job
) -> None:
    add()
    asked = job(trials=5)
    poor = replace(desk, settings=msgspec.structs.replace(desk.settings, quota=Quota(models={"late": 1})))
    with desk.write() as tx:
        tx.execute("INSERT INTO cpu_spent(model, day_us, cpu_ms) VALUES ('late', ?, 1000)", (desk.now_us(),))
    with pytest.raises(CheckFailed, match=r"late has used .* of its 1 CPU seconds today") as refused:
        search(poor, asked, quiet)
    assert "--resume 1" in refused.value.hint
    assert search(desk, asked, quiet)["search"]["trials"] == 5


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"num_leavs": {"low": 1, "high": 2}}, r"\[num_leavs\] is no parameter"),
        ({"num_leaves": {"low": 8}}, r"\[num_leaves\] has no high"),
        ({"num_leaves": {"low": 8, "high": 4}}, r"\[num_leaves\] low is 8 and high 4"),
        ({"num_leaves": {"low": 1, "high": 4}}, r"\[num_leaves\] low is 1"),
        ({"num_leaves": {"low": 2.5, "high": 4}}, r"\[num_leaves\] low is 2.5"),
        ({"num_leaves": {"low": 2, "hihg": 4}}, r"\[num_leaves\] .*hihg"),
        ({"num_leaves": 3}, r"\[num_leaves\]"),
        ({"lambda_l1": {"low": 0, "high": 1, "log": True}}, "no logarithm"),
        ({"max_bin": {"choices": []}}, r"\[max_bin\] choices"),
        ({"max_bin": {"choices": [63, 63]}}, r"\[max_bin\] choices"),
        ({"max_bin": {"choices": [63], "low": 3}}, "a range as well"),
        ({"remove": ["max_bins"]}, "remove: 'max_bins'"),
        ({"remove": "max_bin"}, "remove is 'max_bin'"),
        ({"remove": [*DEFAULT]}, "nothing is left"),
    ],
)
def test_an_error_in_a_space_names_its_field(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        space_of(changes, {})


def test_a_space_is_the_default_with_changes_less_what_is_fixed() -> None:
    found = space_of({"max_bin": {"choices": [63, 255]}, "remove": ["bagging_freq"]}, {"num_leaves": 7})
    assert set(found) == set(DEFAULT) - {"bagging_freq", "num_leaves"}
    assert found["max_bin"].choices == (63, 255)
    with pytest.raises(BadInput, match="fixed or removed as well"):
        space_of({"num_leaves": {"low": 2, "high": 3}}, {"num_leaves": 7})
