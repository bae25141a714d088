from __future__ import annotations

import pytest

from core.clock import MINUTE, SimClock
from core.measures.ranking import score_bin
from core.serving import tally
from core.serving.tally import Telemetry


@pytest.fixture
def telemetry(clock: SimClock) -> Telemetry:
    return Telemetry(clock)


def answer(telemetry: Telemetry, request_id: str, score: float = 0.5) -> None:
    now = telemetry.now()
    counted = telemetry.tally("m", 1, ["a"], [5])
    telemetry.scored(counted, (request_id, now, "m", 1, score), score_bin(score), {"a": 1}, False, 250.0)


def ids(page: dict[str, list[dict[str, list[list[object]]]]]) -> list[object]:
    return [row[0] for batch in page["batches"] for row in batch["predictions"]]


def test_a_batch_is_handed_over_until_it_is_acknowledged(telemetry: Telemetry) -> None:
    answer(telemetry, "p")
    first = telemetry.page(0, "")
    assert ids(first) == ids(telemetry.page(0, "")) == ["p"]
    answer(telemetry, "q")
    assert ids(telemetry.page(1, telemetry.boot)) == ["q"]
    assert telemetry.page(2, telemetry.boot)["batches"] == []


def test_an_acknowledgement_of_another_boot_drops_nothing(telemetry: Telemetry) -> None:
    answer(telemetry, "p")
    telemetry.close()
    assert ids(telemetry.page(99, "another")) == ["p"]


def test_a_pull_within_a_minute_splits_it_without_losing_or_doubling(telemetry: Telemetry) -> None:
    answer(telemetry, "p")
    telemetry.page(0, "")
    answer(telemetry, "q")
    batches = telemetry.page(0, "")["batches"]
    assert [batch["start_us"] for batch in batches] == [batches[0]["start_us"]] * 2
    assert sum(batch["counts"][0]["vec"]["n"][0] for batch in batches) == 2


def test_a_clock_set_back_counts_where_it_is_set(telemetry: Telemetry, clock: SimClock) -> None:
    answer(telemetry, "p")
    clock.advance(-3 * MINUTE)
    answer(telemetry, "q")
    starts = [batch["start_us"] for batch in telemetry.page(0, "")["batches"]]
    assert starts[1] == starts[0] - 3 * MINUTE


def test_memory_is_bounded_and_what_was_dropped_is_told(
    telemetry: Telemetry, clock: SimClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "MAX_PREDICTIONS", 10)
    monkeypatch.setattr(tally, "MAX_BATCHES", 4)
    for minute in range(6):
        for row in range(4):
            answer(telemetry, f"{minute}-{row}")
        clock.advance(MINUTE)
    page = telemetry.page(0, "")
    assert len(page["batches"]) == 4
    assert ids(page) == [f"{minute}-{row}" for minute in (4, 5) for row in range(4)]
    assert page["lost"] == {"batches": 2, "predictions": 16}
    totals = [batch["counts"][0]["vec"]["n"][0] for batch in page["batches"]]
    assert totals == [4, 4, 4, 4]


def test_one_busy_minute_is_bounded_too(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MAX_PREDICTIONS", 10)
    for row in range(25):
        answer(telemetry, str(row))
    page = telemetry.page(0, "")
    assert len(ids(page)) == 10
    assert page["batches"][0]["counts"][0]["vec"]["n"] == [25]
    assert page["lost"]["predictions"] == 15


def test_pages_are_cut_and_say_that_there_is_more(
    telemetry: Telemetry, clock: SimClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "PAGE_PREDICTIONS", 3)
    for row in range(7):
        answer(telemetry, str(row))
        clock.advance(MINUTE)
    seen: list[object] = []
    after, more = 0, True
    while more:
        page = telemetry.page(after, telemetry.boot)
        seen += ids(page)
        after, more = page["batches"][-1]["seq"], page["more"]
    assert seen == [str(row) for row in range(7)]


def test_what_was_not_collected_survives_an_orderly_restart(telemetry: Telemetry, clock: SimClock) -> None:
    answer(telemetry, "p")
    again = Telemetry(clock)
    again.restore(telemetry.dump())
    answer(again, "q")
    page = again.page(0, telemetry.boot)
    assert (again.boot, ids(page)) == (telemetry.boot, ["p", "q"])
    assert [batch["seq"] for batch in page["batches"]] == [1, 2]


def test_about_one_request_in_twenty_is_sampled_and_always_the_same(clock: SimClock) -> None:
    def sampled() -> list[object]:
        telemetry = Telemetry(clock)
        for row in range(600):
            answer(telemetry, f"f{row}")
        return [row[0] for row in telemetry.page(0, "")["batches"][0]["samples"]]

    assert 15 <= len(sampled()) <= 45
    assert sampled() == sampled()


def test_an_idle_endpoint_makes_no_batches(telemetry: Telemetry, clock: SimClock) -> None:
    for _ in range(5):
        clock.advance(MINUTE)
        assert telemetry.page(0, "")["batches"] == []
