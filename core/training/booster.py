"""Load a model file's booster, and score tables with it."""

from __future__ import annotations

from typing import Any

from core.errors import BadInput
from core.features.view import apply
from core.measures.scores import top
from core.training.artefact import Artefact


def load_booster(artefact: Artefact) -> Any:
    """The LightGBM booster of a model file. Raises BadInput where LightGBM cannot read it."""
    import lightgbm

    try:
        return lightgbm.Booster(model_str=artefact.booster)
    except lightgbm.basic.LightGBMError as error:
        raise BadInput(f"damaged model file: {error}", "push it again, or train the version again") from error


def score_table(artefact: Artefact, table: Any, *, threads: int = 1) -> Any:
    """The score of each row of a pyarrow table of raw inputs, as NumPy floats: the probability of a positive label,
    the greatest probability of several classes, or the number predicted.

    Raises BadInput where the table lacks an input.
    """
    return top(predict_table(artefact, table, threads=threads))


def predict_table(artefact: Artefact, table: Any, *, threads: int = 1) -> Any:
    """As `score_table`, but for several classes all their probabilities: rows by classes."""
    matrix = apply(artefact.view, artefact.features, table)
    return load_booster(artefact).predict(matrix, num_threads=threads)
