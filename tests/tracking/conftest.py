from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.desk import Desk
from core.features import declared, saved
from core.registry import versions
from core.registry.versions import Version
from core.training.job import train
from tests.training.conftest import add as add

ARGS: dict[str, Any] = {"model": "flights", "dataset": "flights", "label": "delay>=8", "rounds": 5}
VIEW = """name = "flight"
[[column]]
name = "x"
expression = "x"
[[column]]
name = "pair"
expression = "join(carrier, if(x > 0, 'up', 'down'))"
[[column]]
name = "wave"
expression = "cycle_sin(minute, 1440) * clip(x, -1, 1)"
[[column]]
name = "carrier"
expression = "carrier"
"""


@pytest.fixture
def trained(desk: Desk, add: Callable[..., str]) -> Version:
    """A version with a cyclic encoding and a text column."""
    add()
    train(desk, {**ARGS, "encode": {"minute": 1440}}, lambda *_: None)
    return versions.version(desk.store, "flights")


@pytest.fixture
def viewed(desk: Desk, trained: Version, tmp_path: Path) -> Version:
    """A second version, of a declared view with expressions."""
    path = tmp_path / "view.toml"
    path.write_text(VIEW)
    saved.add(desk, declared.read(path))
    train(desk, {**ARGS, "view": "flight"}, lambda *_: None)
    return versions.version(desk.store, "flights")
