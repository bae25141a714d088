"""A writer that was stopped in the middle: it holds up all others, so they say which process it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from core.desk import Desk
from core.doctor import CHECKS
from core.errors import StoreUnusable
from core.mend import mend
from core.store import ticket

WRITER = """
import sys, time
from core.desk import Desk
from core.home import Home
from pathlib import Path

desk = Desk.open(Home(Path(sys.argv[1])), actor="slow")
with desk.write() as tx:
    tx.execute("REPLACE INTO heartbeat(name, at_us, pid) VALUES ('slow', 1, 1)")
    print("writing", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def slow(desk: Desk) -> Iterator[subprocess.Popen[str]]:
    """A process inside its transaction; a line on its standard input lets it commit."""
    command = [sys.executable, "-c", WRITER, str(desk.home.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        yield process
        process.send_signal(signal.SIGCONT)
        process.kill()


def let_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)


def write(desk: Desk) -> None:
    with desk.write() as tx:
        tx.execute("REPLACE INTO heartbeat(name, at_us, pid) VALUES ('n', 1, 1)")


def names(desk: Desk) -> list[str]:
    return [row["name"] for row in desk.store.read("SELECT name FROM heartbeat ORDER BY name")]


@pytest.mark.e2e
def test_a_writer_stopped_in_its_transaction_is_named_and_let_go_on(
    desk: Desk,
    slow: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    tocsin: Callable[..., tuple[int, str, str]],
) -> None:
    monkeypatch.setattr(ticket, "LOOK_EVERY", 0.05)
    stop(slow)
    with pytest.raises(StoreUnusable, match=rf"process {slow.pid} \(.+\), which is stopped") as raised:
        write(desk)
    assert f"kill -CONT {slow.pid}" in raised.value.hint
    assert f"kill -9 {slow.pid}" in raised.value.hint
    assert names(desk) == []
    assert CHECKS["writers"](desk)[0][0] == "wrong"
    assert f"process {slow.pid}" in tocsin("doctor")[1]
    assert "would mend" in tocsin("doctor", "--fix", "--dry-run")[1]
    let_go(slow)
    _, said, _ = tocsin("doctor", "--fix")
    assert f"process {slow.pid}" in said
    assert slow.wait(timeout=60) == 0
    write(desk)
    assert names(desk) == ["n", "slow"]
    assert CHECKS["writers"](desk)[0][0] == "ok"
    assert not next(one for one in mend(desk) if one.what == "writers").done


@pytest.mark.e2e
def test_a_writer_that_was_killed_while_stopped_leaves_nothing_and_holds_up_nobody(
    desk: Desk, slow: subprocess.Popen[str]
) -> None:
    stop(slow)
    slow.kill()
    write(desk)
    assert names(desk) == ["n"]


def test_a_writer_that_works_is_waited_for(
    desk: Desk, slow: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()
    known = ticket.holder

    def looks(path: ticket.Path) -> ticket.Holder | None:
        found = known(path)
        assert found is not None
        assert (found.pid, found.stopped) == (slow.pid, False)
        looked.set()
        return None

    monkeypatch.setattr(ticket, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(ticket, "holder", looks)
    threading.Thread(target=lambda: (looked.wait(), let_go(slow)), daemon=True).start()
    write(desk)
    assert names(desk) == ["n", "slow"]


def test_nobody_waits_for_ever_for_a_writer_that_does_not_end(
    desk: Desk, slow: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(ticket, "PATIENCE", 0.1)
    with pytest.raises(StoreUnusable, match=rf"process {slow.pid} .* at work"):
        write(desk)
    let_go(slow)
    assert slow.wait(timeout=60) == 0
    write(desk)
    assert names(desk) == ["n", "slow"]


def test_a_ticket_that_nobody_holds_has_no_holder_whatever_its_file_says(desk: Desk) -> None:
    write(desk)
    assert ticket.holder(desk.home.lock_path("writer")) is None
    with desk.write():
        found = ticket.holder(desk.home.lock_path("writer"))
        assert found is not None
        assert found.pid == os.getpid()
