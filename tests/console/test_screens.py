from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from console.app import TocsinApp
from console.screens.rollback import RollbackModal
from console.widgets.table import Table
from core.clock import HOUR, SimClock
from core.desk import Desk
from core.errors import BadInput

Script = Callable[[TocsinApp, Any], Awaitable[None]]


def drive(
    desk: Desk, script: Script, *, size: tuple[int, int] = (80, 24), screen: str = "", target: str = ""
) -> TocsinApp:
    app = TocsinApp(desk, screen, target)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await script(app, pilot)

    asyncio.run(run())
    return app


async def settle(app: TocsinApp, pilot: Any) -> None:
    await app.workers.wait_for_complete()
    await pilot.pause()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize(
    "screen",
    ["now", "incident", "incidents", "models", "model", "jobs", "datasets", "dataset", "ledger", "outbox", "schedules"],
)
def test_each_screen_looks_as_it_did(
    night: Desk, frame_of, matches_snapshot, screen: str, size: tuple[int, int]
) -> None:  # type: ignore[no-untyped-def]
    target = {"incident": "1", "model": "flight-delay", "dataset": "flights"}.get(screen, "")

    async def script(app: TocsinApp, pilot: Any) -> None:
        matches_snapshot(f"{screen}-{size[0]}x{size[1]}", frame_of(app))

    drive(night, script, size=size, screen=screen, target=target)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
def test_a_quiet_home_shows_the_hand_over(quiet: Desk, frame_of, matches_snapshot, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def script(app: TocsinApp, pilot: Any) -> None:
        matches_snapshot(f"quiet-{size[0]}x{size[1]}", frame_of(app))

    drive(quiet, script, size=size)


@pytest.mark.parametrize("size", [(40, 10), (59, 24), (80, 19), (20, 5)])
def test_a_terminal_too_small_says_so_instead_of_a_broken_layout(night: Desk, frame_of, size: tuple[int, int]) -> None:  # type: ignore[no-untyped-def]
    async def script(app: TocsinApp, pilot: Any) -> None:
        shown = frame_of(app)
        assert "Terminal too small" in shown
        assert f"{size[0]}x{size[1]}" in shown
        assert "SUSPECT" not in shown
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "SUSPECT" in frame_of(app)

    drive(night, script, size=size)


def test_one_key_acknowledges_and_another_takes_it_back(night: Desk) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await pilot.press("a")
        assert night.store.read("SELECT acked_by FROM incident")[0]["acked_by"] == "ana"
        await settle(app, pilot)
        await pilot.press("z")
        assert night.store.read("SELECT acked_by FROM incident")[0]["acked_by"] is None

    drive(night, script)


def queued(desk: Desk) -> list[tuple[str, int, int]]:
    rows = desk.store.read("SELECT kind, version, incident FROM deployment WHERE state = 'queued'")
    return [(row["kind"], row["version"], row["incident"]) for row in rows]


async def open_modal(app: TocsinApp, pilot: Any, *, later: float = 1.0) -> RollbackModal:
    await pilot.press("R")
    await pilot.pause()
    modal = app.screen
    assert isinstance(modal, RollbackModal)
    opened = modal.opened
    modal.now = lambda: opened + later
    return modal


def test_a_rollback_takes_two_keys_and_names_the_incident(night: Desk, frame_of) -> None:  # type: ignore[no-untyped-def]
    async def script(app: TocsinApp, pilot: Any) -> None:
        await open_modal(app, pilot)
        shown = frame_of(app)
        assert all(word in shown for word in ("PROD", "flight-delay", "v2 (active)", "v1", "local", "dry run"))
        await pilot.press("y")
        await settle(app, pilot)
        assert queued(night) == [("rollback", 1, 1)]
        assert "queued" in frame_of(app)

    drive(night, script)


def test_keys_typed_before_the_question_could_be_read_are_dropped(night: Desk) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        modal = await open_modal(app, pilot, later=0.29)
        await pilot.press("y")
        assert app.screen is modal
        assert queued(night) == []

    drive(night, script)


@pytest.mark.parametrize("key", ["enter", "space", "n", "q", "h", "escape", "R", "t", "Y"])
def test_only_y_confirms_a_rollback(night: Desk, key: str) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await open_modal(app, pilot)
        await pilot.press(key)
        await settle(app, pilot)
        assert queued(night) == []

    drive(night, script)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
def test_the_confirmation_is_in_sight_at_every_size(
    night: Desk, frame_of, matches_snapshot, size: tuple[int, int]
) -> None:  # type: ignore[no-untyped-def]
    async def script(app: TocsinApp, pilot: Any) -> None:
        await open_modal(app, pilot)
        matches_snapshot(f"rollback-{size[0]}x{size[1]}", frame_of(app))
        await pilot.press("d")
        await pilot.pause()
        shown = frame_of(app)
        assert "y roll back   d dry run   n cancel" in shown
        assert "Cancel" in shown

    drive(night, script, size=size)


def test_a_dry_run_shows_the_steps_and_changes_nothing(night: Desk, frame_of) -> None:  # type: ignore[no-untyped-def]
    async def script(app: TocsinApp, pilot: Any) -> None:
        await open_modal(app, pilot)
        before = night.store.data_version()
        await pilot.press("d")
        await pilot.pause()
        assert "Dry run" in frame_of(app)
        assert queued(night) == []
        assert night.store.data_version() == before

    drive(night, script)


def test_a_version_changed_behind_the_modal_refuses_the_rollback(night: Desk, clock: SimClock) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await open_modal(app, pilot)
        with night.write() as tx:
            tx.execute(
                "INSERT INTO model_version SELECT model, 3, stage, artefact, snapshot_id, run_id, code, environment, "
                "parameters, metrics, created_us FROM model_version WHERE version = 2"
            )
            tx.execute(
                "INSERT INTO deployment(endpoint, model, version, previous, kind, state, requested_us, applied_us) "
                "VALUES ('local', 'flight-delay', 3, 2, 'deploy', 'applied', ?, ?)",
                (clock.now_us(), clock.now_us()),
            )
        await pilot.press("y")
        await settle(app, pilot)
        assert queued(night) == []

    drive(night, script)


def test_a_refresh_never_moves_an_action_to_another_incident(night: Desk, add_incident: Callable[..., None]) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await open_modal(app, pilot)
        add_incident(night, 2, model="churn", severity=1)
        app.sheet.reload()  # type: ignore[union-attr]
        await settle(app, pilot)
        await pilot.press("y")
        await settle(app, pilot)
        assert queued(night) == [("rollback", 1, 1)]

    drive(night, script)


def test_the_cursor_stays_on_its_row_while_rows_arrive(night: Desk, add_job: Callable[[Desk, int], None]) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await pilot.press("4", "j")
        table = app.screen.query_one(Table)
        chosen = table.cursor_id
        for number in range(50, 60):
            add_job(night, number)
        table.load()
        assert table.cursor_id == chosen
        assert table.current.id == chosen
        assert table.cursor == 11

    drive(night, script)


def test_two_hundred_incidents_are_acknowledged_in_three_keys(desk: Desk, add_incident: Callable[..., None]) -> None:
    for number in range(1, 201):
        add_incident(desk, number, model=f"m{number}")

    async def script(app: TocsinApp, pilot: Any) -> None:
        await pilot.press("2", "M", "A")
        await settle(app, pilot)
        assert desk.store.read("SELECT count(*) AS n FROM incident WHERE acked_by = 'ana'")[0]["n"] == 200

    drive(desk, script)


def test_a_hundred_thousand_rows_are_read_by_windows(many_jobs: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.briefing import jobs

    asked: list[int] = []
    real = jobs.window

    def counting(desk: Desk, offset: int, limit: int, match: str = "") -> Any:
        asked.append(limit)
        return real(desk, offset, limit, match)

    monkeypatch.setattr(jobs, "window", counting)

    async def script(app: TocsinApp, pilot: Any) -> None:
        table = app.screen.query_one(Table)
        assert table.total == 100_000
        await pilot.press("G")
        assert table.current.id == 1
        await pilot.press("g")
        assert table.current.id == 100_000
        assert sum(asked) < 2_000

    drive(many_jobs, script, screen="jobs")


def test_a_filter_narrows_and_escape_clears_it(night: Desk) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        table = app.screen.query_one(Table)
        await pilot.press("slash", *"failed", "enter")
        await pilot.pause()
        assert [table.row_at(at).state for at in range(table.total)] == ["failed"]
        await pilot.press("slash", "escape")
        await pilot.pause()
        assert table.total == 3
        assert app.screen is app.sheet
        assert app.sheet.NAME == "jobs"  # type: ignore[union-attr]

    drive(night, script, screen="jobs")


def test_letters_typed_into_a_note_are_no_commands(night: Desk) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await pilot.press("n", *"Ra", "space", "q", "enter")
        await settle(app, pilot)
        assert night.store.read("SELECT acked_by FROM incident")[0]["acked_by"] is None
        notes = night.store.read("SELECT data FROM event WHERE kind = 'incident.noted'")
        assert [row["data"] for row in notes] == ['{"text":"Ra q"}']

    drive(night, script)


def test_the_palette_goes_to_anything_by_a_few_letters(night: Desk) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await pilot.press("colon", *"fli", "enter")
        await settle(app, pilot)
        assert app.sheet.NAME in ("model", "dataset", "incident")  # type: ignore[union-attr]
        await pilot.press("colon", *"view jobs", "enter")
        await settle(app, pilot)
        assert app.sheet.NAME == "jobs"  # type: ignore[union-attr]

    drive(night, script)


def test_the_help_runs_the_entry_chosen(night: Desk) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await pilot.press("question_mark", *"acknowledge the inc", "enter")
        await settle(app, pilot)
        assert night.store.read("SELECT acked_by FROM incident")[0]["acked_by"] == "ana"

    drive(night, script)


def test_every_key_in_the_help_is_bound() -> None:
    from console.screens.palette import VERBS

    bound = {key.strip(): one.action for one in TocsinApp.BINDINGS for key in one.key.split(",")}  # type: ignore[union-attr]
    names = {":": "colon", "-": "minus", "[": "left_square_bracket", "]": "right_square_bracket"}
    for action, keys, _ in VERBS:
        for key in keys.split():
            assert bound[names.get(key, {"esc": "escape"}.get(key, key))] == action


def test_history_goes_back_and_forth_and_out(night: Desk) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        def name() -> str:
            return app.sheet.NAME  # type: ignore[union-attr]

        await pilot.press("3")
        await pilot.press("4")
        assert name() == "jobs"
        await pilot.press("left_square_bracket")
        assert name() == "models"
        await pilot.press("right_square_bracket")
        assert name() == "jobs"
        await pilot.press("q")
        assert name() == "models"
        await pilot.press("q")
        assert name() == "now"
        await pilot.press("q")

    app = drive(night, script)
    assert app.return_code == 0


def test_a_change_by_another_process_is_seen_at_the_next_poll(night: Desk, frame_of) -> None:  # type: ignore[no-untyped-def]
    async def script(app: TocsinApp, pilot: Any) -> None:
        other = Desk.open(night.home, actor="ben", clock=night.clock)
        from core.incidents import states

        states.ack(other, 1)
        app._poll()
        await settle(app, pilot)
        assert "ack ben" in frame_of(app)

    drive(night, script)


def test_a_paused_screen_does_not_move(night: Desk, frame_of) -> None:  # type: ignore[no-untyped-def]
    async def script(app: TocsinApp, pilot: Any) -> None:
        await pilot.press("p")
        from core.incidents import states

        states.ack(Desk.open(night.home, actor="ben", clock=night.clock), 1)
        app._poll()
        await settle(app, pilot)
        assert "UNACKED" in frame_of(app)
        assert "paused" in frame_of(app)
        await pilot.press("p")
        await settle(app, pilot)
        assert "ack ben" in frame_of(app)

    drive(night, script)


def test_what_does_not_exist_is_a_message_with_a_next_step(night: Desk, frame_of) -> None:  # type: ignore[no-untyped-def]
    async def script(app: TocsinApp, pilot: Any) -> None:
        assert "there is no incident 99" in frame_of(app)
        assert "tocsin inc list" in frame_of(app)

    drive(night, script, screen="incident", target="99")


def test_a_read_only_home_refuses_below_the_console(night: Desk, frame_of) -> None:  # type: ignore[no-untyped-def]
    night.home.settings_path.write_text("read_only = true\n")
    desk = Desk.open(night.home, actor="ana", clock=night.clock)

    async def script(app: TocsinApp, pilot: Any) -> None:
        assert " RO " in frame_of(app)
        await pilot.press("a")
        await pilot.pause()
        assert any("set to read-only" in one.message for one in app._notifications)
        assert desk.store.read("SELECT acked_by FROM incident")[0]["acked_by"] is None

    drive(desk, script)


def test_a_runbook_begins_in_two_keys_and_goes_on_where_it_stood(night: Desk, frame_of) -> None:  # type: ignore[no-untyped-def]
    async def script(app: TocsinApp, pilot: Any) -> None:
        await pilot.press("b")
        await settle(app, pilot)
        assert "step 1 of" in frame_of(app)
        assert "only looks" in frame_of(app)
        await pilot.press("r")
        await settle(app, pilot)
        await settle(app, pilot)
        assert "step 2 of" in frame_of(app)
        assert "ACTUAL" in frame_of(app)
        await pilot.press("q")
        await settle(app, pilot)
        assert "go on with runbook" in frame_of(app)
        await pilot.press("b")
        await settle(app, pilot)
        assert "step 2 of" in frame_of(app)
        assert "goes on where it stood" in frame_of(app)

    drive(night, script)


def test_ages_go_on_without_any_change(night: Desk, clock: SimClock, frame_of) -> None:  # type: ignore[no-untyped-def]
    async def script(app: TocsinApp, pilot: Any) -> None:
        clock.advance(2 * HOUR)
        app.sheet.tick()  # type: ignore[union-attr]
        await pilot.pause()
        assert "daemon DEAD 2h" in frame_of(app)
        assert "data stale 2h" in frame_of(app)

    drive(night, script)


def test_keys_can_be_chosen_by_the_action_s_id(night: Desk) -> None:
    (night.home.path / "keys.toml").write_text('ack = "f2"\n')

    async def script(app: TocsinApp, pilot: Any) -> None:
        await pilot.press("a")
        assert night.store.read("SELECT acked_by FROM incident")[0]["acked_by"] is None
        await pilot.press("f2")
        assert night.store.read("SELECT acked_by FROM incident")[0]["acked_by"] == "ana"

    drive(night, script)


@pytest.mark.parametrize("text", ['nope = "a"', "ack = 3", "ack = ", "\x00"])
def test_a_wrong_key_file_is_an_error_with_a_next_step(night: Desk, text: str) -> None:
    (night.home.path / "keys.toml").write_text(text)
    with pytest.raises(BadInput) as error:
        TocsinApp(night)
    assert error.value.hint


def test_a_new_page_rings_once(night: Desk, add_incident: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    rings: list[int] = []
    monkeypatch.setattr(TocsinApp, "bell", lambda app: rings.append(1))

    async def script(app: TocsinApp, pilot: Any) -> None:
        assert rings == []
        add_incident(night, 2, model="churn")
        for _ in range(3):
            app.sheet.reload()  # type: ignore[union-attr]
            await settle(app, pilot)
        assert rings == [1]

    drive(night, script)


def taken(desk: Desk) -> set[int]:
    return {row["id"] for row in desk.store.read("SELECT id FROM incident WHERE acked_us IS NOT NULL")}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_keys_and_refreshes_come_an_acknowledgement_hits_the_row_under_the_cursor(
    desk: Desk, add_incident: Callable[..., None], seed: int
) -> None:
    import random

    chance = random.Random(seed)
    for number in range(1, 40):
        add_incident(desk, number, model=f"m{number}")

    async def script(app: TocsinApp, pilot: Any) -> None:
        table = app.screen.query_one(Table)
        for step in range(25):
            await pilot.press(chance.choice(["j", "k", "g", "G", "pagedown", "pageup", "j", "j"]))
            chosen, before = table.cursor_id, taken(desk)
            add_incident(desk, 100 + step, model=f"n{step}")
            if chance.random() < 0.5:
                app.sheet.reload()  # type: ignore[union-attr]
            await pilot.press("a")
            assert taken(desk) == before | {chosen}
            await settle(app, pilot)

    drive(desk, script, screen="incidents")
