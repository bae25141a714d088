from __future__ import annotations

from typing import Any

import pytest

from console.app import TocsinApp
from console.screens.message import MessageModal
from core.clock import MINUTE, SimClock
from core.desk import Desk
from core.endpoints import deploy
from core.work import outbox
from tests.console.test_screens import drive, settle


def state(desk: Desk) -> tuple[str, bool]:
    one = outbox.message(desk.store, 1)
    return one.state, one.confirmed_us is not None


async def ask(app: TocsinApp, pilot: Any, key: str) -> MessageModal:
    await pilot.press(key)
    await pilot.pause()
    modal = app.screen
    assert isinstance(modal, MessageModal)
    opened = modal.opened
    modal.now = lambda: opened + 1
    return modal


@pytest.fixture
def waits(night: Desk, clock: SimClock) -> Desk:
    """A rollback that was asked for sixteen minutes ago and never sent."""
    deploy.rollback(night, "local", "flight-delay", reason="INC-1", incident=1)
    clock.advance(16 * MINUTE)
    return night


@pytest.mark.parametrize(("key", "after"), [("c", ("waiting", True)), ("x", ("waiting", True)), ("D", ("done", False))])
def test_a_change_that_asks_again_is_sent_or_dropped_in_two_keys(
    waits: Desk, frame_of: Any, key: str, after: tuple[str, bool]
) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        assert "asks again" in frame_of(app)
        await ask(app, pilot, key)
        shown = frame_of(app)
        assert all(word in shown for word in ("PROD", "local", "flight-delay v1", "effect", "Cancel"))
        await pilot.press("d")
        await pilot.pause()
        assert "Dry run" in frame_of(app)
        assert state(waits) == ("waiting", False)
        await pilot.press("y")
        await settle(app, pilot)
        assert state(waits) == after

    drive(waits, script, size=(120, 40), screen="outbox")


@pytest.mark.parametrize("answer", ["enter", "n", "escape", "c", "D", "x"])
def test_only_y_decides_about_a_message(waits: Desk, answer: str) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        for key in ("c", "D"):
            await ask(app, pilot, key)
            await pilot.press(answer)
            await settle(app, pilot)
            if isinstance(app.screen, MessageModal):
                await pilot.press("n")
                await settle(app, pilot)
        assert state(waits) == ("waiting", False)

    drive(waits, script, screen="outbox")


def test_a_message_settled_behind_the_question_is_left_alone(waits: Desk) -> None:
    async def script(app: TocsinApp, pilot: Any) -> None:
        await ask(app, pilot, "D")
        with waits.write() as tx:
            message = outbox.claim(tx, waits.now_us(), "local", "another")
            assert message is not None
            outbox.done(tx, waits.now_us(), message)
        await pilot.press("y")
        await settle(app, pilot)
        assert outbox.message(waits.store, 1).error is None

    drive(waits, script, screen="outbox")
