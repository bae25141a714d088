from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.desk import Desk
from core.work.plan import request_run
from tests.training.conftest import add, delays

__all__ = ["add", "delays"]

ASKED: dict[str, Any] = {"model": "late", "dataset": "flights", "label": "delay>=8", "rounds": 20, "seed": 5}


@pytest.fixture
def job(desk: Desk) -> Callable[..., dict[str, Any]]:
    """The arguments of a queued search, with its number, as its process is given them."""

    def queue(**more: Any) -> dict[str, Any]:
        args = {**ASKED, **more}
        with desk.write() as tx:
            count = len(desk.store.read("SELECT id FROM run"))
            number = request_run(tx, desk.now_us(), "search", args, f"search/{count}")
        return {**args, "run_id": number}

    return queue
