from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from console.cli.main import run
from core import upkeep
from core.clock import DAY, HOUR, MINUTE, SimClock
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.doctor import examine
from core.errors import CheckFailed
from core.home import Home
from core.mend import mend
from core.settings import Retention, Settings
from core.store import driver, space
from tests.store.old_homes import old_home
from tests.store.test_old_homes import same

REQUESTS, SCORES = SeriesKey("requests", "m", 1, "e"), SeriesKey("score", "m", 1, "e")
wal = pytest.mark.skipif(not driver.wal_is_safe(driver.library_version), reason="no write-ahead log here")


def with_budget(desk: Desk, megabytes: int) -> Desk:
    return replace(desk, settings=Settings(retention=Retention(max_mb=megabytes)))


def counted(desk: Desk, clock: SimClock) -> int:
    """Sixty days of an hour's counts, six of minutes, and samples; returns where they begin."""
    first = clock.now_us()
    vec = list(range(200, 400))
    with desk.write() as tx:
        for hour in range(0, 60 * 24, 2):
            series.add(tx, SCORES, first + hour * HOUR, vec)
        series.add_all(tx, {(REQUESTS, first + 54 * DAY + m * MINUTE): vec for m in range(6 * 24 * 60)})
        for number in range(200):
            tx.execute(
                "INSERT INTO sample(model, endpoint, version, request_id, at_us, inputs) VALUES ('m','e',1,?,?,?)",
                (str(number), first + 50 * DAY + number * HOUR, '{"x":"' + "y" * 3000 + '"}'),
            )
    clock.set(first + 60 * DAY)
    return first


def test_a_size_budget_takes_minutes_then_hours_then_samples_and_keeps_every_sum(desk: Desk, clock: SimClock) -> None:
    first = counted(desk, clock)
    sums = [series.read_sum(desk.store, key, first, first + 60 * DAY) for key in (REQUESTS, SCORES)]
    assert upkeep.fit(desk).minutes == 0
    used = space.space(desk.store).used
    after = upkeep.fit(with_budget(desk, used // 1_000_000 - 1))
    assert after.bytes < used - 1_000_000
    assert (after.minutes > 0, after.hours, after.samples) == (True, 0, 0)
    with pytest.raises(CheckFailed, match="nothing more may be forgotten"):
        upkeep.fit(with_budget(desk, 1))
    assert series.oldest_us(desk.store, MINUTE) == first + 58 * DAY
    assert series.oldest_us(desk.store, HOUR) == first + 25 * DAY
    assert desk.store.read("SELECT min(at_us) AS t FROM sample")[0]["t"] is None
    assert sums == [series.read_sum(desk.store, key, first, first + 60 * DAY) for key in (REQUESTS, SCORES)]


@wal
def test_a_long_reader_holds_the_log_and_its_end_lets_it_be_cut(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "LOG_BYTES", 1)
    reader = driver.dbapi.connect(str(desk.home.store_path), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM event").fetchall()
    with desk.write() as tx:
        desk.record(tx, "slo.saved")
    with pytest.raises(CheckFailed, match="a reader holds"):
        upkeep.checkpoint(desk)
    with desk.write() as tx:
        desk.record(tx, "slo.saved")
    reader.close()
    upkeep.checkpoint(desk)
    assert desk.store.log_bytes() == 0


def test_the_doctor_mends_what_is_safe_and_says_what_it_did(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    home = desk.home
    (home.path / "ballast").unlink()
    dead, shared = home.lock_path("daemon-4194305"), home.lock_path("walk-3")
    ours = home.lock_path(f"here-{os.getpid()}")
    for lock in (dead, shared, ours):
        lock.touch()
    old, young = (home.blobs_path / "ab" / f".part-{name}" for name in ("old", "young"))
    old.parent.mkdir()
    for part in (old, young):
        part.touch()
    os.utime(old, (1, 1))
    with desk.write() as tx:
        tx.execute("INSERT INTO endpoint(name, adapter, url, token_ref, added_us) VALUES ('e','embedded','u','t',0)")
        tx.execute(
            "INSERT INTO outbox(endpoint, key, action, body, state, next_us, created_us) "
            "VALUES ('e','k','a','{}','dead',0,0)"
        )
    at = ["--home", str(home.path)]
    assert run([*at, "doctor", "--fix", "--dry-run"]) == 1
    assert "would mend ballast" in capsys.readouterr().out
    assert [path.exists() for path in (home.path / "ballast", dead, old)] == [False, True, True]
    assert run([*at, "doctor", "--fix"]) == 1
    said = capsys.readouterr().out
    assert "1 locks of dead processes removed" in said
    assert "1 messages were given up and are left alone" in said
    assert [path.exists() for path in (dead, shared, ours, old, young)] == [False, True, True, False, True]
    assert (home.path / "ballast").exists()
    assert desk.store.read("SELECT state FROM outbox")[0]["state"] == "dead"
    assert not any(one.done for one in mend(desk))
    assert Path(home.store_path).stat().st_size > 0


def forgotten(desk: Desk) -> int:
    """The store grown by thirty megabytes that are then deleted; returns the length of its file."""
    for _ in range(3):
        with desk.write() as tx:
            tx.executemany(
                "INSERT INTO heartbeat(name, at_us, pid, detail) VALUES (lower(hex(randomblob(8))), 1, 1, ?)",
                (("x" * 5000,) for _ in range(2000)),
            )
    with desk.write() as tx:
        tx.execute("DELETE FROM heartbeat")
    desk.store.checkpoint()
    return desk.home.store_path.stat().st_size


def test_what_was_forgotten_is_given_back_in_bites_and_a_little_stays_to_be_filled_again(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    long = forgotten(desk)
    assert any("MB of the file are free" in one.found for one in examine(desk) if one.check == "store")
    given = upkeep.give_back(desk)
    assert given > 20_000_000
    assert desk.home.store_path.stat().st_size == long - given
    assert space.BITE_BYTES >= space.space(desk.store).free > space.BITE_BYTES - 8192
    assert upkeep.give_back(desk) == 0
    assert not any("are free" in one.found for one in examine(desk))
    assert desk.store.read("PRAGMA integrity_check")[0]["integrity_check"] == "ok"


def test_a_store_that_an_older_version_made_keeps_its_room_until_the_doctor_mends_it(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    before = old_home(home, 1)
    desk = Desk.open(home, actor="ana")
    long = forgotten(desk)
    assert upkeep.give_back(desk) == 0
    run(["--home", str(home.path), "doctor"])
    assert "an older tocsin made it so" in capsys.readouterr().out
    run(["--home", str(home.path), "doctor", "--fix"])
    assert "given back" in capsys.readouterr().out
    assert home.store_path.stat().st_size < long - 20_000_000
    assert space.space(desk.store).gives_back
    before["heartbeat"] = (before["heartbeat"][0], [])
    assert same(home.store_path, before)
    desk.store.close()
