"""The rules about where a version comes from: its data, its labels, its features' parity, and who approved it."""

from __future__ import annotations

from core.clock import DAY, iso, parse_span
from core.counts.series import keys, read_sum
from core.datasets import rows as datasets
from core.gates.declared import Approval, Contract, DataAge, Labels, Parity
from core.gates.outcome import Outcome, Subject, judged, unknown
from core.monitor import labels as labelling
from core.registry.approval import approvals, trainer
from core.registry.measured import section


def contract(_rule: Contract, of: Subject) -> Outcome:
    """Whether the snapshot was held against the contract in force, and nothing of its data set waits in quarantine."""
    if of.version.snapshot_id is None:
        return unknown(None, "no snapshot is known that it was trained on")
    store = of.desk.store
    snapshot = datasets.snapshot_by_id(store, of.version.snapshot_id)
    name = f"{snapshot.dataset}/{snapshot.number}"
    force = datasets.contract_or_none(store, snapshot.dataset)
    if force is None or snapshot.contract_id is None:
        return unknown(None, f"{name} was held against no contract")
    if force.id != snapshot.contract_id:
        return judged(False, None, None, f"{name} was never held against contract v{force.version}, now in force")
    waiting = sum(each.dataset == snapshot.dataset for each in datasets.quarantine(store))
    reason = f"{name} kept contract v{force.version}; {waiting} files of {snapshot.dataset} in quarantine"
    return judged(waiting == 0, float(waiting), 0.0, reason)


def parity(rule: Parity, of: Subject) -> Outcome:
    """Whether the features were the same offline as when they were served, by the newest replay."""
    replays = [each for each in of.reports if each.purpose == "parity"]
    rows, source = section(replays, "rows")
    if not isinstance(rows, int) or rows < rule.least_rows:
        return unknown(0.0, f"fewer than {rule.least_rows} served requests were replayed: `tocsin feature parity`")
    differing = replays[0].report.get("differing")
    if not isinstance(differing, int):
        return unknown(0.0, f"{source} does not say how many differ")
    return judged(differing == 0, float(differing), 0.0, f"{differing} of {rows} requests differ, {source}")


def data_age(rule: DataAge, of: Subject) -> Outcome:
    """The age of the newest row it learned from, in days."""
    limit = parse_span(rule.at_most) / DAY
    snapshot = datasets.snapshot_by_id(of.desk.store, of.version.snapshot_id) if of.version.snapshot_id else None
    if snapshot is None or snapshot.time_to_us is None:
        return unknown(limit, "it is not known until when its data reach")
    age = (of.desk.now_us() - snapshot.time_to_us) / DAY
    return judged(age <= limit, age, limit, f"days since {iso(snapshot.time_to_us)}, the newest row of its data")


def labels(rule: Labels, of: Subject) -> Outcome:
    """How old the newest label is, and how many of the late predictions have theirs."""
    if rule.age_at_most:
        limit = parse_span(rule.age_at_most) / DAY
        newest = labelling.stats(of.desk.store, of.version.model).last_us
        if newest is None:
            return unknown(limit, "the model has no labels from its service")
        age = (of.desk.now_us() - newest) / DAY
        fresh = judged(age <= limit, age, limit, "days since its newest label")
        if fresh.state == "fail" or rule.coverage_at_least is None:
            return fresh
    return _coverage(rule, of)


def _coverage(rule: Labels, of: Subject) -> Outcome:
    predicted = _counted(of, "score", rule.over)
    labelled = _counted(of, "score.pos", rule.over) + _counted(of, "score.neg", rule.over)
    if not predicted:
        return unknown(rule.coverage_at_least, f"the model predicted nothing in the last {rule.over}")
    share = labelled / predicted
    reason = f"{labelled} of {predicted} predictions of the last {rule.over} have their label"
    return judged(share >= (rule.coverage_at_least or 0.0), share, rule.coverage_at_least, reason)


def _counted(of: Subject, kind: str, over: str) -> int:
    now = of.desk.now_us()
    found = keys(of.desk.store, kind=kind, model=of.version.model)
    return sum(sum(read_sum(of.desk.store, key, now - parse_span(over), now)) for key in found)


def approval(rule: Approval, of: Subject) -> Outcome:
    """How many others than who trained it have approved it."""
    store, model, number = of.desk.store, of.version.model, of.version.version
    by = trainer(store, model, number)
    others = [each.actor for each in approvals(store, model, number) if each.actor != by]
    reason = f"approved by {', '.join(others)}" if others else "nobody else than who trained it has approved it"
    return judged(len(others) >= rule.at_least, float(len(others)), float(rule.at_least), reason)
