"""The first screen as text: what is broken, since when, what changed, what to do; or the hand-over."""

from __future__ import annotations

from console.pages.chrome import key_line, status_line
from console.pages.layout import Section, compose, heading
from console.pages.parts import (
    FAMILIES,
    Plot,
    ack_text,
    budget_line,
    burn_text,
    gone_text,
    measured,
    moment_line,
    proof_lines,
    rollback_line,
    state_glyph,
    suspect_lines,
    trend_spans,
    trends_line,
)
from console.view import Line, ago, cells, line, pad, share, spread, when
from core.briefing.header import Header
from core.briefing.now import Firing, Handover, Lead, Now
from core.clock import span

HINTS = (("a", "ack"), ("R", "rollback"), ("b", "runbook"), ("e", "evidence"), ("n", "note"), ("l", "logs"))
QUIET_HINTS = (("1-8", "screens"), ("2", "incidents"), ("3", "models"), ("4", "jobs"))
TAIL = ((":", "find"), ("?", "help"), ("q", "quit"))


def frame(now: Now, width: int, height: int, plot: Plot | None = None) -> list[Line]:
    """The whole screen, exactly `height` lines: status line, body, key line."""
    rows = body(now, width, height - 2, plot)
    blank: list[Line] = [()] * (height - 2 - len(rows))
    return [status_line(now.header, width), *rows, *blank, key_line(hints(now), width, TAIL)]


def hints(now: Now) -> tuple[tuple[str, str], ...]:
    """The keys worth showing: those that act on the incident while there is one."""
    if now.lead is None:
        return QUIET_HINTS
    taken = now.lead.incident.acked_us is not None
    return tuple(
        ("z", "un-ack") if key == "a" and taken else (key, word)
        for key, word in HINTS
        if key != "R" or now.lead.rollback is not None
    )


def body(now: Now, width: int, height: int, plot: Plot | None = None) -> list[Line]:
    """The part between status line and key line; `plot` draws the measure where there is room for it."""
    if now.lead is not None:
        drawn = Section(_plot(now.lead, width, plot) if plot and height > 30 else [], 0, 5)
        return compose([*_lead(now.lead, now, width, height), drawn], width, height)
    if now.handover is None or _empty(now.handover, now):
        return compose([Section(_welcome(), 3, 0)], width, height)
    return compose(_handover(now.handover, now, width), width, height)


def _lead(lead: Lead, now: Now, width: int, height: int) -> list[Section]:
    at = now.header.now_us
    suspects = _suspects(lead, at, width, height)
    actions = _actions(lead)
    return [
        Section(_head(lead, at, width), 4, 0),
        Section(suspects, 2, 2),
        Section(proof_lines(lead.proof), 2, 1),
        Section(actions, min(3, len(actions)), 1),
        Section(_others(now.others, at), 2, 3),
        Section([heading("TIMELINE"), *(moment_line(one, at) for one in lead.moments)], 2, 4, tail=True),
    ]


def _head(lead: Lead, at: int, width: int) -> list[Line]:
    found = lead.incident
    glyph, style = state_glyph(found)
    version = f" v{found.version}" if found.version else ""
    name = line((f"{glyph} SEV{found.severity} ", style), (f"INC-{found.id}  {found.model}{version}", "bold"))
    state = "" if found.state == "triage" else f"{found.state}  "
    right = line((state, "dim"), ack_text(found, at))
    since = f"  since {when(found.impact_us, at)} ({ago(found.impact_us, at)})"
    facts = [since.strip(), *_figures(lead)]
    drifted = _drifted(lead)
    taken = sum(len(text) for text, _ in drifted)
    return [
        spread((*name, (f" on {found.endpoint}", "")), right, width),
        line("  ", (_said(found.title, found.model, found.endpoint), "bold")),
        *_joined(facts, width),
        line(*trends_line(lead.trends, found.family, width - taken), *drifted),
    ]


def _drifted(lead: Lead) -> Line:
    """The input that drifted most on the last day that was judged."""
    if lead.drift is None or not lead.drift.psi:
        return ()
    name, psi = lead.drift.psi[0]
    return line(("   ", ""), (f"PSI({name}) ", "dim"), f"{psi:.2f} ", ("▲", "warn"))


def _plot(lead: Lead, width: int, plot: Plot) -> list[Line]:
    about = FAMILIES.get(lead.incident.family)
    trend = next((one for one in lead.trends if one.unit == about), None)
    return measured(trend, lead.moments, width, plot) if trend else []


def _said(title: str, model: str, endpoint: str) -> str:
    # The line above already names the model and its endpoint.
    return title.removeprefix(f"{model} on {endpoint}: ")


def _figures(lead: Lead) -> list[str]:
    """Burn, when the budget is gone and the share of bad, of the objective that burns fastest."""
    burning = sorted((b for b in lead.budgets if b.burn is not None), key=lambda b: -(b.burn or 0))
    if not burning:
        return []
    worst = burning[0]
    events = "hours" if worst.measure == "quality" else "requests"
    bad = f"est. {share(worst.bad_share)} of {events} bad" if worst.bad_share else ""
    return [told for told in (f"burn {burn_text(worst)}", gone_text(worst), bad) if told]


def _joined(facts: list[str], width: int) -> list[Line]:
    """The facts with dots between, on as many lines as they need; none is ever cut."""
    rows: list[str] = []
    for fact in facts:
        if rows and cells(f"{rows[-1]} · {fact}") <= width:
            rows[-1] += f" · {fact}"
        else:
            rows.append(f"  {fact}")
    return [line(row) for row in rows]


def _suspects(lead: Lead, at: int, width: int, height: int) -> list[Line]:
    found = lead.incident
    told = f": {found.cause_evidence.partition(';')[0]}" if found.cause_evidence else ""
    cause = f"unproven · class {found.cause}{told}" if found.cause else "unproven"
    if not lead.suspects:
        return [heading("SUSPECTS"), line(("  nothing changed in the three days before; e shows the evidence", "dim"))]
    lines = [heading("SUSPECTS", cause)]
    first = 2 if height < 30 else 5
    for suspect in lead.suspects:
        lines.extend(suspect_lines(suspect, at, width, evidence=first if suspect.rank == 1 else 1))
    return lines


def _actions(lead: Lead) -> list[Line]:
    found = lead.incident
    lines = [heading("DO")]
    if found.queued:
        lines.append(line("  ", ("▲", "warn"), f"  {found.queued} is queued, not yet applied on {found.endpoint}"))
    elif lead.rollback is not None:
        lines.append(rollback_line(lead.rollback))
    if lead.helps and not lead.helps.startswith("rollback to"):
        lines.append(line((f"     {lead.helps}", "dim")))
    if found.runbook:
        steps = f" ({lead.runbook_steps} steps)" if lead.runbook_steps else ""
        word = "go on with runbook" if found.walk_id else "runbook"
        lines.append(line("  ", ("b", "key"), f"  {word} {found.runbook}{steps}"))
    if found.acked_us is None:
        lines.append(line("  ", ("a", "key"), "  acknowledge: tells the others that you have it"))
    return lines


def _others(others: tuple[Firing, ...], at: int) -> list[Line]:
    if not others:
        return []
    return [heading(f"ALSO FIRING {len(others)}"), *(_other(one, at) for one in others)]


def _other(one: Firing, at: int) -> Line:
    page = one.what == "incident" or one.severity == "page"
    number = f" INC-{one.id}" if one.what == "incident" else ""
    acked = f"  ack:{one.acked_by}" if one.acked_by else ""
    glyph = ("● ", "bad") if page else ("▲ ", "warn")
    text = one.text if one.name in one.text else f"{one.name} {one.text}"
    return line("  ", glyph, f"{one.severity}{number}  {text}", (f"  {ago(one.started_us, at)}{acked}", "dim"))


def _handover(quiet: Handover, now: Now, width: int) -> list[Section]:
    at = now.header.now_us
    return [
        Section(_calm(quiet, now), 1, 0),
        Section(_others(now.others, at), 2, 1),
        Section(_budgets(quiet, width), 2, 2),
        Section(_quality(quiet, width), 2, 3),
        Section(_changes(quiet, at), 2, 4, tail=True),
        Section(_next(quiet, at), 2, 5),
    ]


def _calm(quiet: Handover, now: Now) -> list[Line]:
    said = "no page is open" if now.others else "nothing fires"
    last = quiet.last
    before = f" · last incident INC-{last.id}, {ago(last.detected_us, now.header.now_us)} ago" if last else ""
    lines = _blind(now.header) or [line(("✓ ", "good"), ("All quiet", "bold"), f"  {said}{before}")]
    for one in quiet.resolved:
        after = span((one.resolved_us or one.detected_us) - one.detected_us)
        lines.append(
            line(
                ("  ✓ ", "good"),
                f"INC-{one.id} {_said(one.title, one.model, one.endpoint)}",
                (f"  resolved after {after}", "dim"),
            )
        )
    return lines


def _blind(header: Header) -> list[Line]:
    """Where the picture cannot be trusted: quiet is not calm when nobody watches or an endpoint does not answer."""
    blind = [
        f"{one.name} does not answer{_seen(one.age_us)}  `tocsin endpoint health {one.name}` tries it"
        for one in header.endpoints
        if one.state == "failing"
    ]
    if header.daemon == "dead":
        then = "one that stands by takes over when it has ended" if header.standby else "`tocsin daemon` starts one"
        blind.append(f"the daemon is dead{_seen(header.daemon_age_us)}: nobody watches  {then}")
    return [line(("◐ ", "warn"), (text, "bold")) for text in blind]


def _seen(age_us: int | None) -> str:
    return "" if age_us is None else f", last heard {span(age_us)} ago"


def _budgets(quiet: Handover, width: int) -> list[Line]:
    if not quiet.budgets:
        return [heading("BUDGETS"), line(("  no objective yet: tocsin slo add --help", "dim"))]
    return [heading("BUDGETS", "left of the window"), *(budget_line(one, width) for one in quiet.budgets)]


def _quality(quiet: Handover, width: int) -> list[Line]:
    if not quiet.quality:
        return []
    rows = [
        line(f"  {pad(model, max(12, width // 3 - 4))} ", *trend_spans(trend, min(40, width // 2)))
        for model, trend in quiet.quality
    ]
    return [heading("QUALITY", "measured on labels, last 7 days"), *rows]


def _changes(quiet: Handover, at: int) -> list[Line]:
    if not quiet.changes:
        return [heading("CHANGED IN 24 H"), line(("  nothing", "dim"))]
    return [heading(f"CHANGED IN 24 H  {len(quiet.changes)}"), *(moment_line(one, at) for one in quiet.changes)]


def _next(quiet: Handover, at: int) -> list[Line]:
    if not quiet.next_jobs:
        return []
    told = " · ".join(f"{name} in {span(max(0, due - at))}" for name, due in quiet.next_jobs)
    return [heading("NEXT"), line(f"  {told}")]


def _empty(quiet: Handover, now: Now) -> bool:
    return not (
        now.header.endpoints or quiet.budgets or quiet.changes or quiet.next_jobs or quiet.resolved or now.others
    )


def _welcome() -> list[Line]:
    steps = (
        ("tocsin demo", "see it work: a real model, real traffic, a bad deploy"),
        ("tocsin dataset add FILE --dataset NAME", "bring data in"),
        ("tocsin train MODEL --dataset NAME --label COLUMN", "train a model on it"),
        ("tocsin endpoint add NAME URL", "say where it is served"),
        ("tocsin slo add --help", "say what good means"),
        ("tocsin daemon", "and keep watch"),
    )
    lines = [line(("This home is empty.", "bold"), "  What to do first:"), ()]
    return [*lines, *(line("  ", (pad(command, 50), "key"), (what, "dim")) for command, what in steps)]
