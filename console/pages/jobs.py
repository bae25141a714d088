"""Jobs as text: a line in the list, the schedules, and one job's page."""

from __future__ import annotations

import json
from collections.abc import Iterator

from console.pages.layout import heading
from console.pages.training import Curves, curve_lines, left_text, trial_lines
from console.view import Line, columns, fit, line, meter, pad, share, spread, when, wrap
from core.briefing.jobs import JobPage, JobRow, ScheduleRow
from core.clock import span

WIDTHS = (7, 9, 15, 11, 11, 6, 9)
TITLES = ("job", "kind", "of", "state", "due", "took", "")
# From so many columns on a line has room for a sentence.
ROOMY = 110
GLYPHS = {
    "running": ("◐", "info"),
    "planned": ("·", "dim"),
    "succeeded": ("✓", "good"),
    "failed": ("●", "bad"),
    "dead": ("●", "bad"),
    "cancelled": ("▲", "warn"),
}


def row_line(row: JobRow, now_us: int, width: int) -> Line:
    """One job of the list; one that waits says why, in full where there is room."""
    glyph, style = GLYPHS.get(row.state, ("·", ""))
    took = span(row.took_us) if row.took_us is not None else "-"
    left = columns((str(row.id), row.kind, row.subject), WIDTHS[:3])
    state, due = (pad(f"{glyph} {row.state}", WIDTHS[3]), style), when(row.due_us, now_us)
    if row.waits.text:
        why = row.waits.text if width >= ROOMY else row.waits.short
        return line(f"{left}  ", state, f"  {columns((due,), WIDTHS[4:5])}  ", (why, "warn"))
    return line(f"{left}  ", state, f"  {columns((due, took), WIDTHS[4:6], right=(1,))}  ", *_end(row))


def _end(row: JobRow) -> Line:
    if row.state == "running":
        return line((meter(row.progress or 0.0, 10), "info"), f" {share(row.progress or 0.0)}")
    again = f"attempt {row.attempt}  " if row.attempt > 1 else ""
    return line((f"{again}{row.error}", "dim"))


def schedule_line(row: ScheduleRow, now_us: int) -> Line:
    """One schedule: when it next runs, or why it does not."""
    cells = columns((row.name, row.kind, row.trigger), (20, 12, 20))
    if row.trouble:
        return line(f"  {cells}  ", (f"● set aside: {row.trouble}", "bad"))
    due = "paused" if row.paused else "done" if row.next_us is None else f"in {span(max(0, row.next_us - now_us))}"
    return line(f"  {cells}  ", (due, "warn" if row.paused else ""))


def body(page: JobPage, width: int, height: int, curves: Curves) -> list[Line]:
    """One job, top to bottom; a training with its curves, a search with its trials."""
    row, at = page.row, page.header.now_us
    glyph, style = GLYPHS.get(row.state, ("·", ""))
    took = f"took {span(row.took_us)}" if row.took_us is not None else f"due {when(row.due_us, at)}"
    cost = [took]
    cost += [f"CPU {page.cpu_ms / 1000:.1f} s"] if page.cpu_ms is not None else []
    cost += [page.cost] if page.cost else []
    cost += [f"memory {page.max_rss_kb / 1024:.0f} MB"] if page.max_rss_kb is not None else []
    cost += [f"attempt {row.attempt}"] if row.attempt > 1 else []
    lines = [
        spread(
            line((f"job {row.id} {row.kind}", "bold"), f"  {row.subject}"), ((f"{glyph} {row.state}", style),), width
        ),
        line("  ", (meter(row.progress or 0.0, 30), "info"), f" {share(row.progress or 0.0)}  {_since(row)}")
        if row.state == "running"
        else line("  ", (" · ".join(cost), "dim")),
        *(line("  ", (piece, "bad")) for piece in (wrap(row.error, width - 2) if row.error else [])),
        *(line("  ", (piece, "warn")) for piece in (wrap(f"waits: {page.waits}", width - 2) if page.waits else [])),
        *(line(("  ◐ ", "info"), piece) for piece in filter(None, [left_text(page.live, row.state)])),
        (),
        *curve_lines(page.live, width, max(5, height // 3), curves),
        *trial_lines(page.live.trials, width),
        *_values("ARGUMENTS", page.args),
        *_values("RESULT", page.result),
        heading("LOG", "the last lines"),
        *(line(f"  {text}") for text in page.log or ("nothing written",)),
    ]
    return [fit(one, width) for one in lines]


def _since(row: JobRow) -> str:
    return f"for {span(row.took_us)}" if row.took_us is not None else ""


def _values(title: str, values: dict[str, object]) -> list[Line]:
    if not values:
        return []
    told = [line((f"  {pad(name, 16)} ", "dim"), value) for name, value in _flat(values)]
    return [heading(title), *told, ()]


def _flat(values: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Names and values; what is inside of one, as the metrics of a training are, on lines of its own."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value)
        elif isinstance(value, float):
            yield name, f"{value:.4g}"
        else:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
