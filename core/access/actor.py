"""The name an action is recorded under, and the key that proves it."""

from __future__ import annotations

import getpass
import os

# A process is given its key in the first of these, or a reference to it in the second.
KEY, KEY_REF = VARIABLES = ("TOCSIN_KEY", "TOCSIN_KEY_REF")


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


def presented() -> str:
    """The key that this process was given, `` for none. Raises as `secrets.resolve` for a reference without one."""
    if given := os.environ.get(KEY, "").strip():
        return given
    ref = os.environ.get(KEY_REF, "").strip()
    if not ref:
        return ""
    from core.access.secrets import resolve

    return resolve(ref)
