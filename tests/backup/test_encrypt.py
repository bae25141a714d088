from __future__ import annotations

from pathlib import Path

import pytest

from console.cli.main import run
from core import ledger
from core.access import secrets
from core.backup import encrypt as encrypting
from core.backup import make, restore
from core.backup.encrypt import recode
from core.desk import Desk
from core.errors import BadInput, NotAllowed, StoreUnusable, TocsinError
from core.home import Home
from core.ledger.chain import key_of
from core.store import driver
from core.work.single import DaemonLock

pytest.importorskip("sqlcipher3", reason="the extra `cipher` is not installed")
CANARY = "canary-in-the-ledger"


@pytest.fixture
def ref(tmp_path: Path) -> str:
    return f"file:{tmp_path / 'store.key'}"


def tell(desk: Desk) -> None:
    with desk.write() as tx:
        desk.record(tx, "incident.noted", incident=1, data={"text": CANARY})


def encrypted(desk: Desk, ref: str) -> Desk:
    tell(desk)
    assert recode(desk, ref).rows > 1
    return Desk.open(desk.home, actor="ana", clock=desk.clock)


def test_an_encrypted_home_holds_what_it_held_and_goes_on(desk: Desk, ref: str) -> None:
    desk.home.settings_path.write_text('environment = "STAGE"\n[retention]\nmax_mb = 5\n')
    again = encrypted(desk, ref)
    assert (again.settings.environment, again.settings.retention.max_mb) == ("STAGE", 5)
    assert CANARY.encode() not in again.home.store_path.read_bytes()
    tell(again)
    assert ledger.verify(again.store, key_of(again.home)).ok
    assert again.store.read("SELECT count(*) AS n FROM words WHERE words MATCH 'canary'")[0]["n"] == 2
    journal = "wal" if driver.wal_is_safe(driver.cipher().sqlite_version) else "delete"
    assert again.store.read("PRAGMA journal_mode")[0]["journal_mode"] == journal
    recode(again, "")
    plain = Desk.open(desk.home)
    assert (plain.settings.store_key_ref, plain.settings.environment) == ("", "STAGE")
    assert driver.is_plain(plain.home.store_path)
    assert ledger.verify(plain.store, key_of(plain.home)).events == 4
    plain.store.close()


def test_a_wrong_or_missing_key_is_two_lines(desk: Desk, ref: str, capsys: pytest.CaptureFixture[str]) -> None:
    encrypted(desk, ref).store.close()
    key, at = Path(ref.removeprefix("file:")), ["--home", str(desk.home.path), "audit", "verify"]
    assert run(at) == 0
    whole = key.read_text()
    for content in ("0" * 40, "short", None):
        key.write_text(content) if content else key.unlink()
        capsys.readouterr()
        assert run(at) in (2, 3, 6)
        lines = capsys.readouterr().err.splitlines()
        assert [line.partition(":")[0] for line in lines] == ["error", "hint"]
        assert whole.strip() not in "".join(lines)
    desk.home.settings_path.unlink()
    assert run(at) == 6
    assert "store_key_ref" in capsys.readouterr().err


def test_a_console_that_was_open_meanwhile_writes_no_more(desk: Desk, home: Home, ref: str) -> None:
    other = Desk.open(home, actor="bo", clock=desk.clock)
    tell(other)
    encrypted(desk, ref).store.close()
    with pytest.raises(StoreUnusable, match="was replaced"):
        tell(other)
    other.store.close()


def test_nothing_is_changed_while_a_daemon_runs_or_where_there_is_nothing_to_do(desk: Desk, ref: str) -> None:
    lock = DaemonLock(desk.home)
    with pytest.raises(NotAllowed):
        recode(desk, ref)
    lock.close()
    with pytest.raises(BadInput, match="not encrypted"):
        recode(desk, "")
    assert driver.is_plain(desk.home.store_path)


@pytest.mark.parametrize("step", ["_export", "_prove", "_name_key"])
def test_stopped_on_the_way_the_home_still_opens(
    desk: Desk, ref: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(desk)
    does = getattr(encrypting, step)

    def stop(*given: object) -> None:
        does(*given)
        raise StoreUnusable("stopped")

    monkeypatch.setattr(encrypting, step, stop)
    with pytest.raises(TocsinError, match="stopped"):
        recode(desk, ref)
    monkeypatch.undo()
    again = Desk.open(desk.home, actor="ana", clock=desk.clock)
    assert ledger.verify(again.store, key_of(again.home)).ok
    assert not list(desk.home.path.glob(".part-*"))
    recode(again, ref)
    last = Desk.open(desk.home, clock=desk.clock)
    assert not driver.is_plain(desk.home.store_path)
    assert ledger.verify(last.store, key_of(last.home)).events == 3
    last.store.close()


def test_a_backup_of_an_encrypted_home_is_encrypted_and_comes_back_with_its_key(
    desk: Desk, ref: str, tmp_path: Path
) -> None:
    again = encrypted(desk, ref)
    made = make(again, tmp_path / "backup", keys=True)
    assert CANARY.encode() not in (tmp_path / "backup").read_bytes()
    restore(tmp_path / "backup", Home(tmp_path / "back"), actor="ana")
    back = Desk.open(Home(tmp_path / "back"))
    assert ledger.verify(back.store, key_of(back.home)).events == made.events + 1
    back.store.close()
    Path(secrets.checked(ref).removeprefix("file:")).unlink()
    with pytest.raises(BadInput, match="encrypted"):
        restore(tmp_path / "backup", Home(tmp_path / "more"), actor="ana")
    again.store.close()


def test_the_command_asks_converts_and_says_so(desk: Desk, ref: str, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--home", str(desk.home.path), "store"]
    assert run([*at, "encrypt", "--key-ref", ref, "--dry-run"]) == 0
    assert driver.is_plain(desk.home.store_path)
    assert run([*at, "encrypt", "--key-ref", ref, "--yes"]) == 0
    assert "rows compared" in capsys.readouterr().out
    assert run([*at, "encrypt", "--key-ref", ref, "--yes"]) == 2
    assert run([*at, "decrypt", "--yes"]) == 0
    assert driver.is_plain(desk.home.store_path)
