"""The screens from data to gate: data sets, versions, a training while it runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.app import TocsinApp
from console.screens.danger import Danger
from core.clock import DAY, MINUTE, SharedClock, SimClock
from core.datasets import ingest, rows
from core.desk import Desk
from core.errors import CheckFailed
from core.gates.ask import ask_and_keep
from core.gates.declared import declare, of_plain
from core.registry import approval, waivers
from core.work import points
from tests.console.test_screens import drive, settle
from tests.gates import scene

SIZES = [(60, 20), (80, 24), (120, 40)]
REGIONS = ("north", "south", "north", "west", "north")


def write(path: Path, *, many: int = 600, times: float = 1, region: str = "") -> Path:
    lines = ["when,amount,items,region,vip,late"]
    for at in range(many):
        amount = "" if at % 31 == 0 else f"{times * (5 + (at * at) % 97 / 2)}"
        lines.append(
            f"2013-04-{1 + at % 14:02d}T{at % 24:02d}:00:00Z,{amount},{1 + at * 7 % 6},"
            f"{region or REGIONS[at % 5]},{'true' if at % 4 == 0 else 'false'},{int(at % 3 == 0)}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def orders(desk: Desk, clock: SimClock, tmp_path: Path) -> Desk:
    """Two snapshots of orders, the second with other amounts, and a refused file; the console's child sees our time."""
    first = write(tmp_path / "monday.csv")
    ingest.add(desk, first, dataset="orders", time_column="when", label="late")
    clock.advance(DAY)
    ingest.add(desk, write(tmp_path / "tuesday.csv", times=1.8), dataset="orders")
    with pytest.raises(CheckFailed):
        ingest.add(desk, write(tmp_path / "wednesday.csv", region="nowhere"), dataset="orders")
    SharedClock.create(desk.home.clock_path, clock.now_us())
    return desk


@pytest.fixture
def gated(desk: Desk, clock: SimClock) -> Desk:
    """A model m with two versions; the second did not pass, and one of its rules is waived."""
    SharedClock.create(desk.home.clock_path, clock.now_us())
    scene.version(desk)
    scene.version(desk, auc=0.66, auc_low=0.64, auc_high=0.68)
    plain = [
        {"kind": "metric", "name": "auc", "metric": "auc", "at_least": 0.69},
        {"kind": "metric", "name": "brier", "metric": "brier", "at_most": 0.2},
        {"kind": "metric", "name": "ece", "metric": "ece", "at_most": 0.05},
    ]
    declare(desk, "m", of_plain({"model": "m", "rule": plain}))
    waivers.waive(scene.by(desk, "ben"), "m", 2, "ece", reason="measured next week", until_us=clock.now_us() + 7 * DAY)
    ask_and_keep(desk, "m", 2)
    return desk


@pytest.fixture
def training(night: Desk, clock: SimClock) -> Desk:
    """Job 2 of the night trains: forty rounds of its loss are known, and it is 40 % through."""
    with night.write() as tx:
        points.add(tx, 2, [(at, "holdout.held", 0.52 + 0.17 / at) for at in range(1, 41)])
        points.add(tx, 2, [(at, "holdout.fit", 0.50 + 0.19 / at) for at in range(1, 41)])
    clock.advance(9 * MINUTE)
    return night


async def press(app: TocsinApp, pilot: Any, *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
        await settle(app, pilot)


async def sure(app: TocsinApp, pilot: Any) -> None:
    modal = app.screen
    assert isinstance(modal, Danger)
    opened = modal.opened
    modal.now = lambda: opened + 1
    await press(app, pilot, "y")


def shown(
    desk: Desk, frame_of: Callable[[Any], str], screen: str, target: str, *keys: str, size: tuple[int, int] = (80, 24)
) -> str:
    frames: list[str] = []

    async def script(app: TocsinApp, pilot: Any) -> None:
        await settle(app, pilot)
        await press(app, pilot, *keys)
        frames.append(frame_of(app))

    drive(desk, script, size=size, screen=screen, target=target)
    return frames[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "screen", "target", "keys"),
    [
        ("orders-list", "datasets", "", ()),
        ("orders-snapshots", "dataset", "orders", ()),
        ("orders-number", "dataset", "orders", ("tab", "j")),
        ("orders-levels", "dataset", "orders/1", ("j", "j", "j")),
        ("orders-contract", "dataset", "orders", ("tab", "tab", "j")),
        ("orders-findings", "dataset", "orders", ("tab", "tab", "tab")),
        ("orders-quarantine", "dataset", "orders", ("shift+tab",)),
        ("orders-diff", "dataset", "orders", ("space", "space", "d")),
    ],
)
def test_each_section_of_a_data_set_looks_as_it_did(
    orders: Desk, frame_of: Any, matches_snapshot: Any, name: str, screen: str, target: str, keys: Any, size: Any
) -> None:
    matches_snapshot(f"{name}-{size[0]}x{size[1]}", shown(orders, frame_of, screen, target, *keys, size=size))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "screen", "target", "keys"),
    [
        ("m-versions", "model", "m", ("tab",)),
        ("m-gates", "model", "m", ("tab", "enter")),
        ("m-lineage", "version", "m 2", ("tab", "tab")),
        ("m-compare", "model", "m", ("tab", "space", "space", "d")),
    ],
)
def test_each_section_of_a_model_looks_as_it_did(
    gated: Desk, frame_of: Any, matches_snapshot: Any, name: str, screen: str, target: str, keys: Any, size: Any
) -> None:
    frame = shown(gated, frame_of, screen, target, *keys, size=size)
    matches_snapshot(f"{name}-{size[0]}x{size[1]}", frame)


@pytest.mark.parametrize("size", SIZES)
def test_a_training_shows_its_loss_while_it_runs(
    training: Desk, frame_of: Any, matches_snapshot: Any, size: tuple[int, int]
) -> None:
    frame = shown(training, frame_of, "job", "2", size=size)
    assert "left" in frame
    matches_snapshot(f"training-{size[0]}x{size[1]}", frame)


def test_a_search_shows_its_trials(training: Desk, frame_of: Any) -> None:
    spec = {"model": "m", "dataset": "flights", "snapshot": "flights/2", "metric": "auc", "more": True, "trials": 9}
    with training.write() as tx:
        tx.execute("UPDATE run SET kind = 'search' WHERE id = 2")
        tx.execute("INSERT INTO search(run, spec, created_us) VALUES (2, ?, 0)", (json.dumps({**spec, "space": {}}),))
        for number, state, value in ((0, "complete", 0.51), (1, "pruned", 0.6), (2, "failed", None)):
            tx.execute(
                "INSERT INTO search_trial VALUES (2, ?, ?, ?, ?, '{}', ?, 900, 1000)",
                (number, json.dumps({"num_leaves": 31 + number}), state, value, "boom" if value is None else None),
            )
    frame = shown(training, frame_of, "job", "2", size=(120, 40))
    assert "3 so far, 1 complete" in frame
    assert "num_leaves 31" in frame
    assert "boom" in frame


def test_a_card_is_read_in_a_section_of_its_version(gated: Desk, frame_of: Any) -> None:
    frame = shown(gated, frame_of, "version", "m 2", "tab", size=(120, 40))
    assert "m, version 2" in frame
    assert "Quality" in frame


def test_a_key_and_a_reason_release_a_refused_file(orders: Desk, frame_of: Any) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await press(app, pilot, "shift+tab", "r", *"new", "space", *"depot", "enter")
        assert all(word in frame_of(app) for word in ("RELEASE FROM QUARANTINE", "new depot", "wednesday.csv"))
        assert rows.quarantine(orders.store)
        await sure(app, pilot)

    drive(orders, script, screen="dataset", target="orders")
    waived = rows.snapshot(orders.store, "orders").waived
    assert waived is not None
    assert (waived["by"], waived["reason"]) == ("ana", "new depot")
    assert rows.quarantine(orders.store) == []


def test_a_refused_file_is_dropped_for_a_reason_and_never_without_one(orders: Desk) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await press(app, pilot, "shift+tab", "D", "enter")
        assert rows.quarantine(orders.store)
        await press(app, pilot, "D", *"junk", "enter")
        await sure(app, pilot)

    drive(orders, script, screen="dataset", target="orders")
    ended = rows.quarantined(orders.store, 1).ended
    assert (ended["how"], ended["by"], ended["reason"]) == ("dropped", "ana", "junk")


def test_two_marked_snapshots_are_compared_and_fewer_are_refused(orders: Desk, frame_of: Any) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await press(app, pilot, "d")
        assert any("1 snapshots" in one.message or "0 snapshots" in one.message for one in app._notifications)
        await press(app, pilot, "space", "space", "d")
        assert "orders/1 → orders/2" in frame_of(app)
        assert "amount" in frame_of(app)
        await press(app, pilot, "q")
        assert "[snapshots]" in frame_of(app)

    drive(orders, script, screen="dataset", target="orders")


def test_who_trained_a_version_cannot_approve_it_and_somebody_else_can(gated: Desk, frame_of: Any) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await press(app, pilot, "v")
        assert all(word in frame_of(app) for word in ("APPROVE", "trained by", "ana"))
        await sure(app, pilot)

    first = drive(gated, script, screen="version", target="m 2")
    assert any("cannot approve it as well" in one.message for one in first._notifications)
    assert approval.approvals(gated.store, "m", 2) == []
    drive(replace(gated, actor="ben"), script, screen="version", target="m 2")
    assert [one.actor for one in approval.approvals(gated.store, "m", 2)] == ["ben"]


def test_a_job_is_cancelled_only_after_the_question(training: Desk, frame_of: Any) -> None:
    def asked() -> int:
        return int(training.store.read("SELECT cancel FROM run WHERE id = 2")[0]["cancel"])

    async def script(app: TocsinApp, pilot: Any) -> None:
        await press(app, pilot, "X", "n")
        assert asked() == 0
        await press(app, pilot, "X")
        await sure(app, pilot)
        assert asked() == 1
        assert "asked to stop" in frame_of(app)

    drive(training, script, screen="job", target="2")


@pytest.mark.parametrize(
    ("screen", "target", "said"),
    [
        ("dataset", "nowhere", "there is no data set"),
        ("dataset", "orders/99", "has no snapshot 99"),
        ("dataset", "orders/x", "names no snapshot"),
        ("version", "nowhere 1", "there is no model"),
        ("diff", "orders 1", "names no two snapshots"),
        ("compare", "m", "names no two versions"),
    ],
)
def test_what_is_not_there_is_an_error_with_a_next_step(
    orders: Desk, frame_of: Any, screen: str, target: str, said: str
) -> None:
    assert said in shown(orders, frame_of, screen, target)


def test_a_lost_blob_is_said_in_the_section_that_needs_it(orders: Desk, frame_of: Any) -> None:
    orders.home.blobs_path.rename(orders.home.path / "away")
    assert "●" in shown(orders, frame_of, "dataset", "orders", "tab", "tab", "tab")
    assert "region" in shown(orders, frame_of, "dataset", "orders", "tab")


def test_old_rows_are_called_stale_where_the_contract_says_how_old_they_may_be(
    orders: Desk, clock: SimClock, frame_of: Any
) -> None:
    kept = rows.contract(orders.store, "orders").contract
    with orders.write() as tx:
        rows.insert_contract(tx, "orders", replace(kept, freshness_us=2 * DAY), orders.now_us())
    clock.advance(30 * DAY)
    assert "stale" in shown(orders, frame_of, "datasets", "")
    assert "◐ stale" in shown(orders, frame_of, "dataset", "orders")


def test_the_palette_knows_versions_and_the_help_the_new_keys(gated: Desk, frame_of: Any) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await press(app, pilot, "colon", *"version m v2")
        assert "version m v2" in frame_of(app)
        await press(app, pilot, "escape", "question_mark", *"quarantine")
        assert "release a refused file" in frame_of(app)

    drive(gated, script)
