"""A model's declared gates as they were kept, the results of asking them, and who may not go on without one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.clock import iso
from core.desk import Desk
from core.errors import CheckFailed
from core.registry.approval import is_critical, require_approved
from core.registry.versions import require_model, version
from core.store import Row, Store, Tx

IN_FORCE = "SELECT * FROM gates WHERE model = ? ORDER BY number DESC LIMIT 1"
KEEP = """INSERT INTO gates(model, number, sha256, spec, actor, created_us)
VALUES (:model, (SELECT coalesce(max(number), 0) + 1 FROM gates WHERE model = :model), :sha256, :spec, :actor, :now)"""
ADD = """INSERT INTO gate_result(model, version, artefact, gates, passed, results, until_us, actor, created_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
RESULTS = "SELECT * FROM gate_result WHERE model = ? AND version = ? ORDER BY id DESC"
BY_ID = "SELECT * FROM gate_result WHERE id = ?"


@dataclass(frozen=True)
class KeptGates:
    """The rules of a model as they were declared, the `number`th time; `sha256` is that of their canonical form."""

    model: str
    number: int
    sha256: str
    spec: dict[str, Any]
    actor: str
    created_us: int

    @classmethod
    def of(cls, row: Row) -> KeptGates:
        """The gates of a row of their table."""
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name != "spec"}
        return cls(spec=json.loads(row["spec"]), **plain)


@dataclass(frozen=True)
class GateResult:
    """What the rules `gates` said of the model file `artefact`, rule by rule; where something was waived, the result
    holds until `until_us`."""

    id: int
    model: str
    version: int
    artefact: str
    gates: str
    passed: bool
    results: list[dict[str, Any]]
    until_us: int | None
    actor: str
    created_us: int

    @classmethod
    def of(cls, row: Row) -> GateResult:
        """The result of a row of its table."""
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name not in ("passed", "results")}
        return cls(passed=bool(row["passed"]), results=json.loads(row["results"]), **plain)

    def named(self, state: str) -> list[str]:
        """The rules that came out in one state."""
        return [each["rule"] for each in self.results if each["state"] == state]


def in_force(store: Store | Tx, model: str) -> KeptGates | None:
    """The rules declared last; None where none were."""
    row = store.one(IN_FORCE, (model,))
    return KeptGates.of(row) if row else None


def keep(desk: Desk, model: str, sha256: str, spec: Mapping[str, Any]) -> KeptGates:
    """Declare a model's rules; those already in force are not kept twice. Raises NotFound, NotAllowed."""
    with desk.write() as tx:
        require_model(tx, model)
        now = in_force(tx, model)
        if now is not None and now.sha256 == sha256:
            return now
        values = {"model": model, "sha256": sha256, "spec": json.dumps(spec), "actor": desk.actor, "now": desk.now_us()}
        tx.execute(KEEP, values)
        kept = in_force(tx, model)
        assert kept is not None
        desk.record(tx, "model.gates", model=model, data={"number": kept.number, "gates": sha256})
        return kept


def add(desk: Desk, result: GateResult) -> GateResult:
    """Keep a result, with its event; `id`, actor and time are made here."""
    values = (result.model, result.version, result.artefact, result.gates, int(result.passed))
    with desk.write() as tx:
        row = (*values, json.dumps(result.results), result.until_us, desk.actor, desk.now_us())
        number = tx.execute(ADD, row).lastrowid
        data = {"gates": result.gates, "artefact": result.artefact, "passed": result.passed}
        states = {state: result.named(state) for state in ("fail", "unknown", "waived")}
        desk.record(tx, "model.gated", model=result.model, version=result.version, data={**data, **states})
        kept = tx.one(BY_ID, (number,))
    assert kept is not None
    return GateResult.of(kept)


def results(store: Store | Tx, model: str, number: int) -> list[GateResult]:
    """The results of a version, the newest first."""
    return [GateResult.of(row) for row in store.read(RESULTS, (model, number))]


def standing(store: Store | Tx, model: str, number: int) -> GateResult | None:
    """The newest result by the rules in force on the file the version has now; None where there is none."""
    rules, found = in_force(store, model), version(store, model, number)
    fitting = (found.artefact, rules.sha256) if rules else None
    return next((each for each in results(store, model, number) if (each.artefact, each.gates) == fitting), None)


def require_passed(store: Store | Tx, model: str, number: int, now_us: int) -> None:
    """Raises CheckFailed where the rules in force have not let this very model file pass; a model without rules may go.

    A pass that rests on a waiver ends with it.
    """
    if in_force(store, model) is None:
        return
    last = standing(store, model, number)
    ask = f"`tocsin model gate {model} {number}` asks the rules"
    if last is None:
        raise CheckFailed(f"{model} v{number} has not been through the gate", ask)
    if not last.passed:
        raise CheckFailed(f"{model} v{number} did not pass the gate: {_words(last)}", f"{ask} again")
    if last.until_us is not None and last.until_us <= now_us:
        raise CheckFailed(f"{model} v{number} passed by a waiver that ended at {iso(last.until_us)}", f"{ask} again")


def require_cleared(store: Store | Tx, model: str, number: int, now_us: int) -> None:
    """Raises CheckFailed for a version of a critical model that nobody approved, or that did not pass its gate."""
    require_approved(store, model, number)
    if is_critical(store, model):
        require_passed(store, model, number, now_us)


def _words(result: GateResult) -> str:
    held = [each["rule"] for each in result.results if each["state"] == "fail" or _counts(each)]
    return ", ".join(held)


def _counts(answer: Mapping[str, Any]) -> bool:
    """Whether a rule that stayed unknown counts as failed."""
    return answer["state"] == "unknown" and not answer["optional"]
