from __future__ import annotations

import pytest

from core.clock import SimClock
from core.desk import Desk
from tests.incidents.story import Story


@pytest.fixture
def story(desk: Desk, clock: SimClock) -> Story:
    return Story(desk, clock)
