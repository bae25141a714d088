from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Any

import pytest

from core.desk import Desk
from core.engines.engine import GROUP
from core.training.job import train
from tests.training.conftest import add

__all__ = ["add", "cluster", "trained"]


def require_installed() -> None:
    pytest.importorskip("distributed", reason="the package dask is not installed: pip install 'tocsin[dask]'")
    if "dask" not in {point.name for point in entry_points(group=GROUP)}:
        pytest.skip("the entry point of the engine dask is not installed: pip install -e . again")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A cluster of two workers, each a process of its own with one thread."""
    require_installed()
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, worker_dashboard_address=None
    ) as running:
        yield running


@pytest.fixture
def trained(desk: Desk, add: Callable[..., str]) -> Desk:
    """A desk with 900 rows and a model of them."""
    add()
    train(desk, {"model": "flights", "dataset": "flights", "label": "delay>=8", "rounds": 15}, lambda *_: None)
    return desk
