from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from core.clock import SimClock, parse_time
from core.desk import Desk
from core.home import Home

# A loaded machine is no fault of a property: how long an example takes is for the benchmarks to say.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def clock() -> SimClock:
    return SimClock(parse_time("2013-04-01T00:00:00Z"))


@pytest.fixture
def desk(home: Home, clock: SimClock) -> Iterator[Desk]:
    opened = Desk.open(home, actor="ana", clock=clock)
    yield opened
    opened.store.close()
