"""A version of a model as text: its gate with reasons, who approved it, its lineage; and two side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.pages.layout import heading
from console.view import Line, columns, line, pad, when, wrap
from core.briefing.models import VersionRow
from core.briefing.version import RuleRow, Verdict, VersionPage

WIDTHS = (7, 10, 27, 20)
TITLES = ("version", "stage", "headline", "gate")
RULE_WIDTHS = (22, 11, 10, 10)
RULE_TITLES = ("rule", "said", "value", "limit")
VERDICTS = {
    "none": ("·", "dim"),
    "unasked": ("◐", "warn"),
    "passed": ("✓", "good"),
    "waived": ("▲", "warn"),
    "ended": ("●", "bad"),
    "failed": ("●", "bad"),
}
STATES = {
    "pass": ("✓ pass", "good"),
    "fail": ("● fail", "bad"),
    "unknown": ("◐ unknown", "warn"),
    "waived": ("▲ waived", "warn"),
    "": ("· not asked", "dim"),
}


def version_line(row: VersionRow, now_us: int) -> Line:
    """One version: stage, headline measure, what the gate says, aliases, who approved it."""
    glyph, style = VERDICTS[row.verdict.state]
    told = columns((f"v{row.id}", row.stage, row.headline), WIDTHS[:3])
    gate = (pad(f"{glyph} {row.verdict.text}", WIDTHS[3]), style)
    called = f"  @{' @'.join(row.aliases)}" if row.aliases else ""
    approved = f"  ✓ {', '.join(row.approved_by)}" if row.approved_by else ""
    return line(f"{told}  ", gate, (called, "bold"), (approved, "good"), (f"  {when(row.created_us, now_us)}", "dim"))


def version_detail(row: VersionRow | None, now_us: int, width: int) -> list[Line]:
    """What can be done with the versions, and what the one under the cursor was made of."""
    if row is None:
        return [line(("  no version yet: tocsin train makes one", "dim"))]
    keys = line(
        "  ", ("enter", "key"), " gates, card, lineage   ", ("space", "key"), " mark   ", ("d", "key"), " compare"
    )
    made = f"{row.snapshot or 'no snapshot known'}, registered {when(row.created_us, now_us)}"
    metrics = "  ".join(f"{name} {_number(value)}" for name, value in row.metrics.items() if _is_number(value))
    return [
        line((f"v{row.id}", "bold"), f"  {row.stage}", (f"  model file {row.artefact[:12]}", "dim")),
        line(("  made of  ", "dim"), made),
        line(("  gate     ", "dim"), verdict_text(row.verdict, now_us)),
        line(("  approved ", "dim"), ", ".join(row.approved_by) or "by nobody yet: v approves it"),
        keys,
        (),
        *(line((f"  {piece}", "dim")) for piece in (wrap(metrics, width - 2) if metrics else [])),
    ]


def verdict_text(verdict: Verdict, now_us: int) -> str:
    """The gate's word, and when it was asked."""
    return f"{verdict.text}, asked {when(verdict.at_us, now_us)}" if verdict.at_us is not None else verdict.text


def head(page: VersionPage) -> list[Line]:
    """Which version it is, what the gate says of it, and who approved it."""
    found, at = page.version, page.header.now_us
    glyph, style = VERDICTS[page.verdict.state]
    called = f"  @{' @'.join(page.aliases)}" if page.aliases else ""
    title = line(
        (f"{found.model} v{found.version}", "bold"), f"  {found.stage}", (called, "bold"), f"  {page.headline}"
    )
    told = line(("  gate ", "dim"), (f"{glyph} {verdict_text(page.verdict, at)}", style), (f"  {page.gates}", "dim"))
    return [title, told, _approved(page), *_waived(page)]


def _approved(page: VersionPage) -> Line:
    trained = f"  trained by {page.trained_by or 'nobody the ledger knows'}"
    who = ", ".join(f"{one.actor} {when(one.at_us, page.header.now_us)}" for one in page.approvals)
    if who:
        return line(("  approved ", "dim"), (f"✓ {who}", "good"), (trained, "dim"))
    asks = ("▲ needed before a deploy", "warn") if page.critical else ("not approved", "dim")
    return line(("  approved ", "dim"), asks, (trained, "dim"), "  ", ("v", "key"), " approves")


def _waived(page: VersionPage) -> list[Line]:
    at = page.header.now_us
    return [
        line(("  ▲ waived ", "warn"), f"{one.rule} by {one.actor} until {when(one.until_us, at)}: {one.reason}")
        for one in page.waivers
    ]


def rule_line(row: RuleRow) -> Line:
    """One rule with its value, its limit and why."""
    said, style = STATES.get(row.state, (row.state, ""))
    name = row.id + (" (optional)" if row.optional else "")
    figures = columns((_number(row.measured), _number(row.limit)), RULE_WIDTHS[2:], right=(0, 1))
    told = (pad(said, RULE_WIDTHS[1]), style)
    return line(f"{pad(name, RULE_WIDTHS[0])}  ", told, f"  {figures}  ", (row.reason, "dim"))


def rule_detail(page: VersionPage, row: RuleRow | None, width: int) -> list[Line]:
    """One rule in full, and the command that asks or waives it."""
    found = page.version
    name = f"{found.model} {found.version}"
    if row is None:
        return [
            *head(page),
            (),
            line(("  no rules: ", "dim"), f"tocsin model rules set {found.model} FILE declares them"),
        ]
    said, style = STATES.get(row.state, (row.state, ""))
    lines = [*head(page), (), line((row.id, "bold"), f"  {row.kind}  ", (said, style))]
    lines += [line(f"  {piece}") for piece in wrap(row.reason, width - 2)]
    lines += [
        line(("  ▲ ", "warn"), piece) for piece in (wrap(f"waived by {row.waiver}", width - 4) if row.waiver else [])
    ]
    lines.append(line(("  ask again  ", "dim"), f"tocsin model gate {name}"))
    if row.state in ("fail", "unknown"):
        lines.append(line(("  waive      ", "dim"), f"tocsin model waive {name} {row.id} --reason TEXT --until TIME"))
    return lines


def card_lines(text: str, width: int) -> list[Line]:
    """The Markdown of a card, its headings marked; the front matter for hubs is left out."""
    body = text.split("---\n", 2)[-1] if text.startswith("---\n") else text
    lines: list[Line] = []
    for raw in body.strip().splitlines():
        if raw.startswith("#"):
            lines.append(line((raw.lstrip("# "), "head")))
        elif raw.startswith("|"):
            lines.append(line(f"  {raw}"))
        else:
            lines += [line(f"  {piece}".rstrip()) for piece in wrap(raw, width - 2)]
    return lines


def lineage_lines(page: VersionPage) -> list[Line]:
    """The tree of what it was made of and what became of it."""
    first, *rest = page.lineage
    return [line((first, "bold")), *(line(f"  {one}") for one in rest)]


def compare_body(found: Mapping[str, Any], left: int, right: int, width: int) -> list[Line]:
    """Two versions as `core.registry.compare` tells of them: measures, what differs in the making, what it is worth."""
    widths = (14, 12, 12, 12)
    lines = [
        heading("MEASURES"),
        line(("  " + columns(("", f"v{left}", f"v{right}", "change"), widths, right=(1, 2, 3)), "dim")),
    ]
    for name, pair in found["metrics"].items():
        old, new = pair["left"], pair["right"]
        change = (f"{new - old:+.4f}", "" if new == old else "bold")
        lines.append(
            line(
                "  " + columns((name, _number(old), _number(new)), widths[:3], right=(1, 2)) + "  ",
                (pad(change[0], 12, right=True), change[1]),
            )
        )
    told = [*([found["paired"]] if found["paired"] else []), found["caution"]]
    lines += [
        line(("  ▲ ", "warn") if at == 0 else "    ", piece)
        for one in told
        for at, piece in enumerate(wrap(one, width - 4))
    ]
    lines += [(), heading("MADE DIFFERENTLY")]
    lines += [
        line(f"  {pad(one['what'], 24)} ", one["left"], (" → ", "dim"), (one["right"], "bold"))
        for one in found["differences"]
    ] or [line(("  nothing differs in their making", "dim"))]
    return lines


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return (
        f"{value:,.0f}"
        if float(value).is_integer() and abs(value) >= 2
        else f"{value:.4f}"
        if abs(value) < 100
        else f"{value:,.5g}"
    )
