"""What a process runs on, and whether that of every worker is what the client has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import RemoteRefused

# Where two of these differ, the same rows may give other numbers, or a pickle may not be read.
PACKAGES = ("dask", "distributed", "lightgbm", "numpy", "pandas", "pyarrow")


def identity() -> dict[str, str]:
    """The versions that matter here, and the hash of Tocsin's code that works on rows."""
    import platform
    from importlib.metadata import version

    from core.training.origin import code_hash

    packages = {name: version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **packages, "tocsin's code": code_hash()[:12]}


def require_same(mine: Mapping[str, str], workers: Mapping[str, Any]) -> None:
    """Raises RemoteRefused naming what differs, and on how many workers; a worker's answer may be what it raised."""
    failed = {name: found for name, found in workers.items() if not isinstance(found, Mapping)}
    if failed:
        name, error = next(iter(sorted(failed.items())))
        raise RemoteRefused(
            f"{len(failed)} of {len(workers)} workers cannot load tocsin: {name}: {type(error).__name__}: {error}",
            "install the same tocsin with its dask extra where the workers run",
        )
    differs = [text for what in mine if (text := _difference(what, mine[what], workers))]
    if differs:
        raise RemoteRefused(
            f"the workers run on something else than this process: {'; '.join(differs)}",
            "install the same versions on both sides: results would not be the same otherwise",
        )


def _difference(what: str, here: str, workers: Mapping[str, Mapping[str, str]]) -> str:
    others = sorted({found.get(what, "absent") for found in workers.values()} - {here})
    return f"{what} is {here} here, {' and '.join(others)} there" if others else ""
