from __future__ import annotations

from collections.abc import Callable

import pytest

from core.desk import Desk
from core.training.job import train
from tests.training.conftest import add

__all__ = ["add", "trained"]


@pytest.fixture
def trained(desk: Desk, add: Callable[..., str]) -> Desk:
    """A desk with 900 rows and two versions of a model of them: 15 rounds, and the cheaper one of 3."""
    add()
    for rounds in (15, 3):
        request = {"model": "flights", "dataset": "flights", "label": "delay>=8", "rounds": rounds}
        train(desk, request, lambda share, text="": None)
    return desk
