from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from console.cli.main import run
from core.clock import HOUR, MINUTE, SimClock
from core.daemon import Daemon
from core.desk import Desk
from core.errors import BadInput
from core.ledger import anchors
from core.ledger.chain import key_of

MANUAL = Path(__file__).parents[2] / "core" / "manual" / "ledger.md"


def tell(desk: Desk, count: int = 1) -> None:
    with desk.write() as tx:
        for number in range(count):
            desk.record(tx, "deploy.applied", model="m", version=number, data={"näme": "é", "share": 0.1})


def test_the_daemon_anchors_the_head_once_an_hour_and_only_when_something_happened(desk: Desk, clock: SimClock) -> None:
    daemon = Daemon(desk)
    daemon.keep()
    assert anchors.read(desk.home.anchors_path) == []
    for _ in range(2):
        tell(desk)
        daemon.keep()
        clock.advance(30 * MINUTE)
    assert [one.seq for one in anchors.read(desk.home.anchors_path)] == [1]
    for _ in range(3):
        clock.advance(HOUR)
        daemon.keep()
    daemon.close()
    assert [one.seq for one in anchors.read(desk.home.anchors_path)] == [1, 2]


def test_an_anchor_that_was_taken_out_or_changed_is_found(desk: Desk) -> None:
    for _ in range(3):
        tell(desk)
        anchors.anchor(desk.home, desk.store, desk.now_us())
    path, key = desk.home.anchors_path, key_of(desk.home)
    whole = path.read_text().splitlines()
    assert anchors.prove(desk.store, key, anchors.read(path)).ok
    for changed in ([whole[0], whole[2]], [whole[1], whole[2]], [whole[0].replace('"seq": 1', '"seq": 2'), *whole[1:]]):
        path.write_text("\n".join(changed) + "\n")
        assert not anchors.prove(desk.store, key, anchors.read(path)).ok
    path.write_text("what is this\n")
    with pytest.raises(BadInput, match="line 1 is no anchor"):
        anchors.read(path)


def test_a_cut_ledger_is_found_by_the_command_and_by_a_copy_of_the_anchors(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--home", str(desk.home.path)]
    tell(desk, 3)
    assert run([*at, "audit", "anchor", "--yes"]) == 0
    (tmp_path / "copy").write_bytes(desk.home.anchors_path.read_bytes())
    desk.home.anchors_path.unlink()
    with desk.write() as tx:
        tx.execute("DROP TRIGGER event_never_deleted")
        tx.execute("DELETE FROM event WHERE seq = 3")
    assert run([*at, "audit", "verify"]) == 0
    assert run([*at, "audit", "verify", "--anchors", str(tmp_path / "copy")]) == 1
    assert "the ledger now ends before it" in capsys.readouterr().err


def test_an_export_verifies_without_tocsin_and_its_changes_are_found(desk: Desk, tmp_path: Path) -> None:
    at = ["--home", str(desk.home.path)]
    tell(desk, 4)
    file = tmp_path / "ledger.jsonl"
    assert run([*at, "audit", "export", str(file)]) == 0
    assert run([*at, "audit", "export", str(file)]) == 2
    found = re.search(r"<!-- offline -->\n```python\n(.*?)```", MANUAL.read_text("utf-8"), re.DOTALL)
    assert found is not None
    done = subprocess.run([sys.executable, "-I", "-c", found[1], str(file)], capture_output=True, text=True)
    assert done.stdout.strip() == json.loads(file.read_text().splitlines()[-1])["hash"], done.stderr
    assert run([*at, "audit", "verify", "--file", str(file)]) == 0
    assert run(["--home", str(tmp_path / "elsewhere"), "audit", "verify", "--file", str(file)]) == 0
    file.write_text(file.read_text().replace('"version":2', '"version":3', 1))
    assert run([*at, "audit", "verify", "--file", str(file)]) == 1
    file.write_text("{}\n")
    assert run([*at, "audit", "verify", "--file", str(file)]) == 2
