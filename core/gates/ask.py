"""Ask a gate's rules of a version: each passes, fails, stays unknown or is waived, and the whole is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.clock import iso
from core.desk import Desk
from core.errors import CheckFailed, NotFound, TocsinError
from core.gates import cost, origin, quality
from core.gates import declared as d
from core.gates.declared import AnyRule, Gates
from core.gates.outcome import Outcome, Subject, unknown
from core.registry import gate
from core.registry.aliases import champion
from core.registry.gate import GateResult
from core.registry.measured import measured
from core.registry.versions import version
from core.registry.waivers import Waiver, in_force

ASK: dict[type, Callable[[Any, Subject], Outcome]] = {
    d.Metric: quality.metric,
    d.Regression: quality.regression,
    d.Fairness: quality.fairness,
    d.Robustness: quality.robustness,
    d.Parity: origin.parity,
    d.Contract: origin.contract,
    d.Labels: origin.labels,
    d.DataAge: origin.data_age,
    d.Approval: origin.approval,
    d.Latency: cost.latency,
    d.LiveLatency: cost.live_latency,
    d.Size: cost.size,
}


def rules(desk: Desk, model: str) -> Gates:
    """The rules in force for a model. Raises NotFound where it has none."""
    kept = gate.in_force(desk.store, model)
    if kept is None:
        raise NotFound(
            f"{model} has no gate", f"`tocsin model rules set {model} gates.toml`, or name a file with --file"
        )
    return d.of_plain(kept.spec)


def ask(desk: Desk, model: str, number: int | None = None, gates: Gates | None = None) -> GateResult:
    """Ask the rules in force, or those given, of a version, the latest without a number; nothing is written.

    The result's `id` is 0. Raises NotFound for an unknown version and for a model without rules.
    """
    found = version(desk.store, model, number)
    gates = gates or rules(desk, model)
    d.require_for(gates, model)
    now = desk.now_us()
    subject = Subject(desk, found, measured(desk.store, found), champion(desk.store, model))
    waived = in_force(desk.store, model, found.version, now)
    answers = [_answer(rule, subject, waived.get(rule.name)) for rule in gates.rule]
    used = [waived[each["rule"]].until_us for each in answers if each["state"] == "waived"]
    until = min(used, default=None)
    passed = all(_lets_pass(each) for each in answers)
    return GateResult(0, model, found.version, found.artefact, gates.sha256, passed, answers, until, desk.actor, now)


def ask_and_keep(desk: Desk, model: str, number: int | None = None, gates: Gates | None = None) -> GateResult:
    """The same, kept with its ledger event. Raises as `ask`, and NotAllowed below an operator."""
    return gate.add(desk, ask(desk, model, number, gates))


def require(result: GateResult) -> None:
    """Raises CheckFailed naming the rules that did not let it pass."""
    if not result.passed:
        held = "; ".join(_said(each) for each in result.results if not _lets_pass(each))
        raise CheckFailed(
            f"{result.model} v{result.version} does not pass: {held}",
            "mend it, or have an approver waive it: `tocsin model waive`",
        )


def to_json(result: GateResult) -> dict[str, Any]:
    """A result with stable keys and ISO times."""
    return {
        "model": result.model,
        "version": result.version,
        "artefact": result.artefact,
        "gates": result.gates,
        "passed": result.passed,
        "until": iso(result.until_us) if result.until_us is not None else None,
        "at": iso(result.created_us),
        "by": result.actor,
        "results": result.results,
    }


def _said(answer: dict[str, Any]) -> str:
    figures = [(name, answer[name]) for name in ("measured", "limit") if answer[name] is not None]
    told = ", ".join([answer["state"], *(f"{name} {value:.4g}" for name, value in figures)])
    return f"{answer['rule']} ({told})"


def _lets_pass(answer: dict[str, Any]) -> bool:
    return answer["state"] in ("pass", "waived") or (answer["state"] == "unknown" and answer["optional"])


def _answer(rule: AnyRule, subject: Subject, waiver: Waiver | None) -> dict[str, Any]:
    out = _asked(rule, subject)
    answer: dict[str, Any] = {
        "rule": rule.name,
        "kind": str(type(rule).__struct_config__.tag),
        "state": out.state,
        "measured": out.measured,
        "limit": out.limit,
        "optional": rule.optional,
        "reason": out.reason,
        "waiver": None,
    }
    if waiver is not None and not _lets_pass(answer):
        told = {"by": waiver.actor, "reason": waiver.reason, "until": iso(waiver.until_us), "instead_of": out.state}
        answer.update(state="waived", waiver=told)
    return answer


def _asked(rule: AnyRule, subject: Subject) -> Outcome:
    try:
        return ASK[type(rule)](rule, subject)
    except TocsinError as error:
        # A lost model file or snapshot is no reason to leave the other rules unasked.
        return unknown(None, error.message)
