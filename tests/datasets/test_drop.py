from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core import ledger
from core.clock import HOUR, SECOND, SimClock
from core.daemon import Daemon
from core.datasets import drop, folders, ingest, mounts, rows
from core.datasets.hints import Hints
from core.desk import Desk
from core.errors import BadInput, NotFound

Loans = Callable[..., str]
QUIET = 5 * SECOND


@pytest.fixture
def folder(desk: Desk, tmp_path: Path, loans_file: Path) -> Path:
    """A folder that is watched for a data set with one snapshot."""
    ingest.add(desk, loans_file, dataset="loans")
    path = tmp_path / "in"
    path.mkdir()
    folders.watch(desk, "loans", path)
    return path


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.iterdir() if file.is_file()) if path.is_dir() else []


def scan(desk: Desk, folder: Path, clock: SimClock, seen: drop.Seen | None = None) -> drop.Scan:
    """Two looks, a quiet span apart."""
    seen = seen or drop.Seen()
    drop.scan(desk, folder, "loans", QUIET, seen)
    clock.advance(QUIET)
    return drop.scan(desk, folder, "loans", QUIET, seen)


def told(desk: Desk, kind: str) -> int:
    return sum(event.kind == kind for event in ledger.timeline(desk.store, limit=10_000))


def test_a_quiet_file_becomes_a_snapshot_and_is_moved_to_done(
    desk: Desk, folder: Path, clock: SimClock, loans: Loans
) -> None:
    (folder / "b.csv").write_text(loans(seed=2, start=200))
    done = scan(desk, folder, clock)
    assert (done.taken, done.refused) == (1, 0)
    assert (names(folder), names(folder / "done")) == ([], ["b.csv"])
    snapshot = rows.snapshot(desk.store, "loans")
    assert (snapshot.number, snapshot.source) == (2, str(folder / "b.csv"))


def test_a_file_that_still_changes_waits_until_it_has_been_quiet(
    desk: Desk, folder: Path, clock: SimClock, loans: Loans
) -> None:
    seen, text = drop.Seen(), loans(seed=2, start=200)
    for size in (1000, 2000, 3000):
        (folder / "b.csv").write_text(text[:size])
        clock.advance(QUIET)
        assert drop.scan(desk, folder, "loans", QUIET, seen).unsettled == 1
    (folder / "b.csv").write_text(text)
    assert scan(desk, folder, clock, seen).taken == 1
    assert rows.snapshot(desk.store, "loans").rows == 200


def test_a_file_that_changes_while_it_is_read_is_not_taken(
    desk: Desk, folder: Path, clock: SimClock, loans: Loans, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = loans(seed=2, start=200)
    (folder / "b.csv").write_text(text[:3000])
    seen, steady = drop.Seen(), drop._steady

    def written_meanwhile(path: Path, signature: drop.Signature) -> bytes | None:
        path.write_text(text)
        return steady(path, signature)

    monkeypatch.setattr(drop, "_steady", written_meanwhile)
    assert scan(desk, folder, clock, seen).taken == 0
    monkeypatch.undo()
    assert scan(desk, folder, clock, seen).taken == 1
    assert rows.snapshot(desk.store, "loans").rows == 200


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "bad.csv is empty"), ("id\n1\n", "columns are missing"), (b"\xff\xfe\x00", "bad.csv is not UTF-8 text")],
)
def test_a_file_nobody_can_take_goes_to_quarantine_with_its_reason(
    desk: Desk, folder: Path, clock: SimClock, content: str | bytes, reason: str
) -> None:
    (folder / "bad.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    assert scan(desk, folder, clock).refused == 1
    (entry,) = rows.quarantine(desk.store)
    assert reason in entry.reason
    assert str(folder) not in entry.reason
    assert names(folder / "quarantine") == ["bad.csv"]


def test_a_crash_between_commit_and_move_is_recognised_by_the_content(
    desk: Desk, folder: Path, clock: SimClock, loans: Loans, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (folder / f"{number}.csv").write_text(loans(seed=number, start=200))

    def killed(path: Path, place: Path, sha256: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(drop, "_move", killed)
    with pytest.raises(KeyboardInterrupt):
        scan(desk, folder, clock)
    monkeypatch.undo()
    assert len(rows.snapshots(desk.store, "loans")) == 2
    assert scan(desk, folder, clock).taken == 3
    assert names(folder / "done") == ["0.csv", "1.csv", "2.csv"]
    assert len(rows.snapshots(desk.store, "loans")) == told(desk, "dataset.added") == 4


def test_content_and_names_that_were_there_before_lose_nothing(
    desk: Desk, folder: Path, clock: SimClock, loans: Loans
) -> None:
    for seed in (2, 2, 3):
        (folder / "daily.csv").write_text(loans(seed=seed, start=200))
        assert scan(desk, folder, clock).taken == 1
    assert len(rows.snapshots(desk.store, "loans")) == 3
    assert len(names(folder / "done")) == 3


def test_a_second_ingester_leaves_the_folder_alone_while_the_first_is_at_it(
    desk: Desk, folder: Path, clock: SimClock, loans: Loans
) -> None:
    (folder / "b.csv").write_text(loans(seed=2, start=200))
    with drop._alone(desk.home, folder, wait=False) as mine:
        assert mine
        assert scan(desk, folder, clock).taken == 0
    assert scan(desk, folder, clock).taken == 1


def test_hidden_unfinished_and_linked_files_are_left_alone(
    desk: Desk, folder: Path, clock: SimClock, loans: Loans, loans_file: Path
) -> None:
    for name in (".b.csv", "b.csv.part", "b.TMP"):
        (folder / name).write_text(loans(seed=2, start=200))
    (folder / "link.csv").symlink_to(loans_file)
    done = scan(desk, folder, clock)
    assert (done.taken, done.refused, done.unsettled) == (0, 0, 0)


def test_the_daemon_scans_at_its_start_and_again_on_time(
    desk: Desk, folder: Path, clock: SimClock, loans: Loans
) -> None:
    (folder / "b.csv").write_text(loans(seed=2, start=200))
    daemon = Daemon(desk)
    daemon.tick()
    clock.advance(QUIET)
    daemon.tick()
    assert names(folder / "done") == ["b.csv"]
    (folder / "c.csv").write_text(loans(seed=3, start=200))
    for _ in range(2):
        clock.advance(30 * SECOND)
        daemon.tick()
    assert names(folder / "done") == ["b.csv", "c.csv"]
    clock.advance(-HOUR)
    (folder / "d.csv").write_text(loans(seed=4, start=200))
    daemon.tick()
    clock.advance(QUIET)
    daemon.tick()
    assert names(folder / "done") == ["b.csv", "c.csv", "d.csv"]
    daemon.close()


def test_a_folder_that_went_away_is_noted_until_it_is_back(
    desk: Desk, folder: Path, clock: SimClock, loans: Loans
) -> None:
    away = folder.with_name("away")
    os.rename(folder, away)
    daemon = Daemon(desk)
    (error,) = daemon.tick().errors
    assert error == f"folders: {folder} cannot be scanned: No such file or directory"
    assert daemon.tick().errors == [error]
    os.rename(away, folder)
    clock.advance(30 * SECOND)
    assert daemon.tick().errors == []
    daemon.close()


def test_watching_needs_a_contract_a_folder_and_no_other_data_set(
    desk: Desk, folder: Path, tmp_path: Path, loans_file: Path
) -> None:
    with pytest.raises(NotFound, match="no contract"):
        folders.watch(desk, "nothing", tmp_path)
    with pytest.raises(BadInput, match="is no folder"):
        folders.watch(desk, "loans", tmp_path / "none")
    with pytest.raises(BadInput, match="inside the home"):
        folders.watch(desk, "loans", desk.home.path)
    ingest.add(desk, loans_file, dataset="others")
    with pytest.raises(BadInput, match="is watched for 'loans'"):
        folders.watch(desk, "others", folder)


def test_a_folder_that_is_left_alone_gets_back_what_was_claimed(desk: Desk, folder: Path) -> None:
    (folder / drop.TAKING).mkdir()
    (folder / drop.TAKING / "b.csv").write_text("x")
    folders.unwatch(desk, "loans", folder)
    assert names(folder) == ["b.csv"]
    assert folders.folders(desk.store) == []


def test_network_mounts_are_told_from_local_ones_and_polled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linux = mounts.linux("/dev/sda1 / ext4 rw 0 0\nhost:/x /mnt/a\\040b nfs4 rw 0 0\nt /mnt/a\\040b/t tmpfs rw 0 0\n")
    assert mounts.kind(Path("/mnt/a b/in"), linux) == "nfs4"
    assert mounts.kind(Path("/mnt/a b/t/in"), linux) == "tmpfs"
    assert mounts.kind(Path("/home"), linux) == "ext4"
    mac = mounts.mac("/dev/disk1 on / (apfs, local)\n//a@h/s on /Volumes/s 1 (smbfs, nodev)\n")
    assert mounts.kind(Path("/Volumes/s 1/in"), mac) == "smbfs"
    for polling in (True, False):
        monkeypatch.setattr("core.datasets.hints.on_network", lambda path, polling=polling: polling)
        hints = Hints()
        hints.follow([tmp_path])
        assert hints.polling(tmp_path) is polling
        hints.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes")
def test_a_file_that_ends_its_reader_is_refused_after_three_tries_and_the_daemon_goes_on(
    desk: Desk, folder: Path, clock: SimClock, loans: Loans, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Stands for a fault inside a reader of Parquet: whoever parses this file is ended by a signal.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if '-m' in sys.orig_argv and 'core.datasets.reader' in sys.orig_argv:\n"
        "    from core.datasets import drop\n"
        "    ingest = drop._ingest\n"
        "    def deadly(desk, dataset, source):\n"
        "        if source.content.startswith(b'deadly'):\n"
        "            os.kill(os.getpid(), 11)\n"
        "        return ingest(desk, dataset, source)\n"
        "    drop._ingest = deadly\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")
    (folder / "a.csv").write_text("deadly")
    (folder / "b.csv").write_text(loans(seed=2, start=200))
    daemon = Daemon(desk)
    try:
        for _ in range(8):
            daemon.tick()
            clock.advance(QUIET)
    finally:
        daemon.close()
    (entry,) = rows.quarantine(desk.store)
    assert entry.reason == "it ended its reader 3 times: signal 11"
    assert (names(folder), names(folder / ".taking")) == ([], [])
    assert (names(folder / "quarantine"), names(folder / "done")) == (["a.csv"], ["b.csv"])
    assert rows.snapshot(desk.store, "loans").number == 2
