"""The name an action is recorded under."""

from __future__ import annotations

import getpass
import os


def current_actor(chosen: str = "") -> str:
    """The settings' actor, else TOCSIN_ACTOR, else the operating system's user."""
    name = chosen or os.environ.get("TOCSIN_ACTOR", "")
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that no user has.
        return f"uid-{os.getuid()}"
