"""Feature functions installed for a test: a module and the dist-info that names its entry points."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from core.features.functions import function

SOURCE = """
from __future__ import annotations

EDGE = 600


def rush(minute: float | str | None, carrier: float | str | None) -> float | str | None:
    if minute is None or carrier is None:
        return None
    return f"{carrier}-late" if minute >= EDGE else "early"


def half(x):
    return None if x is None else x / 2


def broken(x):
    return 1 / 0
"""


def install(folder: Path, source: str = SOURCE) -> Path:
    """Put the functions `rush`, `half` and `broken` where entry points are found; again with another source."""
    folder.mkdir(exist_ok=True)
    (folder / "feature_plugin_of_a_test.py").write_text(source)
    info = folder / "feature_plugin_of_a_test-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: feature-plugin-of-a-test\nVersion: 1.0\n")
    points = "".join(f"{name} = feature_plugin_of_a_test:{name}\n" for name in ("rush", "half", "broken"))
    (info / "entry_points.txt").write_text(f"[tocsin.features]\n{points}")
    forget()
    return folder


def forget() -> None:
    """Let the next look-up load the functions anew, as a new process would."""
    import linecache

    sys.modules.pop("feature_plugin_of_a_test", None)
    linecache.clearcache()
    importlib.invalidate_caches()
    function.cache_clear()
