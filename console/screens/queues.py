"""The outbox, and the schedules."""

from __future__ import annotations

from console.pages.queues import outbox_body, schedules_body
from console.screens.sheet import Hints, Sheet
from console.view import Line
from core.briefing.jobs import ScheduleRow, schedules
from core.briefing.outbox import OutboxPage, outbox


class OutboxScreen(Sheet):
    """What waits to be applied on an endpoint."""

    NAME = "outbox"

    def read(self) -> OutboxPage:
        return outbox(self.desk)

    def page(self, found: OutboxPage, width: int, height: int) -> list[Line]:
        return outbox_body(found, width)

    def hints(self) -> Hints:
        return (("j/k", "scroll"), ("3", "models"))


class SchedulesScreen(Sheet):
    """What runs again and again, and when next."""

    NAME = "schedules"

    def read(self) -> list[ScheduleRow]:
        return schedules(self.desk)

    def page(self, found: list[ScheduleRow], width: int, height: int) -> list[Line]:
        return schedules_body(found, self.desk.now_us(), width)

    def hints(self) -> Hints:
        return (("4", "jobs"), ("j/k", "scroll"))
