"""How long it took: to detect, to acknowledge, to mitigate, to resolve; each with its median, p90 and n."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from core.incidents.rows import Incident

NAMES = {
    "ttd": "time to detect",
    "tta": "time to acknowledge",
    "ttm": "time to mitigate",
    "ttr": "time to resolve",
}


@dataclass(frozen=True)
class Spread:
    """Spans in microseconds: the median, the 90th percentile (nearest rank) and how many; None where there are none."""

    median_us: int | None
    p90_us: int | None
    n: int


def times(found: Incident) -> dict[str, int | None]:
    """TTD, TTM and TTR from the impact start, TTA from the notification, in microseconds; None for what is not yet."""
    told = found.detected_us if found.notified_us is None else found.notified_us
    return {
        "ttd": found.detected_us - found.impact_us,
        "tta": _since(told, found.acked_us),
        "ttm": _since(found.impact_us, found.mitigated_us),
        "ttr": _since(found.impact_us, found.resolved_us),
    }


def _since(start_us: int, end_us: int | None) -> int | None:
    return None if end_us is None else max(0, end_us - start_us)


def spreads(many: Iterable[Incident]) -> dict[str, Spread]:
    """The spread of each time over incidents, without those cancelled or merged."""
    measured = [times(one) for one in many if one.state not in ("cancelled", "merged")]
    return {name: spread([one[name] for one in measured]) for name in NAMES}


def spread(values: Sequence[int | None]) -> Spread:
    """Median and p90 of the values that are there."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return Spread(None, None, 0)
    return Spread(int(median(known)), known[math.ceil(0.9 * len(known)) - 1], len(known))
