"""Infrastructure, data, model or configuration: the class of an incident, with the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.clock import HOUR, span
from core.incidents.evidence import Switch, input_lines, measured_lines
from core.incidents.rows import Incident, Suspect

if TYPE_CHECKING:
    from core.monitor.skew import Skew

CLASSES = ("infrastructure", "data", "model", "configuration")
DATA_FAMILIES = {"labels": "labels stopped coming", "data": "what the endpoint counted cannot be"}
# A deploy that served longer than this before requests began to fail is not what made them fail.
AT_ONCE = HOUR


@dataclass(frozen=True)
class Finding:
    """The class of an incident and the lines that speak for it."""

    name: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "; ".join(self.lines)


def classify(found: Incident, ranked: list[Suspect], switch: Switch | None, told: Skew | None) -> Finding:
    """The class from the family of the alerts, the first suspect and what was measured around the impact start.

    `switch` is the first suspect where it is a deploy of this model here that was active, else None; `told` compares
    both sides of it, or of the impact start where there was no deploy, and is None where it could not be measured.
    """
    if found.family == "access":
        return Finding("configuration", ("requests were denied: a token, a role or a caller has changed",))
    if found.family in DATA_FAMILIES:
        return Finding("data", (DATA_FAMILIES[found.family],))
    if found.family in ("availability", "latency"):
        return _serving(found, switch)
    if switch is not None:
        return _after_deploy(switch, told)
    return _without_deploy(found, ranked, told)


def _serving(found: Incident, switch: Switch | None) -> Finding:
    fell = f"{found.family} fell"
    if switch is None:
        return Finding("infrastructure", (f"{fell} and no version was deployed in the 72 h before",))
    served = found.impact_us - switch.at_us
    if served > AT_ONCE:
        return Finding("infrastructure", (f"{fell} after v{switch.new} had served for {span(served)}",))
    return Finding("model", (f"{fell} {span(served)} after v{switch.new} was deployed",))


def _after_deploy(switch: Switch, told: Skew | None) -> Finding:
    deploy = f"v{switch.new} was deployed before the impact"
    if told is None:
        return Finding("model", (deploy, "the inputs on both sides of it could not be compared"))
    measured = tuple(measured_lines(told, switch))
    if told.skewed and told.same_inputs is not False:
        return Finding("model", ("train/serve skew", *measured))
    if told.same_inputs is False and not told.skewed:
        return Finding("data", (f"the inputs changed, beside the deploy of v{switch.new}", *measured))
    return Finding("model", (deploy, *measured))


def _without_deploy(found: Incident, ranked: list[Suspect], told: Skew | None) -> Finding:
    none = "no version was deployed in the 72 h before"
    if found.family == "missing":
        return Finding("data", (f"requests lack inputs, and {none}",))
    if told is not None and told.same_inputs is False:
        return Finding("data", (f"the inputs changed, and {none}", *input_lines(told)))
    if ranked and ranked[0].kind in ("configuration", "schema"):
        return Finding("configuration", (f"{ranked[0].title}, and {none}",))
    if ranked and ranked[0].kind in ("data", "pipeline"):
        return Finding("data", (f"{ranked[0].title}, and {none}",))
    compared = input_lines(told) if told is not None else ["the inputs could not be compared"]
    return Finding(
        "model", (f"quality fell without a deploy: the relation of inputs to labels moved; {none}", *compared)
    )
