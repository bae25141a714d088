"""Items about a version itself: its data, what was measured of it, who looked at it, and what is written."""

from __future__ import annotations

from core.gates import origin
from core.gates.declared import Approval, Contract, Parity
from core.gates.outcome import Subject
from core.governance.proof import Proof, by_rule, open_
from core.registry import gate
from core.registry.measured import section
from core.registry.notes import notes
from core.registry.versions import load_artefact


def data(of: Subject) -> Proof:
    """The snapshot kept the contract in force."""
    return by_rule(origin.contract(Contract(name="data"), of), "`tocsin dataset show` and `tocsin dataset quarantine`")


def parity(of: Subject) -> Proof:
    """Served requests gave the same features offline."""
    return by_rule(origin.parity(Parity(name="parity"), of), f"`tocsin feature parity {of.version.model}`")


def quality(of: Subject) -> Proof:
    """Metrics on rows it never learned from."""
    return _reported(of, "metrics")


def fairness(of: Subject) -> Proof:
    """Gaps between groups were measured."""
    return _reported(of, "fairness")


def robustness(of: Subject) -> Proof:
    """Missing features, noise and values out of range were tried."""
    return _reported(of, "robustness")


def _reported(of: Subject, part: str) -> Proof:
    found, source = section(of.reports, part)
    if not found:
        return open_(f"no report has {part}", f"`tocsin evaluate {of.version.model}` measures it")
    return Proof(True, f"{source} reports {', '.join(found) if isinstance(found, dict) else f'{len(found)} groupings'}")


def gate_passed(of: Subject) -> Proof:
    """The rules in force let this very file pass."""
    model, number = of.version.model, of.version.version
    if gate.in_force(of.desk.store, model) is None:
        return open_("no gate is declared", f"`tocsin model rules set {model} gates.toml`")
    gate.require_passed(of.desk.store, model, number, of.desk.now_us())
    last = gate.standing(of.desk.store, model, number)
    assert last is not None
    return Proof(True, f"result {last.id} of {len(last.results)} rules, {len(last.named('waived'))} waived")


def approved(of: Subject) -> Proof:
    """Somebody else than who trained it approved it."""
    next_step = f"`tocsin model approve {of.version.model} {of.version.version}`"
    return by_rule(origin.approval(Approval(name="approval"), of), next_step)


def reference(of: Subject) -> Proof:
    """The model file holds the distributions that drift is measured against."""
    found = load_artefact(of.desk, of.version.model, of.version.version).reference
    if not found.rows:
        return open_("the model file has no reference", "train it again")
    return Proof(True, f"{len(found.features)} inputs over {found.rows} rows on {found.days} days")


def card(of: Subject) -> Proof:
    """Somebody wrote what it is for."""
    found = notes(of.desk.store, of.version.model)
    if found is None:
        return open_("nobody has written what it is for", f"`tocsin model card {of.version.model} --notes FILE`")
    return Proof(True, f"notes {found.number} by {found.actor}")


def owner(of: Subject) -> Proof:
    """The card says whom to ask."""
    found = notes(of.desk.store, of.version.model)
    if found is None or not found.has("contact"):
        return open_("the card's notes have no heading Contact", "add one: a team, a person, a channel")
    return Proof(True, f"notes {found.number} have a contact")
