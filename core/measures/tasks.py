"""The tasks a model can have, and the measure each is judged by first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BINARY = "binary"
MULTICLASS = "multiclass"
REGRESSION = "regression"
TASKS = (BINARY, MULTICLASS, REGRESSION)


@dataclass(frozen=True)
class Headline:
    """A task's first measure and its second one, as (name among the metrics, title)."""

    first: tuple[str, str]
    second: tuple[str, str]
    measures: tuple[str, ...]


HEADLINES: dict[str, Headline] = {
    BINARY: Headline(
        ("auc", "AUC"), ("logloss", "log loss"), ("auc", "auc_low", "auc_high", "logloss", "brier", "base_rate", "n")
    ),
    MULTICLASS: Headline(
        ("accuracy", "accuracy"),
        ("logloss", "log loss"),
        ("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "macro_auc", "logloss", "n"),
    ),
    REGRESSION: Headline(
        ("rmse", "RMSE"), ("mae", "MAE"), ("rmse", "rmse_low", "rmse_high", "mae", "r2", "label_std", "n")
    ),
}


def told(task: str, metrics: Mapping[str, Any]) -> tuple[str, str, str]:
    """The headline measure of a version's metrics, its 95 % interval and its second measure, as text; "-" for none."""
    headline = HEADLINES[task]
    name = headline.first[0]
    low, high = _figure(metrics.get(f"{name}_low")), _figure(metrics.get(f"{name}_high"))
    return _figure(metrics.get(name)), f"{low} to {high}", _figure(metrics.get(headline.second[0]))


def _figure(value: Any) -> str:
    if not isinstance(value, int | float):
        return "-"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.5g}"
