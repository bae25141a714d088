from __future__ import annotations

from pathlib import Path

from core.demo.flights import INPUTS, LEAKS
from core.features import declared
from core.features.learn import inputs_of

VIEW = Path(declared.__file__).parents[1] / "demo" / "views" / "flight.toml"


def test_the_starter_view_reads_what_a_request_has_and_aggregates_what_is_known_later() -> None:
    view = declared.read(VIEW)
    assert set(inputs_of(view)) <= set(INPUTS)
    assert not set(inputs_of(view)) & set(LEAKS)
    assert len(view.aggregate) == 3
    assert {one.known for one in view.aggregate} == {"departed_at", "landed_at"}
