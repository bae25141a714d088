from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.actors import verbs as access
from core.clock import DAY, SimClock
from core.desk import Desk
from core.endpoints import deploy, rows, verbs
from core.errors import BadInput, CheckFailed, NotAllowed, NotFound
from core.gates.ask import ask_and_keep
from core.gates.declared import declare
from core.gates.job import gate as gate_job
from core.ledger import timeline
from core.registry import approval, gate, waivers
from core.registry.versions import promote
from tests.gates.scene import REPORT, by, evaluate, rules, version

Run = Callable[..., tuple[int, str, str]]
FLOOR = '[[rule]]\nname = "floor"\nkind = "metric"\nmetric = "auc"\nat_least = 0.705\n'
FAIR = '[[rule]]\nname = "fair"\nkind = "fairness"\ngap = "tpr"\nat_most = 0.1\n'


@pytest.fixture(autouse=True)
def _versions(desk: Desk) -> None:
    version(desk)
    version(desk)


def test_unknown_counts_as_failed_unless_the_rule_is_optional(desk: Desk, tmp_path: Path) -> None:
    result = ask_and_keep(desk, "m", 1, rules(tmp_path, FAIR))
    assert (result.passed, result.results[0]["state"]) == (False, "unknown")
    result = ask_and_keep(desk, "m", 1, rules(tmp_path, f"{FAIR}optional = true"))
    assert (result.passed, result.results[0]["state"]) == (True, "unknown")


def test_a_model_without_rules_has_no_gate_and_is_promoted_as_ever(desk: Desk) -> None:
    with pytest.raises(NotFound, match="has no gate"):
        ask_and_keep(desk, "m")
    promote(desk, "m", 1, "production")


def test_production_is_reached_only_by_the_very_file_that_passed_the_rules_in_force(desk: Desk, tmp_path: Path) -> None:
    declare(desk, "m", rules(tmp_path, FLOOR))
    with pytest.raises(CheckFailed, match="has not been through the gate"):
        promote(desk, "m", 1, "production")
    assert not ask_and_keep(desk, "m", 1).passed
    with pytest.raises(CheckFailed, match="did not pass the gate: floor"):
        promote(desk, "m", 1, "production")
    ask_and_keep(desk, "m", 1, rules(tmp_path, FLOOR.replace("0.705", "0.1")))
    with pytest.raises(CheckFailed, match="did not pass"):
        promote(desk, "m", 1, "production")
    evaluate(desk, 1, **REPORT)
    assert ask_and_keep(desk, "m", 1).passed
    with desk.store.write() as tx:
        tx.execute("UPDATE model_version SET artefact = 'f00' WHERE version = 1")
    with pytest.raises(CheckFailed, match="has not been through"):
        promote(desk, "m", 1, "production")
    evaluate(desk, 2, **REPORT)
    ask_and_keep(desk, "m", 2)
    declare(desk, "m", rules(tmp_path, FLOOR + FAIR))
    with pytest.raises(CheckFailed, match="has not been through"):
        promote(desk, "m", 2, "production")
    ask_and_keep(desk, "m", 2)
    assert promote(desk, "m", 2, "production").stage == "production"


def test_a_critical_model_is_deployed_past_its_gate_and_rolled_back_without(desk: Desk, tmp_path: Path) -> None:
    verbs.add(desk, "prod", "http://127.0.0.1:1", "env:TOCSIN_TEST_TOKEN")
    for number in (1, 2):
        one = deploy.request(desk, "prod", "m", number)
        with desk.store.write() as tx:
            tx.execute(rows.SET_APPLIED, (desk.now_us(), one.id))
            tx.execute("UPDATE outbox SET state = 'done' WHERE deployment = ?", (one.id,))
    version(desk)
    declare(desk, "m", rules(tmp_path, FLOOR))
    approval.mark_critical(desk, "m", on=True)
    approval.approve(by(desk, "bo"), "m", 3)
    with pytest.raises(CheckFailed, match="has not been through the gate"):
        deploy.request(desk, "prod", "m", 3)
    with pytest.raises(CheckFailed, match="has not been through the gate"):
        deploy.rollback(desk, "prod", "m", to=3, reason="by the back door")
    assert deploy.rollback(desk, "prod", "m", reason="worse").version == 1
    evaluate(desk, 3, **REPORT)
    ask_and_keep(desk, "m", 3)
    assert deploy.request(desk, "prod", "m", 3).state == "queued"


def test_a_waiver_is_anothers_has_a_reason_and_ends(desk: Desk, clock: SimClock, tmp_path: Path) -> None:
    declare(desk, "m", rules(tmp_path, FLOOR))
    until = desk.now_us() + DAY
    with pytest.raises(NotAllowed, match="ana trained"):
        waivers.waive(desk, "m", 1, "floor", reason="it is fine", until_us=until)
    with pytest.raises(BadInput, match="reason"):
        waivers.waive(by(desk, "bo"), "m", 1, "floor", reason=" ", until_us=until)
    with pytest.raises(BadInput, match="passed already"):
        waivers.waive(by(desk, "bo"), "m", 1, "floor", reason="late", until_us=desk.now_us())
    waivers.waive(by(desk, "bo"), "m", 1, "floor", reason="a holiday", until_us=until)
    result = ask_and_keep(desk, "m", 1)
    assert (result.passed, result.until_us, result.results[0]["state"]) == (True, until, "waived")
    assert result.results[0]["waiver"]["instead_of"] == "fail"
    gate.require_passed(desk.store, "m", 1, until - 1)
    clock.set(until)
    with pytest.raises(CheckFailed, match="a waiver that ended"):
        promote(desk, "m", 1, "production")
    assert not ask_and_keep(desk, "m", 1).passed
    assert not ask_and_keep(desk, "m", 2).passed
    told = [event.kind for event in timeline(desk.store, kinds=["model.waived", "model.gated", "model.gates"])]
    assert told == ["model.gates", "model.waived", *["model.gated"] * 3]


def test_declaring_and_waiving_ask_for_an_approver(desk: Desk, tmp_path: Path) -> None:
    gates = rules(tmp_path, FLOOR)
    access.grant(desk, "ana", "admin")
    access.grant(desk, "olu", "operator")
    with pytest.raises(NotAllowed, match="asks for approver"):
        declare(by(desk, "olu"), "m", gates)
    with pytest.raises(NotAllowed, match="asks for approver"):
        waivers.waive(by(desk, "olu"), "m", 1, "floor", reason="r", until_us=desk.now_us() + 1)
    declare(desk, "m", gates)
    assert declare(desk, "m", gates).number == 1
    assert ask_and_keep(by(desk, "olu"), "m", 1).actor == "olu"
    assert waivers.waivers(desk.store, "m", 1) == []


def test_rules_of_another_model_are_not_taken_for_this_one(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="for other, not for m"):
        declare(desk, "m", rules(tmp_path, f'model = "other"\n{FLOOR}'))
    with pytest.raises(NotFound):
        declare(desk, "nobody", rules(tmp_path, FLOOR))


def test_the_ledger_keeps_no_measured_value(desk: Desk, tmp_path: Path) -> None:
    ask_and_keep(
        desk, "m", 1, rules(tmp_path, '[[rule]]\nname = "fast"\nkind = "latency"\nat_most_ms = 1e6\nrows = 10')
    )
    (event,) = timeline(desk.store, kinds=["model.gated"])
    assert set(event.data) == {"gates", "artefact", "passed", "fail", "unknown", "waived"}


def test_the_job_asks_the_rules_or_one_bound(desk: Desk, tmp_path: Path) -> None:
    said: list[str] = []
    bound = {"model": "m", "metric": "auc", "at_least": "0.6"}
    assert gate_job(desk, bound, lambda share, text: said.append(text))["passed"]
    assert said == ["m v2: 1 of 1 rules hold"]
    with pytest.raises(CheckFailed, match="m v1 does not pass: bound"):
        gate_job(desk, {**bound, "at_least": 0.9, "version": 1}, lambda share, text: None)
    for wrong in ({}, {"model": "m", "metric": "auc"}, {"model": "m", "metric": "auc", "at_least": "high"}):
        with pytest.raises(BadInput):
            gate_job(desk, wrong, lambda share, text: None)
    declare(desk, "m", rules(tmp_path, FLOOR))
    with pytest.raises(CheckFailed, match="floor"):
        gate_job(desk, {"model": "m@latest"}, lambda share, text: None)


def test_the_gate_from_the_command_line_as_ci_reads_it(
    desk: Desk, tocsin: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gates.toml"
    file.write_text(FLOOR + f"{FAIR}optional = true")
    assert tocsin("model", "gate", "m", "1")[0] == 3
    code, out, _ = tocsin("model", "gate", "m", "1", "--file", str(file), "--dry-run", "--json")
    told = json.loads(out)
    assert code == 1
    assert [*told] == ["model", "version", "artefact", "gates", "passed", "until", "at", "by", "results"]
    assert [each["state"] for each in told["results"]] == ["fail", "unknown"]
    keys = ["rule", "kind", "state", "measured", "limit", "optional", "reason", "waiver"]
    assert all([*each] == keys for each in told["results"])
    assert gate.results(desk.store, "m", 1) == []
    assert tocsin("model", "rules", "set", "m", str(file), "--dry-run")[0] == 0
    assert tocsin("model", "rules", "set", "m", str(file), "--yes")[0] == 0
    assert json.loads(tocsin("model", "rules", "show", "m", "--json")[1])["number"] == 1
    assert "at_least 0.705" in tocsin("model", "rules", "show", "m")[1]
    code, out, err = tocsin("model", "gate", "m", "1")
    assert (code, err.splitlines()[0]) == (1, "error: m v1 does not pass: floor (fail, measured 0.7, limit 0.705)")
    assert tocsin("model", "promote", "m", "1", "production", "--dry-run")[0] == 1
    monkeypatch.setenv("TOCSIN_ACTOR", "bo")
    waive = ("model", "waive", "m", "1", "floor", "--reason", "a holiday", "--until")
    assert tocsin(*waive, "14d", "--dry-run")[0] == 0
    assert tocsin("model", "waive", "m", "1", "flor", "--reason", "r", "--until", "14d", "--yes")[0] == 2
    assert tocsin(*waive, "2013-04-02", "--yes")[0] == 0
    code, out, _ = tocsin("model", "gate", "m", "1")
    assert code == 0
    assert "waived by bo until 2013-04-02T00:00:00Z: a holiday" in out
    file.write_text(FLOOR.replace("0.705", "0.1"))
    assert "not the rules in force" in tocsin("model", "gate", "m", "1", "--file", str(file))[2]
    shown = tocsin("model", "show", "m", "--version", "1")[1]
    assert "passed" in shown
    assert "floor by bo" in shown
    assert tocsin("model", "promote", "m", "1", "production", "--yes")[0] == 0
