from __future__ import annotations

import pytest

from core.clock import DAY, MINUTE, SimClock
from core.counts import series
from core.counts.series import SeriesKey
from core.daemon import Daemon, heartbeat_us
from core.desk import Desk
from core.errors import NotAllowed, NotFound


def test_a_second_daemon_of_a_home_is_refused_until_the_first_has_ended(desk: Desk) -> None:
    first = Daemon(desk)
    with pytest.raises(NotAllowed, match="already runs"):
        Daemon(desk)
    first.close()
    Daemon(desk).close()


def test_a_tick_on_an_empty_home_does_nothing_but_beat(desk: Desk) -> None:
    daemon = Daemon(desk)
    tick = daemon.tick()
    daemon.close()
    assert (tick.running, tick.opened, tick.errors) == (0, [], [])
    assert heartbeat_us(desk) == desk.now_us()


def test_an_error_in_one_part_is_kept_where_the_console_shows_it_and_the_other_parts_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(desk)

    def broken() -> None:
        raise NotFound("the endpoint is gone", "add it again")

    monkeypatch.setattr(daemon, "sync", broken)
    assert daemon.tick().errors == ["sync: the endpoint is gone"]
    detail = desk.store.one("SELECT detail FROM heartbeat")
    assert detail is not None
    assert detail["detail"] == "sync: the endpoint is gone"
    monkeypatch.undo()
    assert daemon.tick().errors == []
    daemon.close()


def test_retention_forgets_minutes_and_keeps_every_sum(desk: Desk, clock: SimClock) -> None:
    key = SeriesKey("requests", "m", 1, "e")
    first = clock.now_us()
    with desk.write() as tx:
        series.add(tx, key, first, [5, 1])
        series.add(tx, key, first + MINUTE, [7, 0])
    clock.advance(30 * DAY)
    daemon = Daemon(desk)
    daemon.keep()
    daemon.close()
    assert series.read_steps(desk.store, key, first, first + DAY, MINUTE) == []
    assert series.read_sum(desk.store, key, first - first % DAY, first + DAY) == [12, 1]
