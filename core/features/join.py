"""The point-in-time join: to each row of a table the aggregates of its view, as they were known at the row's time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.desk import Desk
from core.errors import BadInput
from core.features.aggregate import values_at
from core.features.declared import Aggregate, FeatureView
from core.features.events import Events, event_times, events_of, keyed
from core.features.lookups import Lookups
from core.features.saved import saved_view


def source_events(
    desk: Desk, view: FeatureView, snapshots: Mapping[str, int]
) -> tuple[dict[str, Events], dict[str, int]]:
    """The known values of every aggregate of a view, and the number of the snapshot that each source was read from.

    A source is read from the snapshot given for it, else from its latest. Raises NotFound for a data set or snapshot
    that is not there, BadInput naming the aggregate that does not fit its source.
    """
    from core.datasets import load, rows

    found: dict[str, Events] = {}
    read: dict[str, int] = {}
    for source in dict.fromkeys(one.source for one in view.aggregate):
        snapshot = rows.snapshot(desk.store, source, snapshots.get(source))
        table = load.load(desk, snapshot)
        times = event_times(
            table, rows.contract(desk.store, source).contract.time_column or snapshot.time_column, source
        )
        found |= {one.name: events_of(one, table, times) for one in view.aggregate if one.source == source}
        read[source] = snapshot.number
    return found, read


def complete(desk: Desk, lookups: Lookups | None, table: Any, times: Any, snapshots: Mapping[str, int]) -> Any:
    """A table of a model's other raw inputs with its aggregates joined, to be scored; as it is where there are none.

    Raises as `source_events` and `joined` do.
    """
    return joiner(desk, lookups, snapshots)(table, times)


def joiner(desk: Desk, lookups: Lookups | None, snapshots: Mapping[str, int]) -> Callable[[Any, Any], Any]:
    """`complete` for many tables one after the other: the sources are read once, and each row comes out the same
    whichever table it stands in.

    Raises as `source_events` does; what it returns raises as `joined` does.
    """
    if lookups is None:
        return lambda table, _: table
    view = saved_view(desk.store, lookups.text).view
    events, _ = source_events(desk, view, snapshots)
    return lambda table, times: joined(view, events, table, times)


def source_snapshots(desk: Desk, lookups: Lookups | None, snapshots: Mapping[str, int]) -> dict[str, int]:
    """The number of the snapshot that each source would be read from now: the one given for it, else its latest.

    Raises NotFound for a data set or snapshot that is not there.
    """
    from core.datasets import rows

    if lookups is None:
        return {}
    names = dict.fromkeys(one.source for one in saved_view(desk.store, lookups.text).view.aggregate)
    return {name: rows.snapshot(desk.store, name, snapshots.get(name)).number for name in names}


def joined(view: FeatureView, events: Mapping[str, Events], table: Any, times: Any) -> Any:
    """A pyarrow table with a column more for each aggregate, null where nothing was known at the row's time.

    `times` are the rows' own, in microseconds. Raises BadInput where the table lacks a key, holds one of another kind
    than the source, or has a column of an aggregate's name.
    """
    import pyarrow as pa

    for aggregate in view.aggregate:
        if aggregate.name in table.column_names:
            raise BadInput(f"aggregate {aggregate.name!r}: the data has a column of that name", "give it another")
        values = aggregated(aggregate, events[aggregate.name], table, times)
        table = table.append_column(aggregate.name, pa.array(values, pa.float64(), from_pandas=True))
    return table


def aggregated(aggregate: Aggregate, events: Events, table: Any, times: Any) -> Any:
    """One aggregate at each row's time, as NumPy floats. Raises BadInput where the table lacks a key."""
    for name in aggregate.key:
        if name not in table.column_names:
            raise BadInput(f"aggregate {aggregate.name!r}: the data has no column {name!r}", "its key must be an input")
    keys, codes = keyed(aggregate, table)
    return values_at(events, aggregate.how, aggregate.over_us, keys, codes, times)
