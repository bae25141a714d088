from __future__ import annotations

import multiprocessing
import random
from pathlib import Path

import pytest

from console.cli.main import run
from core import ledger
from core.backup import make, restore
from core.daemon import Daemon
from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotAllowed, StoreUnusable, TocsinError
from core.home import Home
from core.ledger import anchors
from core.ledger.chain import key_of
from core.store import driver

SNAPSHOT = """INSERT INTO snapshot(dataset, number, sha256, blob, source, rows, columns, profile, created_us)
VALUES ('orders', ?, ?, ?, 'f', 1, '[]', '{}', 0)"""


def fill(desk: Desk, count: int = 5) -> str:
    sha256 = desk.blobs.put(b"rows of orders")
    with desk.write() as tx:
        tx.execute(SNAPSHOT, (1, "a", sha256))
        for number in range(count):
            desk.record(tx, "deploy.applied", model="m", version=number)
    anchors.anchor(desk.home, desk.store, desk.now_us())
    return sha256


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_home_comes_back_from_its_backup_with_blobs_settings_keys_and_a_chain_that_verifies(
    desk: Desk, tmp_path: Path
) -> None:
    sha256 = fill(desk)
    desk.home.settings_path.write_text('environment = "TEST"\n')
    made = make(desk, tmp_path / "b.tar", keys=True)
    done = restore(tmp_path / "b.tar", Home(tmp_path / "new"))
    back = Desk.open(Home(tmp_path / "new"))
    assert (done.aside, done.manifest) == (None, made)
    assert back.blobs.read(sha256) == b"rows of orders"
    assert back.settings.environment == "TEST"
    standing = anchors.read(back.home.anchors_path)
    found = anchors.prove(back.store, key_of(back.home), standing)
    assert (found.ok, found.events, len(standing)) == (True, 6, 1)
    assert ledger.timeline(back.store)[-1].kind == "store.restored"


def test_without_a_flag_the_keys_stay_and_a_restore_asks_for_them(desk: Desk, tmp_path: Path) -> None:
    fill(desk)
    made = make(desk, tmp_path / "b.tar", keys=False)
    assert [part.path for part in made.parts if part.path.startswith("keys/")] == ["keys/anchors.jsonl"]
    assert desk.home.key_path.read_bytes() not in (tmp_path / "b.tar").read_bytes()
    with pytest.raises(BadInput, match="without its keys"):
        restore(tmp_path / "b.tar", Home(tmp_path / "new"))
    assert files(tmp_path / "new") == []
    restore(tmp_path / "b.tar", Home(tmp_path / "new"), keys_from=desk.home.key_path.parent)
    assert ledger.verify(Desk.open(Home(tmp_path / "new")).store, desk.home.key_path.read_bytes()).ok


def test_a_ledger_written_with_other_keys_is_not_restored(desk: Desk, tmp_path: Path) -> None:
    fill(desk)
    make(desk, tmp_path / "b.tar", keys=False)
    other = Desk.open(Home(tmp_path / "other"))
    key_of(other.home)
    with pytest.raises(CheckFailed, match="not written with this home's key"):
        restore(tmp_path / "b.tar", other.home)
    assert other.home.store_path.exists()


def test_the_home_that_was_there_is_kept_and_only_yes_replaces_it(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(desk)
    at = ["--home", str(desk.home.path)]
    assert run([*at, "backup", str(tmp_path / "b.tar")]) == 0
    with desk.write() as tx:
        desk.record(tx, "slo.saved")
    desk.store.close()
    assert run([*at, "restore", str(tmp_path / "b.tar")]) == 2
    assert "nobody is here to confirm" in capsys.readouterr().err
    assert run([*at, "restore", str(tmp_path / "b.tar"), "--dry-run"]) == 0
    assert run([*at, "restore", str(tmp_path / "b.tar"), "--yes"]) == 0
    kinds = [event.kind for event in ledger.timeline(Desk.open(desk.home).store)]
    aside = Desk.open(Home(tmp_path / "home.before-restore-1"))
    assert kinds[-2:] == ["deploy.applied", "store.restored"]
    assert [event.kind for event in ledger.timeline(aside.store)][-1] == "slo.saved"
    assert run([*at, "audit", "verify"]) == 0


def test_a_running_daemon_holds_a_restore_off(desk: Desk, tmp_path: Path) -> None:
    fill(desk)
    make(desk, tmp_path / "b.tar", keys=True)
    daemon = Daemon(desk)
    with pytest.raises(NotAllowed, match="a daemon runs"):
        restore(tmp_path / "b.tar", desk.home)
    daemon.close()


def test_a_backup_is_never_overwritten_and_a_lost_blob_is_named(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sha256 = fill(desk)
    desk.blobs.path(sha256).write_bytes(b"changed")
    assert run(["--home", str(desk.home.path), "backup", str(tmp_path / "b.tar"), "--json"]) == 1
    assert f"blob {sha256[:12]}" in capsys.readouterr().err
    assert run(["--home", str(desk.home.path), "backup", str(tmp_path / "b.tar")]) == 2
    restore(tmp_path / "b.tar", Home(tmp_path / "new"), keys_from=desk.home.key_path.parent)


def test_any_damage_to_a_backup_is_found_and_nothing_is_replaced(desk: Desk, tmp_path: Path) -> None:
    seed = 20130401
    print(f"seed {seed}")
    chance = random.Random(seed)
    fill(desk)
    make(desk, tmp_path / "b.tar", keys=True)
    desk.store.close()
    whole = (tmp_path / "b.tar").read_bytes()
    before = {path: path.read_bytes() for path in desk.home.path.rglob("*") if path.is_file()}
    end = len(whole.rstrip(b"\0"))
    for _ in range(60):
        content = bytearray(whole)
        place = chance.randrange(end)
        if chance.random() < 0.3:
            content = content[:place]
        else:
            content[place] ^= 1 << chance.randrange(8)
        (tmp_path / "bad.tar").write_bytes(content)
        try:
            restore(tmp_path / "bad.tar", Home(tmp_path / "new"), check=True)
        except TocsinError:
            continue
        assert _same_parts(tmp_path / "bad.tar", whole, tmp_path), place
    assert {path: path.read_bytes() for path in before} == before
    assert [name for name in files(tmp_path) if "restoring" in name] == []


def _same_parts(bad: Path, whole: bytes, folder: Path) -> bool:
    """Whether the damage hit nothing but an archive's padding or a file's date and owner."""
    import tarfile

    (folder / "whole.tar").write_bytes(whole)
    with tarfile.open(bad) as one, tarfile.open(folder / "whole.tar") as other:
        held = [
            [(m.name, x.read()) for m in archive if (x := archive.extractfile(m)) is not None]
            for archive in (one, other)
        ]
    return held[0] == held[1]


def _write_until(path: str, stop: object) -> None:
    desk = Desk.open(Home(Path(path)), actor="writer")
    number = 0
    while not stop.is_set():  # type: ignore[attr-defined]
        with desk.write() as tx:
            number += 1
            tx.execute("REPLACE INTO heartbeat(name, at_us, pid) VALUES ('n', ?, 1)", (number,))
            desk.record(tx, "deploy.applied", version=number)


def test_a_backup_under_write_load_is_one_committed_instant(home: Home, tmp_path: Path) -> None:
    desk = Desk.open(home, actor="ana")
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    writer = context.Process(target=_write_until, args=(str(home.path), stop))
    writer.start()
    try:
        seen = []
        while not desk.store.read("SELECT 1 FROM heartbeat"):
            writer.join(0.01)
        for number in range(4):
            made = make(desk, tmp_path / f"{number}.tar", keys=True)
            seen.append(made.events)
            floor = int(desk.store.read("SELECT at_us FROM heartbeat")[0]["at_us"])
            while int(desk.store.read("SELECT at_us FROM heartbeat")[0]["at_us"]) == floor:
                writer.join(0.01)
    finally:
        stop.set()
        writer.join(30)
    assert writer.exitcode == 0
    assert seen == sorted(set(seen))
    for number, events in enumerate(seen):
        target = Home(tmp_path / f"home{number}")
        restore(tmp_path / f"{number}.tar", target)
        back = Desk.open(target)
        assert back.store.read("SELECT at_us FROM heartbeat")[0]["at_us"] == events
        assert ledger.verify(back.store, key_of(target)).events == events + 1


def test_a_backup_of_a_newer_schema_is_refused(desk: Desk, tmp_path: Path) -> None:
    fill(desk)
    raw = driver.dbapi.connect(str(desk.home.store_path))
    raw.execute("PRAGMA user_version=999")
    raw.close()
    make(desk, tmp_path / "b.tar", keys=True)
    with pytest.raises(StoreUnusable, match="has schema 999"):
        restore(tmp_path / "b.tar", Home(tmp_path / "new"))
    assert files(tmp_path / "new") == []
