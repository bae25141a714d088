"""Screens by name; each module is loaded when its screen is first opened, so that the first one paints at once."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from core.errors import NotFound

if TYPE_CHECKING:
    from console.screens.sheet import Sheet
    from core.desk import Desk

# Name -> module:class; the first ones are reached by their number.
SCREENS = {
    "now": "console.screens.now:NowScreen",
    "incidents": "console.screens.incidents:IncidentsScreen",
    "models": "console.screens.models:ModelsScreen",
    "jobs": "console.screens.jobs:JobsScreen",
    "datasets": "console.screens.datasets:DatasetsScreen",
    "ledger": "console.screens.ledger:LedgerScreen",
    "outbox": "console.screens.queues:OutboxScreen",
    "schedules": "console.screens.queues:SchedulesScreen",
    "incident": "console.screens.incidents:IncidentScreen",
    "model": "console.screens.models:ModelScreen",
    "job": "console.screens.jobs:JobScreen",
    "dataset": "console.screens.datasets:DatasetScreen",
    "diff": "console.screens.datasets:DiffScreen",
    "version": "console.screens.versions:VersionScreen",
    "compare": "console.screens.versions:CompareScreen",
    "runbook": "console.screens.runbook:RunbookScreen",
}
NUMBERED = ("now", "incidents", "models", "jobs", "datasets", "ledger", "outbox", "schedules")


def make(desk: Desk, name: str, target: str = "") -> Sheet:
    """A new screen. Raises NotFound for a name that is none."""
    if name not in SCREENS:
        raise NotFound(f"there is no screen {name!r}", f"there are {', '.join(NUMBERED)}")
    module, _, kind = SCREENS[name].partition(":")
    sheet: Sheet = getattr(import_module(module), kind)(desk, target)
    return sheet
