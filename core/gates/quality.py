"""The rules about quality: figures within bounds, no worse than production, fair between groups, robust."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.gates.declared import Fairness, Metric, Regression, Robustness
from core.gates.outcome import Outcome, Subject, judged, unknown
from core.registry.measured import Figure, as_figure, at_path, figure, measured, section

# What is better the smaller it is; a rule says `better` for any other.
LOWER = ("logloss", "brier", "ece", "mce", "rmse", "mae", "mape", "error", "pinball")


def metric(rule: Metric, of: Subject) -> Outcome:
    """A figure within its bounds."""
    limit = rule.at_least if rule.at_least is not None else rule.at_most
    reports = [each for each in of.reports if rule.purpose in ("", each.purpose)]
    found = figure(reports, rule.metric)
    if found is None:
        return unknown(limit, f"no report has {rule.metric}: `tocsin evaluate` measures it")
    value = found.bound(rule.on)
    if value is None:
        return unknown(limit, f"{found.source} has no interval of {rule.metric}")
    over = rule.at_most is not None and value > rule.at_most
    under = rule.at_least is not None and value < rule.at_least
    limit = rule.at_most if over else limit
    return judged(not (over or under), value, limit, f"{rule.metric}{_of(rule.on)}, {found.source}")


def _of(on: str) -> str:
    return "" if on == "value" else f" ({on} end of its interval)"


def regression(rule: Regression, of: Subject) -> Outcome:
    """No worse than the version in production by more than the margin."""
    if of.champion is None:
        return judged(True, None, -rule.margin, "nothing is in production to compare with")
    if of.champion.version == of.version.version:
        return judged(True, None, -rule.margin, "it is in production itself")
    paired = _paired(rule, of, of.champion.version)
    if paired is not None:
        gain = _gain(rule, paired)
        found = gain.low if rule.on == "interval" else gain.value
        if found is None:
            return unknown(-rule.margin, f"{paired.source} has no interval of the difference")
        end = "the low end of its gain" if rule.on == "interval" else "its gain"
        reason = f"{end} in {rule.metric} over v{of.champion.version} on the same rows, {paired.source}"
        return judged(found >= -rule.margin, found, -rule.margin, reason)
    return _unpaired(rule, of)


def _paired(rule: Regression, of: Subject, champion: int) -> Figure | None:
    for each in of.reports:
        if at_path(each.report, "against.version") == champion:
            return as_figure(at_path(each.report, f"against.difference.{rule.metric}"), each.source)
    return None


def _gain(rule: Regression, found: Figure) -> Figure:
    """A difference as how much better it is, low end first."""
    if _is_lower(rule):
        low, high = (None if end is None else -end for end in (found.high, found.low))
        return Figure(-found.value, low, high, found.source)
    return found


def _is_lower(rule: Regression) -> bool:
    return rule.better == "lower" or (not rule.better and rule.metric.rpartition(".")[2] in LOWER)


def _unpaired(rule: Regression, of: Subject) -> Outcome:
    assert of.champion is not None
    theirs = figure(measured(of.desk.store, of.champion), rule.metric)
    ours = figure(of.reports, rule.metric)
    if ours is None or theirs is None:
        return unknown(-rule.margin, f"{rule.metric} was not measured of both versions")
    gain = (theirs.value - ours.value) if _is_lower(rule) else (ours.value - theirs.value)
    rows = "" if _same_rows(of) else ", on different rows: the difference is not all the models'"
    reason = f"its gain in {rule.metric} over v{of.champion.version}, not paired{rows}"
    return judged(gain >= -rule.margin, gain, -rule.margin, reason)


def _same_rows(of: Subject) -> bool:
    assert of.champion is not None
    names = ("snapshot", "holdout_from_us")
    return all(of.version.parameters.get(name) == of.champion.parameters.get(name) for name in names)


def fairness(rule: Fairness, of: Subject) -> Outcome:
    """The widest gap between groups."""
    reported, source = section(of.reports, "fairness")
    gaps = dict(_gaps(rule, reported, source))
    known = {by: value for by, found in gaps.items() if (value := found.bound(rule.on)) is not None}
    if not known:
        wanted = f" by {', '.join(rule.by)}" if rule.by else ""
        return unknown(rule.at_most, f"no report has the gap {rule.gap}{wanted}")
    by = max(known, key=lambda each: abs(known[each]))
    reason = f"the widest gap in {rule.gap}{_of(rule.on)}, by {by}, {source}"
    return judged(abs(known[by]) <= rule.at_most, abs(known[by]), rule.at_most, reason)


def _gaps(rule: Fairness, reported: Any, source: str) -> Iterator[tuple[str, Figure]]:
    for each in reported if isinstance(reported, list) else ():
        by = each.get("by", []) if isinstance(each, Mapping) else []
        found = as_figure(at_path(each, f"gaps.{rule.gap}"), source)
        if found is not None and (not rule.by or sorted(rule.by) == sorted(by)):
            yield ", ".join(by), found


def robustness(rule: Robustness, of: Subject) -> Outcome:
    """The most that a trial costs."""
    tried, source = section(of.reports, f"robustness.{rule.trial}")
    drops = {
        str(each.get("feature", "")): float(each["drop"])
        for each in (tried if isinstance(tried, list) else ())
        if isinstance(each, Mapping) and isinstance(each.get("drop"), int | float)
    }
    if rule.feature:
        drops = {name: drop for name, drop in drops.items() if name == rule.feature}
    if not drops:
        return unknown(
            rule.at_most, f"no report has the trial {rule.trial}{f' of {rule.feature}' * bool(rule.feature)}"
        )
    worst = max(drops, key=lambda name: drops[name])
    reason = f"the drop with {rule.trial.replace('_', ' ')} {worst}, {source}"
    return judged(drops[worst] <= rule.at_most, drops[worst], rule.at_most, reason)
