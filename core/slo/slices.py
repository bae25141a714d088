"""Judge a quality objective hour by hour, from the labels that had come in by the hour's end."""

from __future__ import annotations

from core.desk import Desk
from core.slo import rows
from core.slo.rows import SLICE_US, Slice, Slo
from core.store import Store

# After a long stop the missing hours are made up for over several ticks.
AT_ONCE = 96


def write(desk: Desk, objectives: list[Slo]) -> int:
    """Write every finished slice that is missing, in one transaction where there are any; returns how many.

    A slice is judged once and stays: labels that come later belong to later slices, whose trailing windows hold them.
    """
    due = [(slo, found) for slo in objectives if slo.measure == "quality" and (found := _missing(desk, slo))]
    if not due:
        return 0
    judged = [(slo, [judge(desk.store, slo, start) for start in starts]) for slo, starts in due]
    with desk.write() as tx:
        for slo, hours in judged:
            rows.add_slices(tx, slo.id, hours)
    return sum(len(hours) for _, hours in judged)


def _missing(desk: Desk, slo: Slo) -> list[int]:
    row = desk.store.one(rows.LAST_SLICE, (slo.id,))
    last = row["last"] if row else None
    first = slo.created_us - slo.created_us % SLICE_US if last is None else int(last) + SLICE_US
    starts = range(first, desk.now_us() - SLICE_US + 1, SLICE_US)
    return list(starts[:AT_ONCE])


def judge(store: Store, slo: Slo, start_us: int) -> Slice:
    """One slice: the AUC, over the trailing window, of the version served at its end.

    Nothing is judged before `min_labels` labels have come in for what the version answered since it was last switched
    on. The window then reaches back over earlier times that the same version served, because a thin sample after a
    rollback would alarm by chance: on the flights year it did so in a third of the replays.
    """
    from core.monitor.quality import auc, score_counts

    end = start_us + SLICE_US
    served = rows.serving(store, slo.endpoint, slo.model, end - 1)
    if served is None:
        return Slice(start_us, None, None, 0)
    window = end - slo.trailing_us
    negative, positive = score_counts(store, slo.model, served.version, slo.endpoint, window, end)
    value, n = auc(negative, positive), sum(negative) + sum(positive)
    if served.since_us > window:
        fresh = score_counts(store, slo.model, served.version, slo.endpoint, served.since_us, end)
        n = sum(map(sum, fresh))
    if value is None or n < slo.min_labels or slo.at_least is None:
        return Slice(start_us, None, value, n)
    return Slice(start_us, value >= slo.at_least, value, n)
