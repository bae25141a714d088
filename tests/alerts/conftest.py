from __future__ import annotations

import pytest

from core.desk import Desk


@pytest.fixture
def served(desk: Desk) -> Desk:
    """A desk with a model and an endpoint that was heard just now."""
    now = desk.now_us()
    with desk.write() as tx:
        tx.execute("INSERT INTO model(name, task, label, created_us) VALUES ('flights', 'binary', 'late', ?)", (now,))
        tx.execute(
            "INSERT INTO endpoint(name, adapter, url, token_ref, added_us, seen_us) "
            "VALUES ('gate', 'embedded', '', '', ?, ?)",
            (now, now),
        )
    return desk
