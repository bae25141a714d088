"""What one rule says of one version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.desk import Desk
from core.registry.measured import Measured
from core.training.record import Version


@dataclass(frozen=True)
class Outcome:
    """`state` is pass, fail or unknown; `measured` and `limit` in the rule's own unit, None where there is none."""

    state: str
    measured: float | None
    limit: float | None
    reason: str


@dataclass(frozen=True)
class Subject:
    """The version that is asked about, what was measured of it, and the version in production (None: there is none)."""

    desk: Desk
    version: Version
    reports: Sequence[Measured]
    champion: Version | None


def judged(held: bool, measured: float | None, limit: float | None, reason: str) -> Outcome:
    """Pass where it held, else fail."""
    return Outcome("pass" if held else "fail", measured, limit, reason)


def unknown(limit: float | None, reason: str) -> Outcome:
    """Nothing was measured that could decide it."""
    return Outcome("unknown", None, limit, reason)
