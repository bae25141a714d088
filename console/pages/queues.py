"""The outbox and the schedules as text."""

from __future__ import annotations

from collections.abc import Sequence

from console.pages.jobs import schedule_line
from console.pages.layout import heading
from console.view import Line, ago, columns, fit, line, pad, when
from core.briefing.jobs import ScheduleRow
from core.briefing.outbox import Message, OutboxPage
from core.clock import span

GLYPHS = {"waiting": ("▲", "warn"), "claimed": ("◐", "info"), "done": ("✓", "good"), "dead": ("●", "bad")}
WORDS = {"waiting": "queued", "claimed": "on its way", "done": "applied", "dead": "refused"}


def outbox_body(page: OutboxPage, width: int) -> list[Line]:
    """Every message, those that wait first."""
    if not page.messages:
        return [(), line(("  Nothing was ever sent.", "dim")), line(("  tocsin deploy start queues a message.", "dim"))]
    note = "queued is not applied on the endpoint"
    return [
        fit(one, width) for one in (heading("OUTBOX", note), *(_message(m, page.header.now_us) for m in page.messages))
    ]


def _message(one: Message, at: int) -> Line:
    glyph, style = GLYPHS.get(one.state, ("·", ""))
    open_ = one.state in ("waiting", "claimed")
    told = f"for {ago(one.created_us, at)}" if open_ else when(one.done_us or one.created_us, at)
    retry = f"  attempt {one.attempts}, next in {span(max(0, one.next_us - at))}" if open_ and one.attempts else ""
    cells = columns((told, one.endpoint, one.action, one.what), (11, 12, 9, 22))
    said = pad(f"{glyph} {WORDS.get(one.state, one.state)}", 13)
    return line("  ", (said, style), cells, (f"{retry}  {one.error}".rstrip(), "dim"))


def schedules_body(rows: Sequence[ScheduleRow], now_us: int, width: int) -> list[Line]:
    """Every schedule, the next to run first."""
    if not rows:
        return [(), line(("  No schedule yet: tocsin schedule add --help", "dim"))]
    return [fit(one, width) for one in (heading("SCHEDULES"), *(schedule_line(row, now_us) for row in rows))]
