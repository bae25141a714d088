"""LightGBM's exact Shapley values, summed by what a score's terms are: raw inputs, and columns of several inputs.

Source: Lundberg et al., 2020 (TreeSHAP). A column made of several inputs has one value, which no exact rule divides
between them; it is a term of its own, written as the column with its inputs: `rush(hour, dow)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.features.columns import Feature, ViewColumn
from core.features.view import apply
from core.training.artefact import Artefact
from core.training.booster import load_booster


@dataclass(frozen=True)
class Term:
    """What contributes: `name` is how it is told, `inputs` are the raw inputs it is made of."""

    name: str
    inputs: tuple[str, ...]


def terms(features: Sequence[Feature], view: Sequence[ViewColumn]) -> list[Term]:
    """The terms of a view: its raw inputs in their order, then the columns of several inputs, or of none, in theirs.

    An input that stands in such columns alone is no term.
    """
    alone = {column.reads[0] for column in view if len(column.reads) == 1}
    single = [Term(feature.name, (feature.name,)) for feature in features if feature.name in alone]
    return single + [_group(column) for column in view if len(column.reads) != 1]


def _group(column: ViewColumn) -> Term:
    return Term(f"{column.name}({', '.join(column.reads)})", column.reads)


def shapley(artefact: Artefact, table: Any, threads: int = 1) -> tuple[Any, Any]:
    """Each row's contributions by term, and its base: in log-odds of two classes, in the raw score of each of several
    (rows by classes by terms, and rows by classes), in the label's unit of a number.

    Base and contributions add up to what the booster says of the row, before calibration and softmax.
    """
    import numpy as np

    matrix = apply(artefact.view, artefact.features, table)
    found = load_booster(artefact).predict(matrix, pred_contrib=True, num_threads=threads)
    classes = max(1, len(artefact.classes))
    by_column = found.reshape(len(matrix), classes, len(artefact.view) + 1)
    names = [term.name for term in terms(artefact.features, artefact.view)]
    by_term = np.zeros((len(matrix), classes, len(names)))
    for place, column in enumerate(artefact.view):
        name = column.reads[0] if len(column.reads) == 1 else _group(column).name
        by_term[:, :, names.index(name)] += by_column[:, :, place]
    base = by_column[:, :, -1]
    return (by_term, base) if artefact.classes else (by_term[:, 0], base[:, 0])
