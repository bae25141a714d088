"""How good predicted numbers are: RMSE, MAE and R2, each with its interval."""

from __future__ import annotations

from typing import Any

from core.measures.blocks import blocks_of, interval, sums_by_block


def evaluate_numbers(truth: Any, predicted: Any, days: Any | None = None) -> dict[str, Any]:
    """Evaluate predicted numbers against true ones (NumPy vectors of one length, not empty), in the label's unit.

    R2 is one less the squared error over that of the mean of these rows; None where the truth is constant. Intervals
    are bootstrapped by day (see `core.measures.blocks`).
    """
    import numpy as np

    error, centred = predicted - truth, truth - truth.mean()
    values = np.column_stack([np.ones(len(truth)), error**2, np.abs(error), centred, centred**2])
    sums = sums_by_block(blocks_of(days, len(truth)), values)
    found: dict[str, Any] = {
        "n": len(truth),
        "label_mean": float(truth.mean()),
        "label_std": float(truth.std()),
    }
    for name, measure in (("rmse", _rmse), ("mae", _mae), ("r2", _r2)):
        value = float(measure(sums.sum(axis=0, keepdims=True))[0])
        low, high = interval(sums, measure)
        known = np.isfinite([value, low, high]).all()
        found |= (
            {name: value, f"{name}_low": low, f"{name}_high": high}
            if known
            else dict.fromkeys((name, f"{name}_low", f"{name}_high"))
        )
    return found


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
