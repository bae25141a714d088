"""Load a model file's booster, and score tables with it."""

from __future__ import annotations

from typing import Any

from core.errors import BadInput
from core.features.view import apply
from core.training.artefact import Artefact


def load_booster(artefact: Artefact) -> Any:
    """The LightGBM booster of a model file. Raises BadInput where LightGBM cannot read it."""
    import lightgbm

    try:
        return lightgbm.Booster(model_str=artefact.booster)
    except lightgbm.basic.LightGBMError as error:
        raise BadInput(f"damaged model file: {error}", "push it again, or train the version again") from error


def score_table(artefact: Artefact, table: Any, *, threads: int = 1, booster: Any = None) -> Any:
    """The probability of a positive label for each row of a pyarrow table of raw inputs, as NumPy floats.

    `booster` is the model file's, where it has been loaded already. Raises BadInput where the table lacks an input.
    """
    matrix = apply(artefact.view, artefact.features, table)
    return (booster or load_booster(artefact)).predict(matrix, num_threads=threads)
