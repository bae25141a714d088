"""`tocsin inc`: incidents, from the page to the postmortem; `tocsin inc 42` opens one in the console."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.cli.inc_changes import ack, impact, move, note, postmortem
from console.cli.opening import Opens
from console.cli.output import desk_from, emit, json_option, table

if TYPE_CHECKING:
    from core.incidents.rows import Incident, Suspect


class Incidents(Opens):
    """A bare number opens an incident in the console."""

    screen = "incident"


@click.group(cls=Incidents)
def command() -> None:
    """Incidents. `tocsin inc 42` opens one in the console."""


for change in (ack, impact, move, note, postmortem):
    command.add_command(change)


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are over too, newest first.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="With --all: how many.")
@json_option
@click.pass_context
def list_incidents(ctx: click.Context, everything: bool, limit: int, as_json: bool) -> None:
    """The open incidents, worst first."""
    from core.clock import span
    from core.incidents.rows import incidents

    desk = desk_from(ctx, read_only=True)
    found = incidents(desk.store, open_only=not everything, limit=limit)
    if as_json:
        emit([_json(one) for one in found])
        return
    now = desk.now_us()
    table(
        ("inc", "sev", "state", "impact for", "class", "acked by", "title"),
        [
            (
                one.id,
                one.severity,
                one.state,
                span(_until(one, now) - one.impact_us),
                one.klass,
                one.acked_by,
                one.title,
            )
            for one in found
        ],
        empty="no incidents yet" if everything else "nothing is wrong: no incident is open",
    )


def _until(one: Incident, now_us: int) -> int:
    return one.resolved_us if one.resolved_us is not None else now_us


@command.command()
@click.argument("number", type=int)
@json_option
@click.pass_context
def show(ctx: click.Context, number: int, as_json: bool) -> None:
    """One incident: since when, its class, its suspects, what would help, and its timeline."""
    from core.clock import iso
    from core.incidents.helps import helps
    from core.incidents.rows import alerts_of, incident, suspects
    from core.ledger import timeline

    desk = desk_from(ctx, read_only=True)
    found = incident(desk.store, number)
    listed, help_ = suspects(desk.store, number), helps(desk, found)
    events = timeline(desk.store, incident=number)
    if as_json:
        told = [{"at": iso(e.at_us), "kind": e.kind, "actor": e.actor, "data": e.data} for e in events]
        alerts = [
            {"id": a["id"], "severity": a["severity"], "state": a["state"]} for a in alerts_of(desk.store, number)
        ]
        suspected = [_suspect_json(one) for one in listed]
        emit({**_json(found), "suspects": suspected, "helps": help_.line, "alerts": alerts, "events": told})
        return
    click.echo(f"INC-{found.id} SEV{found.severity} {found.state}: {found.title}")
    click.echo(f"impact since {iso(found.impact_us)}: {found.impact_origin}")
    click.echo(f"class {found.klass or 'not known'}: {found.class_evidence or 'no evidence yet'}")
    click.echo(f"acknowledged by {found.acked_by or 'nobody'}; runbook {found.runbook or 'none'}; helps: {help_.line}")
    _print_suspects(listed)
    table(("at", "event", "who"), [(iso(e.at_us), e.kind, e.actor) for e in events])


def _print_suspects(listed: list[Suspect]) -> None:
    if not listed:
        click.echo("no suspects: nothing changed in the 72 h before the impact")
    for one in listed:
        click.echo(f"suspect {one.rank}: {one.title} (unproven)")
        for line in one.evidence:
            click.echo(f"  {line}")


@command.command("suspects")
@click.argument("number", type=int)
@click.option("--again", is_flag=True, help="Look again and replace what was found.")
@json_option
@click.pass_context
def suspects_of(ctx: click.Context, number: int, again: bool, as_json: bool) -> None:
    """What changed before the impact, ranked, each with its evidence."""
    from core.incidents.investigate import investigate
    from core.incidents.rows import incident, suspects

    desk = desk_from(ctx, read_only=not again)
    if again:
        investigate(desk, number)
    incident(desk.store, number)
    listed = suspects(desk.store, number)
    if as_json:
        emit([_suspect_json(one) for one in listed])
    else:
        _print_suspects(listed)


@command.command("helps")
@click.argument("number", type=int)
@json_option
@click.pass_context
def helps_with(ctx: click.Context, number: int, as_json: bool) -> None:
    """Whether a rollback would help, and why; ends with 1 where it would not."""
    from core.incidents.helps import helps
    from core.incidents.rows import incident

    desk = desk_from(ctx, read_only=True)
    told = helps(desk, incident(desk.store, number))
    if as_json:
        emit({"offered": told.offered, "target": told.target, "line": told.line, "evidence": told.evidence})
    else:
        click.echo("\n".join((told.line, *told.evidence)))
    ctx.exit(0 if told.offered else 1)


@command.command("recovery")
@click.argument("number", type=int)
@click.option("--slo", help="Another objective than the incident's.")
@click.option("--for", "hold", help="How long it must have held: 30m, 1h.")
@json_option
@click.pass_context
def recovery_of(ctx: click.Context, number: int, slo: str | None, hold: str | None, as_json: bool) -> None:
    """Whether it is over, judged from counts; ends with 1 where it is not yet."""
    from core.clock import parse_span
    from core.incidents.recovery import check
    from core.incidents.rows import incident

    desk = desk_from(ctx, read_only=True)
    told = check(desk, incident(desk.store, number), slo=slo, hold_us=parse_span(hold) if hold else None)
    if as_json:
        emit({"recovered": told.recovered, "lines": told.lines, "facts": told.facts})
    else:
        click.echo("\n".join(("recovered" if told.recovered else "not yet", *told.lines)))
    ctx.exit(0 if told.recovered else 1)


@command.command("times")
@click.option("--last", default=100, show_default=True, type=click.IntRange(1), help="How many incidents, the newest.")
@json_option
@click.pass_context
def times_of(ctx: click.Context, last: int, as_json: bool) -> None:
    """How long it took to detect, acknowledge, mitigate and resolve: median, p90 and how many."""
    from core.clock import span
    from core.incidents.rows import incidents
    from core.incidents.times import NAMES, spreads

    found = spreads(incidents(desk_from(ctx, read_only=True).store, limit=last))
    if as_json:
        emit({name: {"median_us": one.median_us, "p90_us": one.p90_us, "n": one.n} for name, one in found.items()})
        return
    rows = [
        (NAMES[name], *("-" if us is None else span(us) for us in (one.median_us, one.p90_us)), one.n)
        for name, one in found.items()
    ]
    table(("time", "median", "p90", "n"), rows)


@command.command()
@json_option
@click.pass_context
def actions(ctx: click.Context, as_json: bool) -> None:
    """What postmortems ask for and is not done yet."""
    from core.incidents.postmortem import open_actions

    found = open_actions(desk_from(ctx, read_only=True))
    if as_json:
        emit([{"incident": one.incident, "text": one.text, "owner": one.owner, "due": one.due} for one in found])
        return
    rows = [(one.incident, one.due, one.owner, one.text) for one in found]
    table(("inc", "due", "owner", "action"), rows, empty="no action is open")


def _suspect_json(one: Suspect) -> dict[str, Any]:
    from core.clock import iso

    return {
        "rank": one.rank,
        "kind": one.kind,
        "title": one.title,
        "score": one.score,
        "at": iso(one.at_us),
        "proven": False,
        "evidence": one.evidence,
    }


def _json(one: Incident) -> dict[str, Any]:
    from core.clock import iso, iso_or_none

    return {
        "id": one.id,
        "title": one.title,
        "severity": one.severity,
        "state": one.state,
        "model": one.model,
        "endpoint": one.endpoint,
        "family": one.family,
        "class": one.klass,
        "class_evidence": one.class_evidence,
        "impact": iso(one.impact_us),
        "impact_origin": one.impact_origin,
        "detected": iso(one.detected_us),
        "acked": iso_or_none(one.acked_us),
        "acked_by": one.acked_by,
        "mitigated": iso_or_none(one.mitigated_us),
        "resolved": iso_or_none(one.resolved_us),
        "runbook": one.runbook,
    }
