"""What MLflow's python_function calls in a directory of ours; with what it imports it is copied there and stands alone.

Within the directory the packages have another name (`plugins.tracking_mlflow.code`), so that two exports of different
versions of Tocsin can be loaded by one process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.measures.values import CATEGORY, as_number
from core.training.artefact import Artefact
from core.training.booster import load_booster, predict_table


class Scorer:
    """Scores raw inputs by the view that the model was trained with."""

    def __init__(self, artefact: Artefact) -> None:
        self._artefact, self._booster = artefact, load_booster(artefact)

    def predict(self, rows: Any, params: Any = None) -> Any:
        """The score of each row of a pandas data frame of raw inputs; a column that is not there is missing.

        For several classes a data frame with a column a class.
        """
        import pyarrow as pa

        columns = {}
        for feature in self._artefact.features:
            known = rows[feature.name].tolist() if feature.name in rows else [None] * len(rows)
            if feature.kind == CATEGORY:
                columns[feature.name] = pa.array([v if isinstance(v, str) else None for v in known], pa.string())
            else:
                columns[feature.name] = pa.array([as_number(value) for value in known], pa.float64())
        scores = predict_table(self._artefact, pa.table(columns), booster=self._booster)
        if not self._artefact.classes:
            return scores
        import pandas as pd

        return pd.DataFrame(scores, columns=[*self._artefact.classes])


def _load_pyfunc(path: str) -> Scorer:
    """The model of a directory's `tocsin` folder: the name and form are MLflow's."""
    return Scorer(Artefact.from_bytes((Path(path) / "model.json").read_bytes()))
