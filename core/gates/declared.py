"""The rules of a gate as a team writes them: one TOML file, every field known, every error naming the rule."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from core.clock import parse_span
from core.desk import Desk
from core.errors import BadInput
from core.ledger.chain import canonical
from core.registry import gate

Positive = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
End = Literal["value", "low", "high"]
HINT = "`tocsin help registry` shows every kind of rule"


class Rule(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="kind", omit_defaults=True):
    """What all rules have: a name, and whether it may stay unknown."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    optional: bool = False


class Metric(Rule, tag="metric", frozen=True, kw_only=True):
    """A figure of the newest report, by its name among the metrics or its dotted path, within bounds.

    `on` says what of its interval is held against them: the value, or its low or high end.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    on: End = "value"
    purpose: str = ""


class Regression(Rule, tag="regression", frozen=True, kw_only=True):
    """Not worse than the version in production by more than a margin.

    Where the report compares the two on the same rows, the end of the paired interval is held against the margin
    (`on = "interval"`), or the difference itself. `better` is known for the usual metrics.
    """

    metric: str
    margin: NotNegative = 0.0
    on: Literal["interval", "value"] = "interval"
    better: Literal["", "higher", "lower"] = ""


class Fairness(Rule, tag="fairness", frozen=True, kw_only=True):
    """A gap between groups: selection_rate, tpr, fpr or calibration; by the columns named, else by all reported."""

    gap: str
    at_most: NotNegative
    by: tuple[str, ...] = ()
    on: Literal["value", "high"] = "value"


class Robustness(Rule, tag="robustness", frozen=True, kw_only=True):
    """The most that a trial costs: a missing feature, noise, values out of range; of one feature, else of the worst."""

    trial: Literal["missing", "noise", "out_of_range"]
    at_most: NotNegative
    feature: str = ""


class Parity(Rule, tag="parity", frozen=True, kw_only=True):
    """Requests that were served, replayed through the offline path, gave what they gave then."""

    least_rows: Positive = 1


class Contract(Rule, tag="contract", frozen=True, kw_only=True):
    """The snapshot it learned from was held against the contract in force, and no file of it waits in quarantine."""


class Latency(Rule, tag="latency", frozen=True, kw_only=True):
    """The p95 of scoring one row in process, here and now; it depends on the machine."""

    at_most_ms: NotNegative
    rows: Positive = 1000


class LiveLatency(Rule, tag="live-latency", frozen=True, kw_only=True):
    """The p95 of the requests that endpoints counted lately; of the model where the version was not served yet."""

    at_most_ms: NotNegative
    over: str = "1d"


class Size(Rule, tag="size", frozen=True, kw_only=True):
    """The size of the model file."""

    at_most_mb: NotNegative


class Labels(Rule, tag="labels", frozen=True, kw_only=True):
    """How much of what the model predicted lately has its label, and how old the newest label is."""

    coverage_at_least: Share | None = None
    age_at_most: str = ""
    over: str = "30d"


class DataAge(Rule, tag="data-age", frozen=True, kw_only=True):
    """The age of the newest row that the version learned from."""

    at_most: str


class Approval(Rule, tag="approval", frozen=True, kw_only=True):
    """Approvals by others than who trained it."""

    at_least: Positive = 1


AnyRule = (
    Metric
    | Regression
    | Fairness
    | Robustness
    | Parity
    | Contract
    | Latency
    | LiveLatency
    | Size
    | Labels
    | DataAge
    | Approval
)


class Gates(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The rules of one gate; `model` where they are meant for one alone."""

    rule: Annotated[tuple[AnyRule, ...], msgspec.Meta(min_length=1)]
    model: str = ""

    @property
    def plain(self) -> dict[str, Any]:
        """Plain data that `of_plain` reads back as the same rules; what is default is left out."""
        return {"rule": [msgspec.to_builtins(rule) for rule in self.rule], "model": self.model}

    @property
    def sha256(self) -> str:
        """The hash of what the rules say, however the file was written."""
        return hashlib.sha256(canonical(self.plain).encode()).hexdigest()


def read(path: Path) -> Gates:
    """The rules of a TOML file. Raises BadInput naming the rule and field that do not fit."""
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=Gates)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", "name a file of rules") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: {error}", HINT) from error
    _check(found, str(path))
    return found


def of_plain(spec: Any) -> Gates:
    """The rules that were kept. Raises BadInput where a newer tocsin wrote them."""
    try:
        return msgspec.convert(spec, type=Gates)
    except msgspec.ValidationError as error:
        raise BadInput(f"the rules that were kept cannot be read here: {error}", "upgrade tocsin") from error


def declare(desk: Desk, model: str, gates: Gates) -> gate.KeptGates:
    """Put rules in force for a model. Raises NotFound, BadInput for another model's, NotAllowed below an approver."""
    require_for(gates, model)
    return gate.keep(desk, model, gates.sha256, gates.plain)


def require_for(gates: Gates, model: str) -> None:
    """Raises BadInput where the rules say that they are another model's."""
    if gates.model not in ("", model):
        raise BadInput(f"these rules are for {gates.model}, not for {model}", "name that model's file")


def _check(gates: Gates, where: str) -> None:
    names = [rule.name for rule in gates.rule]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise BadInput(f"{where}: two rules are named {twice!r}", "waivers go by the name: give each its own")
    for rule in gates.rule:
        try:
            _check_rule(rule)
        except BadInput as error:
            raise BadInput(f"{where}: rule {rule.name!r}: {error.message}", error.hint or HINT) from error


def _check_rule(rule: AnyRule) -> None:
    if isinstance(rule, Metric) and rule.at_least is None and rule.at_most is None:
        raise BadInput("it has no bound", "give at_least, at_most or both")
    if isinstance(rule, Labels) and rule.coverage_at_least is None and not rule.age_at_most:
        raise BadInput("it has no bound", "give coverage_at_least, age_at_most or both")
    for field in rule.__struct_fields__:
        if isinstance(value := getattr(rule, field), float) and not math.isfinite(value):
            raise BadInput(f"{field} is {value}", "a bound is a finite number")
    for field in ("over", "age_at_most"):
        if getattr(rule, field, ""):
            parse_span(getattr(rule, field))
    if isinstance(rule, DataAge):
        parse_span(rule.at_most)
