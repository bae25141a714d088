"""What installed packages offer under an entry-point group: adapters, trackers, engines."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from core.errors import NotFound


@lru_cache(maxsize=64)
def installed(group: str, name: str, what: str) -> Any:
    """The object that a package offers as `name` in a group; `what` is the word for one in errors.

    Raises NotFound naming those that are installed.
    """
    from importlib.metadata import entry_points

    found = {point.name: point for point in entry_points(group=group)}
    if name not in found:
        raise NotFound(f"there is no {what} {name!r}", f"installed: {', '.join(sorted(found)) or 'none'}")
    return found[name].load()
