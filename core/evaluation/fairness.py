"""The same model by group: who is selected, who is missed, who is blamed, and whether scores mean the same for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.errors import BadInput
from core.evaluation.rows import Scored
from core.measures.intervals import NOTHING, Interval, bootstrap, wilson
from core.measures.tasks import BINARY, MULTICLASS, REGRESSION

MOST_GROUPS = 200
RATES = {
    BINARY: ("selection_rate", "tpr", "fpr", "calibration"),
    MULTICLASS: ("accuracy", "calibration"),
    REGRESSION: ("mean_error", "mae"),
}


def fairness(rows: Scored, by: Sequence[str], least: int) -> dict[str, Any]:
    """One table of groups: the levels of a column, or of several at once.

    For each group of `least` rows: the selection rate at the threshold, the shares of positives found and of negatives
    called (each with Wilson's interval), and what came less what was said (bootstrap). Of several classes: how often
    the likeliest was right, and that less what was said of it; of numbers the mean error (predicted less true) and the
    mean absolute one (all bootstrap). `gaps` are the greatest less the least of them over those groups; smaller groups
    are named in `unjudged`. Raises BadInput for a column that is not there, or one that makes more than 200 groups.
    """
    keys, group = _groups(rows.table, by)
    counts = _rows_of(group, len(keys))
    judged = [place for place, count in enumerate(counts) if count >= least]
    names = RATES[rows.artefact.task]
    sums = (_Sums if rows.artefact.task == BINARY else _Means)(rows, group, judged)
    drawn = bootstrap(sums.at, rows.blocks)
    return {
        "by": list(by),
        "least": least,
        "gaps": {name: drawn[f"gap {name}"].to_json() for name in names},
        "groups": [
            _told(
                rows, group == place, keys[place], {n: drawn[f"{n} {place}"] for n in names if f"{n} {place}" in drawn}
            )
            for place in judged
        ],
        "unjudged": [{"group": keys[p], "n": count} for p, count in enumerate(counts) if count < least],
    }


def _groups(table: Any, by: Sequence[str]) -> tuple[list[dict[str, Any]], Any]:
    """The groups there are, in order of their names, and each row's place among them."""
    import numpy as np

    missing = [name for name in by if name not in table.column_names]
    if missing:
        raise BadInput(f"there is no column {missing[0]!r} to compare by", f"there are {', '.join(table.column_names)}")
    values = [[str(value) if value is not None else None for value in table.column(name).to_pylist()] for name in by]
    rows = list(zip(*values, strict=True))
    keys = sorted(set(rows), key=lambda key: [value or "" for value in key])
    if len(keys) > MOST_GROUPS:
        raise BadInput(
            f"{' and '.join(by)} make {len(keys)} groups", f"compare by columns of at most {MOST_GROUPS} groups in all"
        )
    places = {key: place for place, key in enumerate(keys)}
    return [dict(zip(by, key, strict=True)) for key in keys], np.array([places[key] for key in rows])


def _rows_of(group: Any, count: int) -> list[int]:
    import numpy as np

    found: list[int] = np.bincount(group, minlength=count).tolist()
    return found


class _Sums:
    """The rates of every judged group for any weights of the rows."""

    def __init__(self, rows: Scored, group: Any, judged: Sequence[int]) -> None:
        self._group, self._judged, self._count = group, judged, int(group.max()) + 1
        called = (rows.scores >= rows.artefact.threshold).astype(float)
        self._parts = (called, rows.labels, called * rows.labels, rows.labels - rows.scores)

    def at(self, weights: Any) -> dict[str, float]:
        """The calibration of each judged group, and the gap of every rate between them."""
        import numpy as np

        def sums(values: Any) -> Any:
            return np.bincount(self._group, values, self._count)[self._judged]

        n = sums(weights)
        called, positives, hits, gap = (sums(weights * part) for part in self._parts)
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = {
                "selection_rate": called / n,
                "tpr": hits / positives,
                "fpr": (called - hits) / (n - positives),
                "calibration": gap / n,
            }
        found = {f"gap {name}": _spread(values) for name, values in rates.items()}
        calibration = zip(self._judged, rates["calibration"].tolist(), strict=True)
        return {**found, **{f"calibration {place}": value for place, value in calibration}}


class _Means:
    """The means of every judged group for any weights of the rows, where nothing is called positive."""

    def __init__(self, rows: Scored, group: Any, judged: Sequence[int]) -> None:
        import numpy as np

        self._group, self._judged, self._count = group, judged, int(group.max()) + 1
        if rows.artefact.task == MULTICLASS:
            hits = (rows.scores.argmax(axis=1) == rows.labels).astype(float)
            self._parts = {"accuracy": hits, "calibration": hits - rows.scores.max(axis=1)}
        else:
            error = rows.scores - rows.labels
            self._parts = {"mean_error": error, "mae": np.abs(error)}

    def at(self, weights: Any) -> dict[str, float]:
        """Every mean of each judged group, and its gap between them."""
        import numpy as np

        found: dict[str, float] = {}
        n = np.bincount(self._group, weights, self._count)[self._judged]
        for name, part in self._parts.items():
            with np.errstate(invalid="ignore", divide="ignore"):
                means = np.bincount(self._group, weights * part, self._count)[self._judged] / n
            found[f"gap {name}"] = _spread(means)
            found |= {f"{name} {place}": mean for place, mean in zip(self._judged, means.tolist(), strict=True)}
        return found


def _spread(values: Any) -> float:
    import numpy as np

    known = values[np.isfinite(values)]
    return float(known.max() - known.min()) if len(known) > 1 else float("nan")


def _told(rows: Scored, mask: Any, key: dict[str, Any], drawn: dict[str, Interval]) -> dict[str, Any]:
    labels = rows.labels[mask]
    if rows.artefact.task != BINARY:
        return {"group": key, "n": len(labels), **{name: rate.to_json() for name, rate in drawn.items()}}
    called = rows.scores[mask] >= rows.artefact.threshold
    n, positives = len(labels), int(labels.sum())
    hits = int((called & (labels == 1)).sum())
    false = int(called.sum()) - hits
    rates = {
        "selection_rate": wilson(hits + false, n),
        "base_rate": wilson(positives, n),
        "tpr": wilson(hits, positives) if positives else NOTHING,
        "fpr": wilson(false, n - positives) if n > positives else NOTHING,
        **drawn,
    }
    return {"group": key, "n": n, **{name: rate.to_json() for name, rate in rates.items()}}
