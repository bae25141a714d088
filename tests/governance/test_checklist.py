from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from core.clock import DAY, parse_time
from core.desk import Desk
from core.errors import BadInput, NotFound
from core.gates.ask import ask_and_keep
from core.gates.declared import declare
from core.governance.checklist import NAMES, go_through
from core.registry import approval, notes, waivers
from core.registry.card import card
from tests.gates.scene import REPORT, by, evaluate, rules, version

Run = Callable[..., tuple[int, str, str]]
WORDS = "## Intended use\n\nTo try things.\n\n## Contact\n\nthe flights team\n"
GATE = '[[rule]]\nname = "floor"\nkind = "metric"\nmetric = "auc"\nat_least = 0.6\n'


@pytest.fixture(autouse=True)
def _version(desk: Desk) -> None:
    version(desk)


def states(desk: Desk, name: str, number: int | None = None) -> dict[str, str]:
    return {item["item"]: item["state"] for item in go_through(desk, name, "m", number).items}


def test_an_item_is_open_until_something_proves_it(desk: Desk, tmp_path: Path) -> None:
    before = states(desk, "pre-production")
    assert [name for name, state in before.items() if state == "proved"] == ["quality", "reference"]
    evaluate(desk, 1, **REPORT)
    evaluate(desk, 1, "parity", rows=10, differing=0)
    declare(desk, "m", rules(tmp_path, GATE))
    ask_and_keep(desk, "m", 1)
    approval.approve(by(desk, "bo"), "m", 1)
    notes.write(desk, "m", WORDS)
    assert [name for name, state in states(desk, "pre-production").items() if state == "open"] == ["data"]


def test_a_waived_item_says_who_and_is_open_again_afterwards(desk: Desk) -> None:
    waivers.waive(by(desk, "bo"), "m", 1, "item:data", reason="a toy", until_us=desk.now_us() + DAY)
    items = {item["item"]: item for item in go_through(desk, "pre-production", "m").items}
    assert items["data"]["state"] == "waived"
    assert "by bo" in items["data"]["evidence"]
    desk.clock.advance(DAY)  # type: ignore[attr-defined]
    assert states(desk, "pre-production")["data"] == "open"


def test_production_is_judged_by_what_is_there_to_operate_it(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no version in production"):
        go_through(desk, "production", "m")
    found = states(desk, "production", 1)
    assert [*found] == [name for name, _ in NAMES["production"]]
    assert {found[name] for name in ("served", "rollback", "objectives", "daemon", "dead-man", "backup")} == {"open"}
    now = desk.now_us()
    with desk.write() as tx:
        tx.execute("INSERT INTO heartbeat VALUES ('daemon', ?, 1, '')", (now,))
    desk.home.backups_path.mkdir(exist_ok=True)
    (desk.home.backups_path / "b.tar").write_bytes(b"")
    assert {states(desk, "production", 1)[name] for name in ("daemon", "backup")} == {"proved"}


def test_a_card_has_the_usual_front_matter_and_everything_that_was_said(desk: Desk, tmp_path: Path) -> None:
    assert "Nobody has written yet" in card(desk, "m")
    evaluate(desk, 1, **REPORT)
    declare(desk, "m", rules(tmp_path, GATE))
    ask_and_keep(desk, "m", 1)
    until = parse_time("2014-01-01")
    waivers.waive(by(desk, "bo"), "m", 1, "floor", reason="a holiday", until_us=until)
    approval.approve(by(desk, "bo"), "m", 1, reason="looked")
    with pytest.raises(BadInput):
        notes.write(desk, "m", " ")
    assert (notes.write(desk, "m", WORDS).number, notes.write(desk, "m", WORDS).number) == (1, 1)
    text = card(desk, "m")
    head = yaml.safe_load(text.split("---\n")[1])
    assert (head["library_name"], head["datasets"]) == ("lightgbm", ["d"])
    assert head["model-index"][0]["results"][0]["metrics"][0] == {"type": "auc", "value": 0.7}
    for said in (
        "the flights team",
        "| auc | 0.7100 (0.6900 to 0.7300) |",
        "by carrier: tpr 0.0400",
        "missing a: drop 0.0500",
        "gate: passed",
        "approved by bo",
        "waived: floor by bo until 2014-01-01T00:00:00Z: a holiday",
    ):
        assert said in text


def test_checklists_and_notes_from_the_command_line(
    tocsin: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_ACTOR", "ana")
    file = tmp_path / "m.md"
    file.write_text(WORDS)
    assert tocsin("model", "card", "m", "--notes", str(file), "--dry-run")[0] == 0
    assert tocsin("model", "card", "m", "--notes", str(file), "--yes")[1] == "m has notes 1 by ana\n"
    assert "the flights team" in tocsin("model", "card", "m@1")[1]
    code, out, err = tocsin("checklist", "pre-production", "m", "--json")
    told = json.loads(out)
    assert (code, [*told]) == (1, ["checklist", "model", "version", "passed", "items"])
    assert "m v1 is not ready for pre-production: data" in err
    assert tocsin("checklist", "production", "m")[0] == 3
    assert tocsin("checklist", "production", "m", "1")[0] == 1
