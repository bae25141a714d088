"""The outbox and the schedules as text."""

from __future__ import annotations

from collections.abc import Sequence

from console.pages.jobs import schedule_line
from console.pages.layout import heading
from console.view import Line, Span, ago, columns, fit, line, pad, when
from core.briefing.jobs import ScheduleRow
from core.briefing.outbox import Message
from core.clock import span

GLYPHS = {"waiting": ("▲", "warn"), "claimed": ("◐", "info"), "done": ("✓", "good"), "dead": ("●", "bad")}
WORDS = {"waiting": "queued", "claimed": "on its way", "done": "applied", "dead": "refused"}
WIDTHS = (5, 11, 12, 9, 22)
TITLES = ("id", "since", "endpoint", "action", "what")


def message_line(one: Message, now_us: int) -> Line:
    """One message: queued is not applied on the endpoint."""
    open_ = one.state in ("waiting", "claimed")
    since = f"for {ago(one.created_us, now_us)}" if open_ else when(one.done_us or one.created_us, now_us)
    cells = columns((str(one.id), since, one.endpoint, one.action, one.what), WIDTHS)
    return line(_said(one), f"  {cells}", (f"  {_next(one, now_us)}{one.error}".rstrip(), "dim"))


def _said(one: Message) -> Span:
    glyph, style = GLYPHS.get(one.state, ("·", ""))
    if one.asks:
        return pad("● asks again", 13), "bad"
    if one.state == "done" and one.error:
        return pad("▲ not sent", 13), "warn"
    return pad(f"{glyph} {WORDS.get(one.state, one.state)}", 13), style


def _next(one: Message, now_us: int) -> str:
    if one.asks:
        return "c sends it, D drops it  "
    if one.behind is not None:
        return f"waits behind #{one.behind}, which asks again  "
    if one.state in ("waiting", "claimed") and one.attempts:
        return f"attempt {one.attempts}, next in {span(max(0, one.next_us - now_us))}  "
    return ""


def schedules_body(rows: Sequence[ScheduleRow], now_us: int, width: int) -> list[Line]:
    """Every schedule, the next to run first."""
    if not rows:
        return [(), line(("  No schedule yet: tocsin schedule add --help", "dim"))]
    return [fit(one, width) for one in (heading("SCHEDULES"), *(schedule_line(row, now_us) for row in rows))]
