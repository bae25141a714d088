"""The labelled rows of a snapshot, ready to fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.clock import DAY
from core.datasets.rows import Snapshot
from core.desk import Desk
from core.errors import BadInput
from core.features.columns import Feature, ViewColumn
from core.features.events import event_times
from core.features.join import joined, source_events
from core.features.learn import learn
from core.features.saved import SavedView, saved_view
from core.features.view import apply, default_view
from core.training.inputs import choose_features, viewed_features
from core.training.label import parse_label
from core.training.plan import Plan
from core.training.record import require_label
from core.training.split import TEMPORAL
from core.training.target import target_of


@dataclass(frozen=True)
class Material:
    """The labelled rows of a snapshot: raw table, booster matrix, labels, times and groups of one length.

    `labels` are numbers as `core.training.target` has them; `times` (microseconds) is None without a time column,
    `groups` (numbers from 0) without a grouped split. `allowed` are the columns the contract let be inputs; `dropped`
    counts the rows without a label or a time. `saved` is the declared view that was asked for, or
    None; `sources` are the numbers of the snapshots that its aggregates were computed from.
    """

    snapshot_id: int
    snapshot: str
    label: str
    task: str
    classes: tuple[str, ...]
    why: str
    features: tuple[Feature, ...]
    view: tuple[ViewColumn, ...]
    allowed: tuple[str, ...]
    time_column: str | None
    table: Any
    matrix: Any
    labels: Any
    times: Any | None
    groups: Any | None
    dropped: int
    saved: SavedView | None
    sources: dict[str, int]

    @property
    def days(self) -> Any | None:
        """The day number of each row; None without a time column."""
        return None if self.times is None else self.times // DAY


def gather(desk: Desk, plan: Plan) -> Material:
    """Load a snapshot's labelled rows and compute the booster's matrix.

    Raises NotFound for an unknown data set or snapshot, BadInput for data that cannot be trained on.
    """
    import numpy as np

    from core.datasets import load, rows

    snapshot = rows.snapshot(desk.store, plan.dataset, plan.snapshot)
    contract = rows.contract(desk.store, plan.dataset).contract
    table = load.load(desk, snapshot)
    label = parse_label(plan.label or contract.label or _no_label(), table.column_names)
    target = target_of(label, table, plan.task)
    require_label(desk.store, plan.model, label.text, target.task)
    time_column = plan.time if plan.time is not None else contract.time_column or snapshot.time_column
    times = _times(plan, table, time_column)
    usable = ~np.isnan(target.values) & (True if times is None else times >= 0)
    kept = table.filter(usable)
    groups = _groups(plan.group, kept)
    uses = {column.name: column.use for column in contract.columns}
    if plan.features is not None:
        uses = dict.fromkeys(plan.features, "feature")
    allowed = [name for name, use in uses.items() if use == "feature"]
    saved = saved_view(desk.store, plan.view) if plan.view else None
    sources: dict[str, int] = {}
    if saved is None:
        features = choose_features(allowed, kept, label.column, [*plan.exclude, *filter(None, [plan.group])])
        view = default_view(features, plan.cycles)
    else:
        kept, sources = _with_aggregates(desk, plan, saved, snapshot, kept, None if times is None else times[usable])
        features, kept = viewed_features(saved, uses, kept, label.column)
        view = learn(saved.pinned, features, kept)
    return Material(
        snapshot_id=snapshot.id,
        snapshot=_named(snapshot),
        label=label.text,
        task=target.task,
        classes=target.classes,
        why=target.why,
        features=features,
        view=view,
        allowed=_in_order(allowed, table.column_names),
        time_column=time_column,
        table=kept,
        matrix=apply(view, features, kept),
        labels=target.values[usable],
        times=None if times is None else times[usable],
        groups=groups,
        dropped=int((~usable).sum()),
        saved=saved,
        sources=sources,
    )


def _with_aggregates(
    desk: Desk, plan: Plan, saved: SavedView, snapshot: Snapshot, table: Any, times: Any | None
) -> tuple[Any, dict[str, int]]:
    """The table with a view's aggregates as they were known at each row's time, and the snapshots they come from."""
    if not saved.view.aggregate:
        return table, {}
    if times is None:
        raise BadInput(f"{saved.text} has aggregates, and the data have no time", "name the time column of the data")
    events, sources = source_events(desk, saved.view, {plan.dataset: snapshot.number, **plan.sources})
    return joined(saved.view, events, table, times), sources


def _named(snapshot: Snapshot) -> str:
    return f"{snapshot.dataset}/{snapshot.number}"


def _in_order(allowed: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in columns if name in set(allowed))


def _no_label() -> str:
    raise BadInput("the contract names no label", "say what to predict with --label")


def _times(plan: Plan, table: Any, column: str | None) -> Any | None:
    """Times where the data have any; only a split by time cannot do without."""
    if not column and plan.split != TEMPORAL:
        return None
    return event_times(table, column or None, plan.dataset)


def _groups(name: str, table: Any) -> Any | None:
    """The group of each row as a number from 0; rows without one are a group each, as nothing says they belong."""
    import numpy as np

    from core.measures.reading import encoded

    if not name:
        return None
    if name not in table.column_names:
        raise BadInput(f"there is no column {name!r} to group by", f"there are {', '.join(table.column_names)}")
    whole = encoded(table.column(name)).unify_dictionaries().combine_chunks()
    codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    missing = codes < 0
    codes[missing] = len(whole.dictionary) + np.arange(int(missing.sum()))
    return np.unique(codes, return_inverse=True)[1]
