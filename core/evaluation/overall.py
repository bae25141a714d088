"""What moves the scores of many rows: the mean size of every term's contributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.evaluation.rows import Scored
from core.evaluation.shapley import Term, shapley, terms
from core.features.columns import Feature
from core.measures.values import CATEGORY

MOST_ROWS = 5000
SEED = 1


def explanations(rows: Scored, threads: int) -> dict[str, Any]:
    """`global`: what moves the scores of these rows, each term's share of the mean absolute contribution, largest
    first. Of several classes the contributions to all of them count, and `classes` has the same for each.

    At most 5,000 rows are explained, drawn with a fixed seed. But for several classes `direction` is the rank
    correlation of a number with its contribution (None where either does not vary), and a category names the levels
    that push most `up` and `down`; a term of several inputs has neither.
    """
    import numpy as np

    table, artefact = rows.table, rows.artefact
    if table.num_rows > MOST_ROWS:
        drawn = np.random.default_rng(SEED).choice(table.num_rows, MOST_ROWS, replace=False)
        table = table.take(np.sort(drawn))
    parts, _ = shapley(artefact, table, threads)
    known = terms(artefact.features, artefact.view)
    if artefact.classes:
        sizes = np.abs(parts).mean(axis=0)
        each = [
            {"class": name, "global": _shares(known, size)} for name, size in zip(artefact.classes, sizes, strict=True)
        ]
        return {"global": _shares(known, sizes.sum(axis=0)), "classes": each}
    features = {feature.name: feature for feature in artefact.features}
    told = [_direction(features, term, table, part) for term, part in zip(known, parts.T, strict=True)]
    return {"global": _shares(known, np.abs(parts).mean(axis=0), told)}


def _shares(known: Sequence[Term], sizes: Any, told: Sequence[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    total = float(sizes.sum()) or 1.0
    found = [
        {"feature": term.name, "share": float(size) / total, "mean": float(size), **(told[place] if told else {})}
        for place, (term, size) in enumerate(zip(known, sizes, strict=True))
    ]
    return sorted(found, key=lambda one: -float(one["share"]))


def _direction(features: dict[str, Feature], term: Term, table: Any, part: Any) -> dict[str, Any]:
    if term.inputs != (term.name,):
        return {}
    if features[term.name].kind == CATEGORY:
        return _levels(table.column(term.name), part)
    import numpy as np

    from core.measures.evaluate import midranks
    from core.measures.reading import floats

    values = floats(table.column(term.name))
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
