from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import HOUR, MINUTE, SimClock, iso, parse_time
from core.datasets import ingest
from core.desk import Desk
from core.errors import BadInput
from core.features import declared, saved
from core.features import job as jobs
from core.features.aggregate import values_at
from core.features.join import source_events
from core.features.lookups import lookups_of
from core.features.materialise import materialise, offline
from core.features.online import KEPT_US, from_wire, look_up, state_of, to_wire
from core.home import Home

Run = Callable[..., tuple[int, str, str]]
START = parse_time("2013-03-30")
HOWS = ("mean", "sum", "count", "max", "min", "last")
VIEW = 'name = "flight"\nstale_after = "2h"\n' + "".join(
    f"""[[aggregate]]
name = "{how}_3h"
from = "flights"
key = ["carrier"]
value = "delay"
how = "{how}"
over = "3h"
known = "landed"
"""
    for how in HOWS
)


def flights(hours: int, seed: int = 0) -> pa.Table:
    """A flight each quarter of an hour, which lands up to two hours later or never."""
    draw = np.random.default_rng(seed)
    rows = hours * 4
    at = START + np.arange(rows) * 15 * MINUTE
    landed = at + draw.integers(10, 120, rows) * MINUTE
    return pa.table(
        {
            "at": pa.array(at, pa.timestamp("us", "UTC")),
            "landed": pa.array(landed, pa.timestamp("us", "UTC"), mask=draw.random(rows) < 0.1),
            "carrier": draw.choice(["UA", "AA", "DL"], rows),
            "delay": draw.normal(0, 30, rows),
        }
    )


def add(desk: Desk, tmp_path: Path, table: pa.Table) -> None:
    path = tmp_path / f"{table.num_rows}.parquet"
    pq.write_table(table, path)
    ingest.add(desk, path, dataset="flights", time_column="at")


def save(desk: Desk, tmp_path: Path, text: str = VIEW) -> saved.SavedView:
    path = tmp_path / "view.toml"
    path.write_text(text)
    return saved.add(desk, declared.read(path))[0]


@pytest.fixture
def view(desk: Desk, clock: SimClock, tmp_path: Path) -> saved.SavedView:
    clock.set(START + 60 * HOUR)
    add(desk, tmp_path, flights(48))
    return save(desk, tmp_path)


def online(desk: Desk, view: saved.SavedView, carrier: Any, at_us: int) -> dict[str, float | None]:
    lookups = lookups_of(view)
    assert lookups is not None
    return look_up(state_of(desk.store, view.name, view.version), lookups, {"carrier": carrier}, at_us)


def at_instant(view: saved.SavedView, events: Any, carrier: str, at_us: int) -> dict[str, float | None]:
    """The whole-column form, asked for one row."""
    found = {}
    for one in view.view.aggregate:
        asked = [f'["{carrier}"]'], np.array([0]), np.array([at_us])
        value = float(values_at(events[one.name], one.how, one.over_us, *asked)[0])
        found[one.name] = None if value != value else value
    return found


def test_online_offline_and_training_agree_to_the_last_bit_at_every_instant(
    desk: Desk, clock: SimClock, view: saved.SavedView
) -> None:
    source, _ = source_events(desk, view.view, {})
    for step in range(0, 20):
        clock.set(START + (2 + step * 2) * HOUR + 7 * step)
        done = materialise(desk, "flight")
        to_us = done.parts[0].to_us
        parts = {one.name: offline(desk, view.name, view.version, one.name) for one in view.view.aggregate}
        for at_us in (to_us, to_us - 1, to_us - KEPT_US + 1, to_us - 13 * MINUTE):
            for carrier in ("UA", "AA", "never"):
                wanted = at_instant(view, source, carrier, at_us)
                assert online(desk, view, carrier, at_us) == wanted == at_instant(view, parts, carrier, at_us)
        # What was asked later is what was known when it was last materialised.
        assert online(desk, view, "UA", to_us + HOUR) == at_instant(view, source, "UA", to_us)


def test_what_is_stale_too_far_back_or_without_a_key_is_missing(
    desk: Desk, clock: SimClock, view: saved.SavedView
) -> None:
    to_us = materialise(desk, "flight", START + 20 * HOUR).parts[0].to_us
    nothing = dict.fromkeys((one.name for one in view.view.aggregate), None)
    assert online(desk, view, "UA", to_us + 2 * HOUR) != nothing
    assert online(desk, view, "UA", to_us + 2 * HOUR + 1) == nothing
    assert online(desk, view, "UA", to_us - KEPT_US - 1) == nothing
    assert online(desk, view, None, to_us) == nothing
    assert online(desk, view, "never", to_us) == {**nothing, "count_3h": 0.0}


def test_only_what_is_new_is_taken_and_again_takes_nothing(
    desk: Desk, clock: SimClock, view: saved.SavedView, tmp_path: Path
) -> None:
    first = materialise(desk, "flight", START + 20 * HOUR)
    assert materialise(desk, "flight", START + 20 * HOUR).parts == ()
    assert materialise(desk, "flight", START + 10 * HOUR).parts == ()
    second = materialise(desk, "flight")
    assert second.parts[0].from_us == first.parts[0].to_us
    whole, _ = source_events(desk, view.view, {})
    kept = offline(desk, "flight", 1, "mean_3h")
    assert sum(part.rows for part in (first.parts[0], second.parts[0])) == len(kept) == len(whole["mean_3h"])
    kinds = [row["kind"] for row in desk.store.read("SELECT kind FROM event")]
    assert kinds.count("feature.materialised") == 2
    with pytest.raises(BadInput):
        materialise(desk, "flight", desk.now_us() + 1)


def test_it_never_runs_ahead_of_its_source_and_counts_what_came_too_late(
    desk: Desk, clock: SimClock, tmp_path: Path
) -> None:
    table = flights(48)
    early = table.slice(0, 96)
    add(desk, tmp_path, early.take(pa.array([i for i in range(96) if i != 40])))
    save(desk, tmp_path)
    clock.set(START + 40 * HOUR)
    newest = max(at for at in early.column("landed").cast(pa.int64()).to_pylist() if at is not None)
    assert materialise(desk, "flight").parts[0].to_us == newest
    add(desk, tmp_path, table)
    known = table.column("landed").cast(pa.int64()).to_pylist()
    part = materialise(desk, "flight").parts[0]
    late = [at for row, at in enumerate(known) if at is not None and at <= newest and (row == 40 or row >= 96)]
    assert part.late == len(late) > 0
    assert part.rows == sum(at is not None and newest < at <= part.to_us for at in known)
    clock.set(START + 41 * HOUR)
    assert materialise(desk, "flight").parts[0].late == 0


@settings(max_examples=8)
@given(st.lists(st.integers(1, 47 * 60), min_size=1, max_size=6))
def test_however_it_is_cut_into_parts_the_store_is_the_same(tmp_path_factory: Any, cuts: list[int]) -> None:
    folder = tmp_path_factory.mktemp("cut")
    desk = Desk.open(Home(folder / "home").prepare(), actor="ana", clock=SimClock(START + 60 * HOUR))
    add(desk, folder, flights(48))
    view = save(desk, folder)
    for minutes in sorted(cuts):
        materialise(desk, "flight", START + minutes * MINUTE)
    materialise(desk, "flight")
    whole, _ = source_events(desk, view.view, {})
    kept = offline(desk, "flight", 1, "last_3h")
    assert sorted(zip(kept.known_us.tolist(), kept.values.tolist(), strict=True)) == sorted(
        zip(
            *(part.tolist() for part in (whole["last_3h"].known_us, whole["last_3h"].values)),
            strict=True,
        )
    )
    other = Desk.open(Home(folder / "other").prepare(), actor="ana", clock=SimClock(START + 60 * HOUR))
    add(other, folder, flights(48))
    save(other, folder)
    materialise(other, "flight")
    state = state_of(desk.store, "flight", 1)
    assert to_wire(state) == to_wire(state_of(other.store, "flight", 1))
    assert from_wire(json.loads(json.dumps(to_wire(state)))) == state
    desk.store.close()
    other.store.close()


@pytest.mark.parametrize("point", ["blobs.written", "blobs.named", "store.committing", "store.committed"])
def test_killed_at_any_point_there_is_a_whole_part_or_none(
    desk: Desk, view: saved.SavedView, tocsin: Run, point: str
) -> None:
    tocsin("feature", "list")
    argv = [sys.executable, "-m", "console.cli.main", "--home", str(desk.home.path), "feature", "materialise", "flight"]
    environment = {**os.environ, "TOCSIN_CRASH_AT": f"{point}:kill", "PYTHONPATH": os.getcwd()}
    ended = subprocess.run([*argv, "--yes"], env=environment, check=False, capture_output=True, text=True)
    assert ended.returncode == -9, ended.stderr
    taken = desk.store.read("SELECT count(*) AS n FROM materialisation")[0]["n"]
    assert taken == (len(HOWS) if point == "store.committed" else 0)
    assert bool(state_of(desk.store, "flight", 1)) == bool(taken)
    materialise(desk, "flight")
    whole, _ = source_events(desk, view.view, {})
    for how in HOWS:
        kept = offline(desk, "flight", 1, f"{how}_3h")
        assert len(kept) == len(whole[f"{how}_3h"]) > 0


def test_the_command_materialises_and_freshness_is_shown(
    desk: Desk, clock: SimClock, view: saved.SavedView, tocsin: Run
) -> None:
    clock.set(START + 30 * HOUR)
    assert "stale" in tocsin("feature", "list")[1]
    assert tocsin("feature", "materialise", "flight", "--dry-run")[1].startswith("would materialise flight@1")
    assert tocsin("feature", "materialise", "flight", "--yes")[1].startswith("flight@1:")
    assert tocsin("feature", "materialise", "flight", "--yes")[1] == "flight@1: nothing new is known\n"
    (shown,) = json.loads(tocsin("feature", "list", "--json")[1])
    assert shown["stale"] is False
    facts = json.loads(tocsin("feature", "show", "flight", "--json")[1])["freshness"]
    assert {one["aggregate"] for one in facts} == {f"{how}_3h" for how in HOWS}
    assert all(one["newest"] <= iso(START + 30 * HOUR) and not one["stale"] for one in facts)
    clock.advance(5 * HOUR)
    assert "stale" in tocsin("feature", "list")[1]
    assert tocsin("feature", "materialise", "nosuch", "--yes")[0] == 3
    assert tocsin("feature", "materialise", "flight", "--to", "2040-01-01", "--yes")[0] == 2


def test_a_job_materialises_so_that_a_schedule_can(desk: Desk, view: saved.SavedView, tocsin: Run) -> None:
    told = jobs.materialise(desk, {"view": "flight", "to": iso(START + 20 * HOUR)}, lambda *_: None)
    assert (told["view"], told["late"]) == ("flight@1", 0)
    assert told["rows"] > 0
    with pytest.raises(BadInput):
        jobs.materialise(desk, {}, lambda *_: None)
    assert tocsin("schedule", "add", "news", "materialise", "every 15m", "--arg", "view=flight", "--yes")[0] == 0
