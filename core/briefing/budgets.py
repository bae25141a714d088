"""Error budgets as a screen shows them: burn, what is left, when it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from core.desk import Desk

if TYPE_CHECKING:
    from core.slo.judge import Verdict
    from core.slo.status import Status


class RuleBurn(NamedTuple):
    """The burn over one rule's long window; None where nothing was counted in it."""

    window_us: int
    burn: float | None
    firing: bool


class Budget(NamedTuple):
    """One objective's budget. `burn` is how many times too fast it is spent at today's pace, `left` the share that
    remains (below 0 when overspent), `exhausted_in_us` the time until it is gone; None where there is nothing to say.

    `state` is OK, BURNING, BREACHED, NO_TRAFFIC, NO_DATA or BAD_DATA; `text` says the same in words.
    """

    slo: str
    model: str
    endpoint: str
    measure: str
    state: str
    text: str
    burn: float | None
    left: float
    bad_share: float | None
    exhausted_in_us: int | None
    provisional: bool
    rules: tuple[RuleBurn, ...]


def budgets(desk: Desk, model: str = "", endpoint: str = "") -> list[Budget]:
    """The budgets of every objective, or of one model, or of one model on one endpoint, as they stand now."""
    from core.slo.rows import slos
    from core.slo.status import measure

    now_us = desk.now_us()
    return [
        _budget(measure(desk.store, slo, now_us))
        for slo in slos(desk.store)
        if (not model or slo.model == model) and (not endpoint or slo.endpoint == endpoint)
    ]


def _budget(status: Status) -> Budget:
    slo = status.slo
    return Budget(
        slo=slo.name,
        model=slo.model,
        endpoint=slo.endpoint,
        measure=slo.measure,
        state=str(status.state),
        text=status.text,
        burn=None if status.pace is None else float(status.pace),
        left=float(status.left),
        bad_share=None if status.sli is None else float(1 - status.sli),
        exhausted_in_us=None if status.exhausted_in_us is None else int(status.exhausted_in_us),
        provisional=status.provisional,
        rules=tuple(_rule(verdict) for verdict in status.rules),
    )


def _rule(verdict: Verdict) -> RuleBurn:
    return RuleBurn(verdict.rule.long_us, None if verdict.burn is None else float(verdict.burn), bool(verdict.fired))
