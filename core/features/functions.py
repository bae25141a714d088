"""Plugin functions: installed Python callables that a view's columns name, each known by the hash of its source."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.errors import BadInput, NotFound

GROUP = "tocsin.features"

Value = float | str | None


@dataclass(frozen=True)
class Function:
    """An installed function: its entry point's name, the callable, and the SHA-256 of the module it is written in.

    The whole module is hashed, so that a change of a constant or of a helper beside the function is seen as well.
    """

    name: str
    call: Callable[..., Value]
    sha256: str


def installed(name: str, sha256: str) -> Function:
    """The installed function whose source has this hash. Raises BadInput where another one is installed, or none."""
    try:
        found = function(name)
    except NotFound as error:
        raise BadInput(error.message, error.hint) from error
    if found.sha256 != sha256:
        raise BadInput(
            f"the installed feature function {name!r} has the source {found.sha256[:12]}, not {sha256[:12]}",
            "install the plugin's version that it was trained with, or save the view and train again",
        )
    return found


@lru_cache(maxsize=256)
def function(name: str) -> Function:
    """The installed function behind an entry point's name.

    Raises NotFound naming those installed, BadInput for one that does not load or whose source cannot be read.
    """
    from importlib.metadata import entry_points

    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        there = ", ".join(sorted(found)) or "none"
        raise NotFound(f"there is no feature function {name!r}", f"installed in group {GROUP}: {there}")
    try:
        call: Any = found[name].load()
        source = inspect.getsource(inspect.getmodule(call) or call)
    except Exception as error:
        raise BadInput(
            f"the feature function {name!r} cannot be loaded: {type(error).__name__}: {error}",
            f"install the package of {found[name].value} again",
        ) from error
    return Function(name, call, hashlib.sha256(source.encode()).hexdigest())
