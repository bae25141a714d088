from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from console.cli.main import run
from core.backup import make, restore
from core.clock import HOUR, MINUTE, SimClock
from core.daemon import Daemon
from core.desk import Desk
from core.endpoints import verbs, witness
from core.endpoints.deploy import origin
from core.ledger import anchors
from core.serving import anchors as kept
from tests.serving.tiny import TOKEN, Served, artefact, serving

SCOPED = f"{TOKEN}\nreads predict,telemetry\n"


@pytest.fixture
def served(desk: Desk, clock: SimClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    with serving(tmp_path / "state", clock, artefact(), tokens=SCOPED) as running:
        verbs.add(desk, "prod", running.url, "env:TOCSIN_TEST_TOKEN")
        yield running


def tell(desk: Desk, clock: SimClock, count: int = 1) -> None:
    """Something happens each hour, and is anchored and given to the endpoints."""
    witnesses = witness.Witnesses(desk)
    for number in range(count):
        with desk.write() as tx:
            desk.record(tx, "deploy.applied", model="m", version=number)
        anchors.anchor(desk.home, desk.store, desk.now_us())
        witnesses.turn()
        clock.advance(HOUR)


def verified(desk: Desk, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, object]]:
    desk.store.checkpoint()
    code = run(["--home", str(desk.home.path), "audit", "verify", "--json", *options])
    return code, json.loads(capsys.readouterr().out)


def rewritten(desk: Desk, keep: int) -> None:
    """The ledger cut by somebody who has the keys and the anchors' file, and brings all of it in line."""
    with desk.write() as tx:
        tx.execute("DROP TRIGGER IF EXISTS event_never_deleted")
        tx.execute("DELETE FROM event WHERE seq > ?", (keep,))
    desk.home.anchors_path.unlink()


def test_the_daemon_gives_the_newest_anchor_to_an_endpoint_every_hour(
    desk: Desk, clock: SimClock, served: Served
) -> None:
    daemon = Daemon(desk)
    for _ in range(3):
        with desk.write() as tx:
            desk.record(tx, "slo.saved")
        daemon.keep()
        daemon.keep()
        clock.advance(HOUR)
    daemon.close()
    assert [one.seq for one in anchors.read(desk.home.anchors_path)] == [2, 3, 4]
    held = served.app.anchors.of(origin(desk))
    assert [one["seq"] for one in held] == [2, 3, 4]
    assert witness.testimonies(desk)[0].state == "agrees"


@pytest.mark.parametrize("again", [0, 1, 9])
def test_a_ledger_cut_or_written_anew_with_the_keys_and_the_anchors_is_found(
    desk: Desk, clock: SimClock, served: Served, capsys: pytest.CaptureFixture[str], again: int
) -> None:
    tell(desk, clock, 3)
    assert verified(desk, capsys)[0] == 0
    rewritten(desk, keep=2)
    tell(desk, clock, again)
    assert verified(desk, capsys, "--offline")[0] == 0
    code, found = verified(desk, capsys)
    assert (code, found["ok"], found["broken"]) == (1, False, 3)
    assert str(found["reason"]).startswith("prod says: it")


def test_an_endpoint_that_cannot_be_asked_is_told_and_is_no_error(
    desk: Desk, clock: SimClock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    with serving(tmp_path / "state", clock, artefact()) as running:
        verbs.add(desk, "prod", running.url, "env:TOCSIN_TEST_TOKEN")
        assert witness.testimonies(desk)[0].state == "none"
        tell(desk, clock)
    assert witness.testimonies(desk)[0].state == "unreachable"
    assert verified(desk, capsys)[0] == 0
    assert run(["--home", str(desk.home.path), "audit", "verify"]) == 0
    assert "prod: unreachable, 0 anchors" in capsys.readouterr().err
    verbs.pause(desk, "prod")
    assert witness.testimonies(desk)[0].state == "paused"


def test_a_successor_of_the_endpoint_holds_what_its_predecessor_was_given(
    desk: Desk, clock: SimClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    for expected in (2, 4):
        with serving(tmp_path / "state", clock, artefact()) as running:
            verbs.add(desk, "prod", running.url, "env:TOCSIN_TEST_TOKEN")
            tell(desk, clock, 2)
            assert witness.testimonies(desk)[0].anchors == expected
        with open(tmp_path / "state" / "anchors.jsonl", "ab") as torn:
            torn.write(b'{"kept_us":')


def test_what_a_restore_left_behind_is_told_and_not_held_against_the_ledger(
    desk: Desk, clock: SimClock, served: Served, tmp_path: Path
) -> None:
    tell(desk, clock, 1)
    make(desk, tmp_path / "backup", keys=True)
    tell(desk, clock, 2)
    desk.store.close()
    back = restore(tmp_path / "backup", desk.home, actor="ana")
    assert back.aside is not None
    again = Desk.open(desk.home, actor="ana", clock=clock)
    tell(again, clock, 2)
    (one,) = witness.testimonies(again)
    assert (one.state, one.anchors, one.given_up) == ("agrees", 5, 2)
    again.store.close()


def test_the_endpoint_takes_anchors_only_with_the_deploy_scope_and_only_whole_ones(
    desk: Desk, clock: SimClock, served: Served
) -> None:
    tell(desk, clock)
    whole = {"origin": origin(desk), **served.app.anchors.of(origin(desk))[0]}

    def call(method: str, path: str, token: str = TOKEN, **body: object) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.request(method, served.url + path, headers=headers, trust_env=False, json=body).status_code

    assert call("POST", "/v1/anchors", "reads", **whole) == 403
    assert call("GET", f"/v1/anchors/{origin(desk)}", "reads") == 403
    assert call("POST", "/v1/anchors", **whole) == 200
    for field, value in (("seq", 0), ("seq", "1"), ("hash", "x"), ("origin", "../.."), ("more", 1)):
        assert call("POST", "/v1/anchors", **{**whole, field: value}) == 400
    assert len(served.app.anchors.of(origin(desk))) == 1


def test_kept_anchors_are_bounded_and_a_flood_does_not_thin_the_old_ones(
    tmp_path: Path, clock: SimClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "LIMIT", 40)
    ours = kept.KeptAnchors(tmp_path / "anchors.jsonl", clock.now_us)
    given = {"origin": "0" * 16, "at_us": 0, "hash": "a" * 64, "prev": "b" * 64, "mac": "c" * 64}
    for seq in range(1, 201):
        assert ours.keep({**given, "seq": seq})
        assert not ours.keep({**given, "seq": seq + 10_000})
        clock.advance(31 * MINUTE)
    held = [one["seq"] for one in ours.of("0" * 16)]
    assert (held[0], held[-1], held == sorted(held)) == (1, 200, True)
    assert 20 <= len(held) <= 40
    assert len((tmp_path / "anchors.jsonl").read_bytes().splitlines()) == len(held)
    assert [one["seq"] for one in kept.KeptAnchors(tmp_path / "anchors.jsonl", clock.now_us).of("0" * 16)] == held
    for number in range(1, kept.ORIGINS):
        assert ours.keep({**given, "origin": f"{number:016x}", "seq": 1})
    with pytest.raises(kept.Refused, match="32 homes"):
        ours.keep({**given, "origin": "f" * 16, "seq": 1})
