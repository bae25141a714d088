"""One version of a model: its gate rule by rule, who approved it, and where it stands in the lineage."""

from __future__ import annotations

from typing import Any, NamedTuple

from core.briefing.header import Header, header
from core.desk import Desk
from core.errors import BadInput
from core.governance.lineage import of_version
from core.governance.tree import lines
from core.measures.tasks import told
from core.registry import aliases, gate, waivers
from core.registry.approval import Approval, approvals, is_critical, trainer
from core.registry.versions import Version, version
from core.registry.waivers import Waiver
from core.store import Store


class Verdict(NamedTuple):
    """What the gate in force says of a version: none (no rules), unasked, passed, waived (passed by a waiver), ended
    (so, but the waiver has ended), failed; `text` in words, `at_us` when it was asked."""

    state: str
    text: str
    at_us: int | None = None


class RuleRow(NamedTuple):
    """One rule of the gate with what it said; `state` is pass, fail, unknown, waived, or empty before it was asked.

    `measured` and `limit` are in the rule's own unit, None where there is none; `waiver` who waived it, why, how long.
    """

    id: str
    kind: str
    state: str
    measured: float | None
    limit: float | None
    optional: bool
    reason: str
    waiver: str


class VersionPage(NamedTuple):
    """One version; `headline` is its first measure with the 95 % interval, `gates` which declaration is in force."""

    header: Header
    version: Version
    headline: str
    aliases: tuple[str, ...]
    critical: bool
    trained_by: str
    approvals: tuple[Approval, ...]
    verdict: Verdict
    gates: str
    rules: tuple[RuleRow, ...]
    waivers: tuple[Waiver, ...]
    lineage: tuple[str, ...]


def verdict(store: Store, model: str, number: int, now_us: int) -> Verdict:
    """What the rules in force have come to for a version. Raises NotFound."""
    if gate.in_force(store, model) is None:
        return Verdict("none", "no rules")
    last = gate.standing(store, model, number)
    if last is None:
        return Verdict("unasked", "not asked")
    if not last.passed:
        held = [one["rule"] for one in last.results if one["state"] == "fail" or _counts(one)]
        return Verdict("failed", f"failed {', '.join(held)}".rstrip(), last.created_us)
    if last.until_us is None:
        return Verdict("passed", "passed", last.created_us)
    ended = last.until_us <= now_us
    return Verdict("ended" if ended else "waived", "waiver ended" if ended else "passed, waived", last.created_us)


def headline(task: str, metrics: dict[str, Any]) -> str:
    """`AUC 0.703 (0.696 to 0.710)`: a version's first measure with its interval where there is one."""
    from core.measures.tasks import HEADLINES

    value, interval, _ = told(task, metrics)
    between = "" if "-" in interval.split(" to ") else f" ({interval})"
    return f"{HEADLINES[task].first[1]} {value}{between}"


def page(desk: Desk, target: str) -> VersionPage:
    """The page of the version that `MODEL 3` or `MODEL champion` names. Raises NotFound, BadInput."""
    model, _, word = target.rpartition(" ")
    if not model:
        raise BadInput(f"{target!r} names no version", "write it as MODEL VERSION")
    store, now = desk.store, desk.now_us()
    found = version(store, *aliases.named(store, model, word))
    number = found.version
    rules = gate.in_force(store, model)
    return VersionPage(
        header=header(desk),
        version=found,
        headline=headline(found.task, found.metrics),
        aliases=tuple(name for name, at in aliases.aliases(store, model).items() if at == number),
        critical=is_critical(store, model),
        trained_by=trainer(store, model, number) or "",
        approvals=tuple(approvals(store, model, number)),
        verdict=verdict(store, model, number, now),
        gates="" if rules is None else f"declaration {rules.number} by {rules.actor}",
        rules=_rules(store, rules, model, number),
        waivers=tuple(waivers.in_force(store, model, number, now).values()),
        lineage=tuple(lines(of_version(desk, model, number))),
    )


def _rules(store: Store, rules: gate.KeptGates | None, model: str, number: int) -> tuple[RuleRow, ...]:
    """The answers of the newest asking; before it the rules as they are declared."""
    if rules is None:
        return ()
    last = gate.standing(store, model, number)
    if last is not None:
        return tuple(_answered(one) for one in last.results)
    return tuple(
        RuleRow(str(one["name"]), str(one["kind"]), "", None, None, bool(one.get("optional")), "not asked yet", "")
        for one in rules.spec["rule"]
    )


def _answered(one: dict[str, Any]) -> RuleRow:
    waived = one.get("waiver")
    said = f"{waived['by']} until {waived['until']}: {waived['reason']}" if waived else ""
    state, optional = str(one["state"]), bool(one["optional"])
    return RuleRow(one["rule"], one["kind"], state, one["measured"], one["limit"], optional, one["reason"], said)


def _counts(one: dict[str, Any]) -> bool:
    """Whether a rule that stayed unknown holds the version up."""
    return one["state"] == "unknown" and not one["optional"]
