"""What was measured about a change: lines a person can check, with their sample sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.clock import iso, span
from core.desk import Desk
from core.errors import TocsinError
from core.incidents.rows import Incident

if TYPE_CHECKING:
    from core.monitor.quality import Measure
    from core.monitor.skew import Skew

# How many skewed inputs are named in one line.
NAMED = 3


@dataclass(frozen=True)
class Switch:
    """A deploy as a suspect: the ledger event, and from which version to which; `old` is None for the first."""

    event: int
    at_us: int
    old: int | None
    new: int
    active: bool


def compare(desk: Desk, found: Incident, switch: Switch) -> tuple[Skew | None, list[str]]:
    """What the monitor says about the inputs and the quality around a switch; the reason instead where it cannot."""
    from core.monitor import skew

    old = switch.new if switch.old is None else switch.old
    try:
        told = skew.explain(desk, found.model, found.endpoint, old, switch.new, switch.at_us, desk.now_us())
    except TocsinError as error:
        return None, [f"inputs before and after could not be compared: {error.message}"]
    return told, measured_lines(told, switch)


def measured_lines(told: Skew, switch: Switch) -> list[str]:
    """All that was measured around a switch, what tells most first: a small screen shows one line."""
    return [*skew_lines(told, switch), *quality_lines(told, switch), *input_lines(told)]


def when_line(found: Incident, switch: Switch) -> str:
    """How long before the impact a deploy was, or that the impact is counted from it."""
    late = span(found.detected_us - switch.at_us)
    if switch.at_us == found.impact_us:
        return f"the impact is counted from this deploy ({iso(switch.at_us)}); it was detected {late} later"
    return f"{span(found.impact_us - switch.at_us)} before the impact start, {late} before it was detected"


def input_lines(told: Skew) -> list[str]:
    """Whether the live inputs changed at the switch, by KS on the samples of both sides."""
    if told.same_inputs is None:
        return ["too few samples to compare the live inputs before and after"]
    worst = f"largest KS {told.ks:.2f} in {told.ks_feature}, {told.n_before} and {told.n_after} samples"
    return [f"live inputs {'the same' if told.same_inputs else 'DIFFER'} before and after ({worst})"]


def skew_lines(told: Skew, switch: Switch) -> list[str]:
    """The inputs in which the new version's training reference is far from what it is sent (train/serve skew)."""
    old = f" (v{switch.old}'s {{:.2f}})" if switch.old is not None else ""
    named = [f"{one.feature}: PSI {one.psi_new:.2f}{old.format(one.psi_old)}" for one in told.skewed[:NAMED]]
    if not named:
        return []
    more = len(told.skewed) - NAMED
    rest = f" and {more} more" if more > 0 else ""
    return [f"v{switch.new}'s training reference differs from live inputs in {', '.join(named)}{rest}"]


def quality_lines(told: Skew, switch: Switch) -> list[str]:
    """Quality of the version before and of the version after, each with its sample size."""
    before, after = told.quality_before, told.quality_after
    if before.auc is None and after.auc is None:
        return ["no labelled predictions before or after yet"]
    return [f"AUC before {shown(before)}, after {shown(after)}"]


def shown(measure: Measure) -> str:
    """`0.53 (n 640)`, or that there is none yet."""
    return f"{measure.auc:.2f} (n {measure.n:,})" if measure.auc is not None else f"not known (n {measure.n:,})"
