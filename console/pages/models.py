"""Models as text: a line in the list, and one model's page."""

from __future__ import annotations

from typing import Any

from console.pages.layout import heading
from console.pages.parts import Plot, budget_line, measured, moment_line, rollback_line
from console.view import Line, columns, fit, line, measure, pad, share, spread, when
from core.briefing.models import DeploymentRow, ModelPage, ModelRow, VersionRow
from core.briefing.trends import DriftDay
from core.clock import span

WIDTHS = (18, 16, 6, 11, 19)
TITLES = ("model", "serves", "newest", "trained", "drift")
METRICS = ("auc", "accuracy", "macro_f1", "rmse", "mae", "r2", "logloss", "brier", "n")


def row_line(row: ModelRow, now_us: int) -> Line:
    """One model of the list: broken, drifted or well, by glyph and word."""
    glyph, style = ("●", "bad") if row.incident else ("◐", "warn") if "hurt" in row.verdict else ("✓", "good")
    if not row.served:
        glyph, style = "·", "dim"
    serves = ", ".join(f"v{one.version}@{one.endpoint}" for one in row.served) or "not served"
    trained = when(row.newest_us, now_us) if row.newest_us is not None else "-"
    said = f"INC-{row.incident} open" if row.incident else row.verdict or "-"
    values = (row.name + (" !" if row.critical else ""), serves, f"v{row.newest}", trained, said)
    return line((f"{glyph} ", style), columns(values, (WIDTHS[0] - 2, *WIDTHS[1:])))


def body(page: ModelPage, width: int, plot: Plot) -> list[Line]:
    """One model, top to bottom."""
    at = page.header.now_us
    parts = [
        _head(page, width),
        [heading("BUDGETS"), *(budget_line(one, width) for one in page.budgets)] if page.budgets else [],
        *(measured(trend, page.moments, width, plot, 8) for trend in page.trends),
        [heading("DRIFT BY DAY"), *(_drift(one, at) for one in page.drift[:7])] if page.drift else [],
        [heading("VERSIONS", "tab shows them with their gates"), *(_version(one, at) for one in page.versions[:5])],
        [heading("DEPLOYMENTS"), *(_deployment(one, at) for one in page.deployments)] if page.deployments else [],
        [heading("CHANGES"), *(moment_line(one, at) for one in page.moments)] if page.moments else [],
    ]
    lines: list[Line] = []
    for part in parts:
        lines.extend([*part, ()] if part else [])
    return [fit(one, width) for one in lines]


def _head(page: ModelPage, width: int) -> list[Line]:
    row, at = page.row, page.header.now_us
    critical = " critical" if row.critical else ""
    right = line((f"● INC-{row.incident} open", "bad")) if row.incident else line(("no incident", "dim"))
    lines = [spread(line((row.name, "bold"), f"  {row.task}{critical}, predicts {page.label}"), right, width)]
    for one in row.served:
        lines.append(line(f"  v{one.version} on {one.endpoint} ", (f"for {span(at - one.since_us)}", "dim")))
    if not row.served:
        lines.append(line(("  not served: tocsin deploy start --help", "dim")))
    if page.rollback is not None:
        lines.append(rollback_line(page.rollback))
    return lines


def _drift(day: DriftDay, at: int) -> Line:
    glyph = ("● ", "bad") if "hurt" in day.verdict else ("▲ ", "warn") if day.psi else ("· ", "dim")
    told = [f"PSI({name}) {psi:.2f}" for name, psi in day.psi[:3]]
    told += [f"AUC {measure(day.auc, 'auc')}"] if day.auc is not None else []
    told += [f"labels {share(day.coverage)}"] if day.coverage is not None else []
    date = pad(when(day.day_us, at).split()[0], 6)
    return line(f"  {date} ", glyph, f"v{day.version} {day.verdict.replace('_', ' ')}", (f"  {'  '.join(told)}", "dim"))


def _version(row: VersionRow, at: int) -> Line:
    told = "  ".join(f"{name} {_number(row.metrics[name])}" for name in METRICS if row.metrics.get(name) is not None)
    made = f"{row.snapshot or 'no snapshot'}  {when(row.created_us, at)}"
    style = "good" if row.stage == "production" else ""
    return line(f"  {pad(f'v{row.id}', 5)}", (pad(row.stage, 11), style), f"{pad(told, 34)} ", (made, "dim"))


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _deployment(row: DeploymentRow, at: int) -> Line:
    before = f"v{row.previous}→" if row.previous else ""
    style = {"failed": "bad", "queued": "warn", "applied": "good"}.get(row.state, "dim")
    by_itself = "automatic " if row.automatic else ""
    glyph = {"failed": "●", "queued": "▲", "applied": "✓"}.get(row.state, "·")
    text = f" {by_itself}{row.kind} {before}v{row.version} on {row.endpoint}"
    told = (pad(f"{glyph} {row.state}", 13), style)
    return line(f"  {pad(when(row.applied_us or row.requested_us, at), 12)}", told, text, (f"  {row.reason}", "dim"))
