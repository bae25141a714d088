"""How good predicted numbers are: RMSE, MAE and R2, each with its interval."""

from __future__ import annotations

from typing import Any

from core.measures.intervals import NOTHING, Blocks, bootstrap


def evaluate_numbers(truth: Any, predicted: Any, days: Any | None = None) -> dict[str, Any]:
    """Evaluate predicted numbers against true ones (NumPy vectors of one length, not empty), in the label's unit.

    R2 is one less the squared error over that of the mean of these rows; None where the truth is constant. Intervals
    are bootstrapped by day (see `core.measures.intervals`).
    """
    import numpy as np

    error, centred = predicted - truth, truth - truth.mean()
    blocks = Blocks.of_days(days, len(truth))
    sums = blocks.sums(np.ones(len(truth)), error**2, np.abs(error), centred, centred**2)
    found: dict[str, Any] = {
        "n": len(truth),
        "label_mean": float(truth.mean()),
        "label_std": float(truth.std()),
    }
    for name, one in bootstrap(lambda times: _measures(times @ sums), blocks).items():
        known = one if one.low is not None else NOTHING
        found |= {name: known.value, f"{name}_low": known.low, f"{name}_high": known.high}
    return found


def _measures(sums: Any) -> dict[str, Any]:
    return {"rmse": _rmse(sums), "mae": _mae(sums), "r2": _r2(sums)}


def _rmse(sums: Any) -> Any:
    import numpy as np

    return np.sqrt(sums[:, 1] / sums[:, 0])


def _mae(sums: Any) -> Any:
    return sums[:, 2] / sums[:, 0]


def _r2(sums: Any) -> Any:
    import numpy as np

    spread = sums[:, 4] - sums[:, 3] ** 2 / sums[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 1e-12 * np.maximum(sums[:, 4], 1e-300), 1 - sums[:, 1] / spread, np.nan)
