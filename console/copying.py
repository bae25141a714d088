"""Copy to the clipboard of the terminal in front of the person (OSC 52), and to a file where there is none."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

from core.desk import Desk
from core.home import home_error

if TYPE_CHECKING:
    from textual.app import App


def sequence(text: str, *, tmux: bool) -> str:
    """The control sequence that sets the clipboard; tmux passes it on only when it is wrapped."""
    osc = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"
    return "\x1bPtmux;" + osc.replace("\x1b", "\x1b\x1b") + "\x1b\\" if tmux else osc


def copy(app: App[None], desk: Desk, text: str) -> str:
    """Copy, and say where to; terminals do not answer whether they took it, so the file is always written."""
    path = desk.home.path / "copied.txt"
    try:
        path.write_text(text + "\n")
    except OSError as error:
        raise home_error(desk.home.path, error) from error
    if app._driver is not None:
        app._driver.write(sequence(text, tmux="TMUX" in os.environ))
    return f"copied ({len(text.splitlines())} lines), also in {path}"
