"""Why a score is what it is: LightGBM's exact Shapley values, in log-odds, summed by raw input.

Source: Lundberg et al., 2020 (TreeSHAP). Contributions and the base add up to what the booster says before calibration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.desk import Desk
from core.errors import BadInput, NotFound
from core.evaluation.rows import Scored
from core.features.view import apply
from core.measures.values import CATEGORY, as_number
from core.training import find
from core.training.artefact import Artefact
from core.training.booster import calibrated, load_booster

MOST_ROWS = 5000
SEED = 1


@dataclass(frozen=True)
class Explanation:
    """One score taken apart: `base` and the `contributions` by raw input, largest first, add up to `log_odds`."""

    model: str
    version: int
    inputs: dict[str, Any]
    base: float
    contributions: dict[str, float]
    log_odds: float
    score: float

    def to_json(self) -> dict[str, Any]:
        """Plain data with stable keys."""
        parts = [
            {"input": name, "value": self.inputs.get(name), "contribution": value}
            for name, value in self.contributions.items()
        ]
        whole = {"model": self.model, "version": self.version, "score": self.score, "log_odds": self.log_odds}
        return {**whole, "base": self.base, "contributions": parts}


def shapley(artefact: Artefact, table: Any, threads: int = 1) -> tuple[Any, Any]:
    """Each row's contributions by raw input (rows by features, in their order), and its base; in log-odds."""
    import numpy as np

    matrix = apply(artefact.view, artefact.features, table)
    found = load_booster(artefact).predict(matrix, pred_contrib=True, num_threads=threads)
    places = {feature.name: place for place, feature in enumerate(artefact.features)}
    by_input = np.zeros((len(found), len(places)))
    for column, place in enumerate(places[each.column] for each in artefact.view):
        by_input[:, place] += found[:, column]
    return by_input, found[:, -1]


def explain(desk: Desk, model: str, number: int | None, inputs: Mapping[str, Any]) -> Explanation:
    """Take the score of one request's inputs apart. Raises NotFound, BadInput for an input the model does not have."""
    artefact = find.load_artefact(desk, model, number)
    known = {feature.name for feature in artefact.features}
    if extra := sorted(inputs.keys() - known):
        raise BadInput(f"{model} v{artefact.version} has no input {extra[0]!r}", f"it has {', '.join(sorted(known))}")
    table = one_row(artefact, inputs)
    parts, base = shapley(artefact, table)
    said = load_booster(artefact).predict(apply(artefact.view, artefact.features, table), num_threads=1)
    values = dict(zip((feature.name for feature in artefact.features), parts[0].tolist(), strict=True))
    return Explanation(
        model=model,
        version=artefact.version,
        inputs=dict(inputs),
        base=float(base[0]),
        contributions=dict(sorted(values.items(), key=lambda pair: -abs(pair[1]))),
        log_odds=float(base[0] + parts[0].sum()),
        score=float(calibrated(artefact, said)[0]),
    )


def one_row(artefact: Artefact, inputs: Mapping[str, Any]) -> Any:
    """A table of one request's inputs: what is left out is missing."""
    import pyarrow as pa

    def column(name: str, kind: str) -> Any:
        value = inputs.get(name)
        if kind == CATEGORY:
            return pa.array([value if isinstance(value, str) else None], pa.string())
        return pa.array([as_number(value)], pa.float64())

    return pa.table({feature.name: column(feature.name, feature.kind) for feature in artefact.features})


def of_row(desk: Desk, model: str, number: int | None, text: str) -> dict[str, Any]:
    """The inputs of `DATASET/N:ROW`, rows counted from 0. Raises BadInput for another form, NotFound for none."""
    from core.datasets import load, rows
    from core.evaluation.plan import parse_snapshot

    place, colon, row = text.rpartition(":")
    if not colon or not row.isdigit():
        raise BadInput(f"{text!r} names no row", "write --row DATASET/3:17, rows counted from 0")
    dataset, snapshot_number = parse_snapshot(place)
    snapshot = rows.snapshot(desk.store, dataset, snapshot_number)
    if int(row) >= snapshot.rows:
        raise NotFound(f"snapshot {dataset}/{snapshot.number} has {snapshot.rows} rows", "rows are counted from 0")
    table = load.load(desk, snapshot).slice(int(row), 1)
    artefact = find.load_artefact(desk, model, number)
    names = [feature.name for feature in artefact.features if feature.name in table.column_names]
    found: dict[str, Any] = table.select(names).to_pylist()[0]
    return found


def overall(rows: Scored, threads: int) -> list[dict[str, Any]]:
    """What moves the scores of these rows: each input's share of the mean absolute contribution, largest first.

    At most 5,000 rows are explained, drawn with a fixed seed. `direction` is the rank correlation of a number with its
    contribution (None where either does not vary); a category names the levels that push most `up` and `down`.
    """
    import numpy as np

    table = rows.table
    if table.num_rows > MOST_ROWS:
        drawn = np.random.default_rng(SEED).choice(table.num_rows, MOST_ROWS, replace=False)
        table = table.take(np.sort(drawn))
    parts, _ = shapley(rows.artefact, table, threads)
    sizes = np.abs(parts).mean(axis=0)
    total = float(sizes.sum()) or 1.0
    found = [
        {"feature": feature.name, "share": float(size) / total, "mean": float(size), **_direction(feature, table, part)}
        for feature, size, part in zip(rows.artefact.features, sizes, parts.T, strict=True)
    ]
    return sorted(found, key=lambda one: -float(one["share"]))


def _direction(feature: Any, table: Any, part: Any) -> dict[str, Any]:
    if feature.kind == CATEGORY:
        return _levels(table.column(feature.name), part)
    import numpy as np

    from core.measures.evaluate import midranks
    from core.measures.reading import floats

    values = floats(table.column(feature.name))
    known = np.isfinite(values)
    left, right = midranks(values[known]), midranks(part[known])
    if not known.sum() or not left.std() or not right.std():
        return {"direction": None}
    return {"direction": float(np.corrcoef(left, right)[0, 1])}


def _levels(column: Any, part: Any) -> dict[str, Any]:
    import numpy as np

    names, places = np.unique([str(value) for value in column.to_pylist()], return_inverse=True)
    means = np.bincount(places, part) / np.bincount(places)
    return {"up": str(names[int(means.argmax())]), "down": str(names[int(means.argmin())])}
