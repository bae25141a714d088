from __future__ import annotations

import pytest

from core.desk import Desk


@pytest.fixture
def served(watched: Desk) -> Desk:
    """A desk with a model and an endpoint that was heard just now."""
    return watched
