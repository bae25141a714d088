"""What a search may be judged by: the measures of each task that LightGBM computes round by round."""

from __future__ import annotations

from typing import NamedTuple

from core.errors import BadInput
from core.measures.tasks import BINARY, MULTICLASS, REGRESSION


class Metric(NamedTuple):
    """A measure: its name here, LightGBM's name for it, and whether more of it is better."""

    name: str
    lightgbm: str
    more: bool


# The first of each task is taken where none is asked for.
METRICS: dict[str, tuple[Metric, ...]] = {
    BINARY: (
        Metric("auc", "auc", True),
        Metric("logloss", "binary_logloss", False),
        Metric("average_precision", "average_precision", True),
        Metric("error", "binary_error", False),
    ),
    MULTICLASS: (
        Metric("logloss", "multi_logloss", False),
        Metric("auc", "auc_mu", True),
        Metric("error", "multi_error", False),
    ),
    REGRESSION: (Metric("rmse", "rmse", False), Metric("mae", "l1", False), Metric("mape", "mape", False)),
}


def metric_of(name: str, task: str) -> Metric:
    """A task's measure by name, its first for an empty one. Raises BadInput for one that the task does not have."""
    known = METRICS[task]
    for metric in known:
        if name in ("", metric.name):
            return metric
    raise BadInput(f"a {task} model has no metric {name!r}", f"choose {', '.join(m.name for m in known)}")


def require_name(name: str) -> None:
    """Raises BadInput for a metric that no task has; the task is known only once the data are read."""
    known = sorted({metric.name for metrics in METRICS.values() for metric in metrics})
    if name and name not in known:
        raise BadInput(f"there is no metric {name!r} to search by", f"choose {', '.join(known)}")
