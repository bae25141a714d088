"""Open the console on a home, at a screen; give the terminal back however it ends."""

from __future__ import annotations

import os
import sys

from core.desk import Desk
from core.errors import BadInput, StoreUnusable
from core.home import Home


def start(home: str | None, screen: str = "", target: str = "") -> None:
    """Run the console until it is left. Raises BadInput where there is no terminal to run it in."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BadInput(
            "the console needs a terminal", "use `tocsin now`, `tocsin now --json` or `tocsin --help` without one"
        )
    desk = Desk.open(Home.find(home))
    from console.app import TocsinApp

    app = TocsinApp(desk, screen, target)
    app.run()
    if app.broken is not None:
        if os.environ.get("TOCSIN_DEBUG") == "1":
            raise app.broken
        raise StoreUnusable(
            f"the console stopped: {type(app.broken).__name__}: {app.broken}",
            "nothing was half done; TOCSIN_DEBUG=1 shows where, `tocsin now` works without it",
        )
    if app.return_code:
        sys.exit(app.return_code)
