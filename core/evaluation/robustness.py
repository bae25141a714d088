"""What becomes of the ranking when inputs fail: each one missing, noisy or out of range, and the oddest stretches."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from core.clock import iso
from core.evaluation.rows import Scored
from core.features.columns import Feature
from core.measures.bins import FIRST
from core.measures.cells import cells
from core.measures.distance import psi
from core.measures.headline import Headline
from core.measures.influence import around, variance
from core.measures.values import CATEGORY
from core.training.artefact import FeatureReference

# Enough rows for a drop of a hundredth to show; each of some eighty disturbances scores them anew.
MOST_ROWS = 20_000
NOISES = (0.1, 0.5)
SEED = 1
STRETCHES = 12
SHOWN = 3
# A level that no data holds.
STRANGER = "\x00nobody knows this level"


def robustness(rows: Scored, least: int, threads: int, report: Callable[[float], None]) -> dict[str, Any]:
    """The first measure of the task for every disturbance of one input at a time, and its `drop`, with the paired
    interval over days: how much worse it gets, which for an error is how much it rises.

    Noise is normal, of 0.1 and 0.5 of the reference's interquartile range; of a category that share of rows takes the
    level of another row. Out of range is the reference's width above its greatest value, or an unknown level. At most
    20,000 rows are disturbed, drawn with a fixed seed. `shifted` are the stretches of time of at least `least` rows
    whose inputs differ most from the training reference.
    """
    import numpy as np

    some = _drawn(rows)
    trial = _Trial(some, threads)
    found: dict[str, list[dict[str, Any]]] = {"missing": [], "noise": [], "out_of_range": []}
    features = rows.artefact.features
    for done, feature in enumerate(features):
        entry = rows.artefact.reference.features[feature.name]
        found["missing"].append(trial.with_column(feature, _nothing(some, feature)))
        for noise in NOISES:
            draw = np.random.default_rng([SEED, done, int(noise * 100)])
            disturbed = _noisy(some.table.column(feature.name), feature, entry, noise, draw)
            found["noise"].append({**trial.with_column(feature, disturbed), "noise": noise})
        found["out_of_range"].append(trial.with_column(feature, _outside(some, feature, entry)))
        report((done + 1) / len(features))
    for entries in found.values():
        entries.sort(key=lambda one: -one["drop"])
    return {"rows": len(some.labels), **trial.undisturbed, **found, "shifted": shifted(rows, least)}


def _drawn(rows: Scored) -> Scored:
    import numpy as np

    count = len(rows.labels)
    if count <= MOST_ROWS:
        return rows
    mask = np.zeros(count, bool)
    mask[np.random.default_rng(SEED).choice(count, MOST_ROWS, replace=False)] = True
    return rows.part(mask)


class _Trial:
    """Scores the rows again with one column replaced."""

    def __init__(self, rows: Scored, threads: int) -> None:
        self._rows, self._score, self._blocks = rows, rows.scorer(threads), rows.blocks
        self._headline = Headline(rows.artefact.task)
        self._value, self._parts = self._headline.of(rows.labels, rows.scores)
        self.undisturbed = {self._headline.name: self._value}

    def with_column(self, feature: Feature, column: Any) -> dict[str, Any]:
        table = self._rows.table
        changed = table.set_column(table.column_names.index(feature.name), feature.name, column)
        headline = self._headline
        value, parts = headline.of(self._rows.labels, self._score(changed))
        spread = variance(self._parts - parts, self._blocks)
        drop = around(headline.worse(self._value, value), spread, least=-math.inf, most=math.inf)
        return {
            "feature": feature.name,
            headline.name: value,
            "drop": drop.value,
            "low": drop.low,
            "high": drop.high,
        }


def _nothing(rows: Scored, feature: Feature) -> Any:
    import pyarrow as pa

    return pa.nulls(len(rows.labels), pa.string() if feature.kind == CATEGORY else pa.float64())


def _noisy(column: Any, feature: Feature, entry: FeatureReference, noise: float, draw: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    from core.measures.reading import floats

    if feature.kind != CATEGORY:
        return pa.array(floats(column) + draw.normal(0, noise * quartile_range(entry), len(column)))
    places = np.arange(len(column))
    swapped = draw.uniform(size=len(column)) < noise
    places[swapped] = draw.integers(0, len(column), int(swapped.sum()))
    return column.combine_chunks().take(pa.array(places))


def _outside(rows: Scored, feature: Feature, entry: FeatureReference) -> Any:
    import pyarrow as pa

    if feature.kind == CATEGORY:
        return pa.array([STRANGER] * len(rows.labels))
    width = entry.edges[-1] - entry.edges[0]
    return pa.array([entry.edges[-1] + width] * len(rows.labels), pa.float64())


def quartile_range(entry: FeatureReference) -> float:
    """The reference's interquartile range to within a bin; the whole range where one value fills both quartiles."""
    import numpy as np

    counts = np.array(entry.counts[FIRST:], float)
    share = np.cumsum(counts) / max(1.0, counts.sum())
    low, high = (entry.edges[int(np.searchsorted(share, at))] for at in (0.25, 0.75))
    return high - low if high > low else entry.edges[-1] - entry.edges[0]


def shifted(rows: Scored, least: int) -> list[dict[str, Any]]:
    """The three stretches of time whose inputs differ most from the training reference, with the first measure on each.

    The rows in order of time are cut into at most twelve equal stretches of `least` rows or more; the difference is
    the mean PSI of the inputs. Of two classes, stretches of one alone are left out.
    """
    import numpy as np

    order = np.argsort(rows.times, kind="stable")
    count = min(STRETCHES, len(order) // max(1, least))
    parts = np.array_split(order, count) if count else []
    headline = Headline(rows.artefact.task)
    found = [_stretch(rows, headline, np.sort(part)) for part in parts if headline.measurable(rows.labels[part])]
    return sorted(found, key=lambda one: -one["psi"])[:SHOWN]


def _stretch(rows: Scored, headline: Headline, places: Any) -> dict[str, Any]:
    value, parts = headline.of(rows.labels[places], rows.scores[places])
    found = headline.around(value, variance(parts))
    table, features = rows.table.take(places), rows.artefact.features
    return {
        "from": iso(int(rows.times[places].min())),
        "to": iso(int(rows.times[places].max())),
        "n": len(places),
        "psi": sum(_difference(rows, table, feature) for feature in features) / len(features),
        **headline.told(found),
    }


def _difference(rows: Scored, table: Any, feature: Feature) -> float:
    entry = rows.artefact.reference.features[feature.name]
    left, right = (
        cells(entry.kind, each, entry.bins.size)
        for each in (entry.counts, entry.bins.count(table.column(feature.name)))
    )
    return psi([left.missing, *left.all], [right.missing, *right.all])
