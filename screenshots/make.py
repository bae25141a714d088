"""Make the pictures of the README from the running app: python screenshots/make.py

It plays the demonstration until the incident opens and shows the real screens on it. The pictures are SVG, as Textual
exports them.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path

from console.app import TocsinApp
from core.demo.conductor import Conductor
from core.demo.plan import Plan
from core.desk import Desk
from core.home import Home
from core.ledger.chain import Event

HERE = Path(__file__).parent
WIDE, SMALL = (120, 40), (80, 24)


class Reached(Exception):
    """The story has come to the event that was waited for."""


def main() -> None:
    """Write every picture."""

    def tell(event: Event) -> None:
        if event.kind == "incident.suspects":
            raise Reached

    with (
        tempfile.TemporaryDirectory() as folder,
        Conductor(Home(Path(folder) / "home"), Plan(speed=0), tell) as conductor,
    ):
        conductor.open()
        with contextlib.suppress(Reached):
            conductor.play()
        desk = Desk.open(conductor.home, actor="ana")
        asyncio.run(picture(desk, "now", WIDE))
        asyncio.run(picture(desk, "now", SMALL, "now-80x24"))
        asyncio.run(picture(desk, "now", WIDE, "rollback", keys=("R",)))
        asyncio.run(picture(desk, "incident", WIDE, target="1"))
        asyncio.run(picture(desk, "now", WIDE, "runbook", keys=("b",)))
        asyncio.run(picture(desk, "models", WIDE))
        asyncio.run(picture(desk, "jobs", WIDE))
        asyncio.run(picture(desk, "datasets", WIDE))


async def picture(
    desk: Desk, screen: str, size: tuple[int, int], name: str = "", *, target: str = "", keys: tuple[str, ...] = ()
) -> None:
    """One screen of the app as it stands, after some keys."""
    app = TocsinApp(desk, screen, target)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.5)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.5)
        (HERE / f"{name or screen}.svg").write_text(app.export_screenshot(title="tocsin"))


if __name__ == "__main__":
    main()
