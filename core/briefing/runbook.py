"""Runbooks: which there are, how many steps one has, and the walks that were made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from core.briefing.header import Header, header
from core.briefing.incident import ONE, Incident, incident_of
from core.desk import Desk

_STEP = re.compile(r"^```+\s*step\s*$", re.MULTILINE)
STARTER = Path(__file__).parents[1] / "runbooks" / "starter"
STEPS = "SELECT step, state, done_us FROM walk_step WHERE walk = ? ORDER BY number"


class Done(NamedTuple):
    """A step that was taken: passed, failed, skipped, or unknown where a crash lost the answer."""

    step: str
    state: str
    done_us: int | None


class WalkPage(NamedTuple):
    """What a walk's screen shows beside the step itself: the incident, the timer, what was already done."""

    header: Header
    incident: Incident | None
    started_us: int | None
    done: tuple[Done, ...]


def step_count(desk: Desk, runbook: str) -> int:
    """How many steps a runbook has, counted without reading them; 0 where there is no such file.

    The first screen asks this, so the YAML in the steps is not parsed.
    """
    if not runbook or not re.fullmatch(r"[a-z0-9-]+", runbook):
        return 0
    for place in (desk.home.runbooks_path / f"{runbook}.md", STARTER / f"{runbook}.md"):
        try:
            return len(_STEP.findall(place.read_text()))
        except OSError:
            continue
    return 0


def walk(desk: Desk, incident_id: int | None, walk_id: int | None) -> WalkPage:
    """The page around a walk; steps are empty before the first one was taken."""
    row = desk.store.one(ONE, (incident_id,)) if incident_id is not None else None
    found = desk.store.one("SELECT * FROM walk WHERE id = ?", (walk_id,)) if walk_id is not None else None
    steps = desk.store.read(STEPS, (walk_id,)) if walk_id is not None else []
    return WalkPage(
        header=header(desk),
        incident=incident_of(desk, row) if row else None,
        started_us=found["started_us"] if found else None,
        done=tuple(Done(one["step"], one["state"], one["done_us"]) for one in steps),
    )
