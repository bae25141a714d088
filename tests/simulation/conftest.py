from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="replay one seed of the simulation")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int | None:
    """The seed asked for, by `--seed` or by TOCSIN_SIM_SEED; None for all of them."""
    chosen = request.config.getoption("--seed", default=None)
    asked = os.environ.get("TOCSIN_SIM_SEED")
    return chosen if chosen is not None else int(asked) if asked else None
