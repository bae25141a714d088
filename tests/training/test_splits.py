from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import DAY
from core.datasets import ingest
from core.desk import Desk
from core.errors import BadInput
from core.registry import versions
from core.training.job import train
from core.training.split import folds_before, grouped_split, stratified_split, temporal_split, validation_of


def labels(rows: int = 400) -> Any:
    return (np.arange(rows) % 3 == 0).astype(float)


@given(st.integers(0, 1000), st.booleans())
def test_no_group_is_ever_on_both_sides_and_times_keep_their_order(seed: int, timed: bool) -> None:
    draw = np.random.default_rng(seed)
    groups = np.unique(draw.integers(0, 40, 1600), return_inverse=True)[1]
    times = draw.permutation(1600) * DAY if timed else None
    split = grouped_split(groups, times, labels(1600), None, task="binary", seed=seed)
    assert not set(groups[split.fit]) & set(groups[split.holdout])
    assert not (split.fit & split.holdout).any()
    if times is not None:
        assert times[split.fit].max() < split.from_us <= times[split.holdout].min()
    else:
        assert (split.fit | split.holdout).all()


@given(st.integers(0, 1000), st.sampled_from(["binary", "multiclass", "regression"]))
def test_a_stratified_hold_out_is_a_quarter_of_every_class_and_the_seed_decides_which(seed: int, task: str) -> None:
    truth = np.random.default_rng(seed).normal(size=400) if task == "regression" else labels()
    split = stratified_split(truth, task=task, seed=seed)
    assert split.holdout.sum() == pytest.approx(100, abs=2)
    assert (split.fit ^ split.holdout).all()
    if task != "regression":
        assert truth[split.holdout].mean() == pytest.approx(truth.mean(), abs=0.01)
    again = stratified_split(truth, task=task, seed=seed)
    assert np.array_equal(split.holdout, again.holdout)


@given(st.integers(2, 6), st.integers(0, 30))
def test_every_fold_is_measured_after_what_it_was_fitted_on_and_the_gap(count: int, gap: int) -> None:
    times = np.random.default_rng(1).permutation(400) * DAY
    split = temporal_split(times, labels(), None, gap_us=gap * DAY)
    assert times[split.holdout].min() - times[split.fit].max() > gap * DAY
    folds = folds_before(times, split.fit, count, gap * DAY)
    for fold in folds:
        assert times[fold.holdout].max() < split.from_us
        if fold.fit.any():
            assert times[fold.holdout].min() - times[fold.fit].max() > gap * DAY
    held = sum(fold.holdout.astype(int) for fold in folds)
    assert held.max() == 1


def test_validation_rows_are_the_last_of_the_part_fitted_on() -> None:
    times = np.random.default_rng(0).permutation(400) * DAY
    part = times < 300 * DAY
    held = validation_of(part, times, None, labels(), task="binary", seed=1)
    assert not (held & ~part).any()
    assert times[held].min() > times[part & ~held].max()


def add(desk: Desk, tmp_path: Path, rows: int = 800) -> None:
    """A data set without any time."""
    draw = np.random.default_rng(2)
    x = draw.normal(size=rows)
    table = {"x": x, "who": draw.integers(0, 50, rows), "y": (x + draw.normal(size=rows) > 0).astype(int)}
    pyarrow.csv.write_csv(pa.table(table), tmp_path / "people.csv")
    ingest.add(desk, tmp_path / "people.csv", dataset="people", label="y")


def fit(desk: Desk, **args: Any) -> dict[str, Any]:
    request = {"model": "m", "dataset": "people", "label": "y", "rounds": 8, **args}
    return train(desk, request, lambda share, text="": None)


def test_data_without_a_time_are_trained_by_group_or_by_strata_and_never_by_file_order(
    desk: Desk, tmp_path: Path
) -> None:
    add(desk, tmp_path)
    with pytest.raises(BadInput, match="no time column") as caught:
        fit(desk)
    assert "--split stratified" in caught.value.hint
    assert fit(desk, split="stratified")["metrics"]["auc"] > 0.6
    result = fit(desk, split="grouped", group="who")
    assert result["metrics"]["auc"] > 0.6
    artefact = versions.load_artefact(desk, "m", 2)
    assert [feature.name for feature in artefact.features] == ["x"]
    assert artefact.reference.days == 0
    assert "no time" in result["cautions"][0]


@pytest.mark.parametrize(
    "args",
    [
        {"split": "random"},
        {"split": "grouped"},
        {"group": "who"},
        {"split": "stratified", "folds": 3},
        {"split": "stratified", "gap": "1d"},
        {"folds": 1},
        {"gap": "soon"},
        {"split": "grouped", "group": "gone"},
    ],
)
def test_a_split_that_means_nothing_is_refused(desk: Desk, tmp_path: Path, args: dict[str, Any]) -> None:
    add(desk, tmp_path)
    with pytest.raises(BadInput) as caught:
        fit(desk, **args)
    assert caught.value.hint
