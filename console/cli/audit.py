"""`tocsin audit`: what happened, and proof that nothing in it was changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.output import change_options, desk_from, emit, home_from, json_option, table
from core.clock import iso, parse_time
from core.errors import BadInput, CheckFailed
from core.ledger.chain import Event, Verification

if TYPE_CHECKING:
    from core.endpoints.witness import Testimony


@click.group()
def command() -> None:
    """What happened, and proof that nothing in it was changed."""


@command.command("show")
@click.option("--kind", "kinds", multiple=True, help="Only events of this kind; 'deploy.' is all below it.")
@click.option("--model", help="Only events of this model.")
@click.option("--since", help="Only events at or after this time.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000_000))
@json_option
@click.pass_context
def show(
    ctx: click.Context, kinds: tuple[str, ...], model: str | None, since: str | None, limit: int, as_json: bool
) -> None:
    """The newest events that fit, oldest first."""
    from core import ledger

    found = ledger.timeline(
        desk_from(ctx, read_only=True).store,
        kinds=kinds,
        model=model,
        since_us=parse_time(since) if since else None,
        limit=limit,
    )
    if as_json:
        emit([event_json(event) for event in found])
        return
    lines = [(e.seq, iso(e.at_us), e.actor, e.kind, subject(e), said(e)) for e in found]
    table(["seq", "at", "actor", "kind", "of", "what"], lines, empty="nothing has happened yet")


def event_json(event: Event) -> dict[str, object]:
    """An event with stable keys and ISO times."""
    return {
        "seq": event.seq,
        "at": iso(event.at_us),
        "recorded": iso(event.recorded_us),
        "actor": event.actor,
        "kind": event.kind,
        "model": event.model,
        "version": event.version,
        "endpoint": event.endpoint,
        "incident": event.incident,
        "data": event.data,
        "hash": event.hash,
    }


def subject(event: Event) -> str:
    """What an event is about: `flight-delay v2 @ local`."""
    parts = [
        event.model or "",
        f"v{event.version}" if event.version else "",
        f"@ {event.endpoint}" if event.endpoint else "",
    ]
    return " ".join(part for part in parts if part)


def said(event: Event) -> str:
    """An event's data in one short line."""
    pairs = [f"{name}={value}" for name, value in event.data.items() if isinstance(value, str | int | float)]
    return " ".join(pairs)[:100]


@command.command("verify")
@click.option("--file", type=click.Path(path_type=Path), help="Verify what `audit export` wrote, not the store.")
@click.option("--anchors", type=click.Path(path_type=Path), help="A copy of the anchors that was kept elsewhere.")
@click.option("--offline", is_flag=True, help="Do not ask the endpoints which anchors they hold.")
@json_option
@click.pass_context
def verify(ctx: click.Context, file: Path | None, anchors: Path | None, offline: bool, as_json: bool) -> None:
    """Walk the whole chain and its anchors, and compare with those that endpoints hold.

    Exit code 1 names the first event changed, removed or inserted. An endpoint that cannot be asked is only told.
    """
    from core.endpoints.witness import testimonies
    from core.ledger import anchors as anchoring
    from core.ledger import export
    from core.ledger.chain import key_of

    standing: list[anchoring.Anchor] = []
    told: list[Testimony] = []
    if file:
        home = home_from(ctx)
        found = export.verify_file(file, key_of(home) if home.key_path.exists() else None)
    else:
        desk = desk_from(ctx, read_only=True)
        standing = anchoring.read(anchors or desk.home.anchors_path)
        found = anchoring.prove(desk.store, key_of(desk.home), standing)
        told = [] if offline else testimonies(desk)
    found = weighed(found, told)
    if as_json:
        emit(
            {
                "ok": found.ok,
                "events": found.events,
                "head": found.head,
                "anchors": len(standing),
                "broken": found.broken,
                "reason": found.reason or None,
                "endpoints": [asdict(one) for one in told],
            }
        )
    elif found.ok:
        click.echo(f"ok: {found.events} events, {len(standing)} anchors, head {found.head}")
    for one in [] if as_json else told:
        click.echo(f"{one.endpoint}: {one.state}, {one.anchors} anchors{f'; {one.said}' if one.said else ''}", err=True)
    if not found.ok:
        raise CheckFailed(
            f"the ledger is broken at event {found.broken}: {found.reason}",
            "keep this home as evidence, and restore a backup elsewhere to compare",
        )


def weighed(found: Verification, told: Sequence[Testimony]) -> Verification:
    """What the chain proves, and what endpoints say against it: the first of them that differs counts."""
    against = next((one for one in told if one.state == "differs"), None)
    if not found.ok or against is None:
        return found
    return replace(found, ok=False, broken=against.broken, reason=f"{against.endpoint} says: {against.said}")


@command.command("export")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_context
def export_ledger(ctx: click.Context, file: Path | None) -> None:
    """Write every event as JSON Lines to FILE, else to standard output.

    It verifies without tocsin: each line's `hash` is the SHA-256 of its first eleven values as a JSON array without
    spaces, and its `prev` the `hash` of the line before. `tocsin audit verify --file FILE` checks the same, and the
    codes too where the home has the key.
    """
    from core.ledger import export

    lines = export.lines(desk_from(ctx, read_only=True).store)
    if file is None:
        for line in lines:
            click.echo(line)
        return
    if file.exists():
        raise BadInput(f"{file} exists already", "choose another name")
    count = write_whole(file, lines)
    click.echo(f"{file}: {count} events", err=True)


def write_whole(file: Path, lines: Iterable[str]) -> int:
    """Write lines to a file that has its name only when it is whole; returns how many. Raises BadInput."""
    part = file.with_name(f".{file.name}.part")
    count = 0
    try:
        with open(part, "w", encoding="utf-8") as target:
            for count, line in enumerate(lines, 1):  # noqa: B007 - the last number is how many there were
                target.write(f"{line}\n")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadInput(f"{file} cannot be written: {error.strerror}", "choose another place") from error
    return count


@command.command("anchor")
@change_options
@json_option
@click.pass_context
def anchor(ctx: click.Context, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Write the ledger's head down beside the keys, outside the store; the daemon does it every hour.

    Keep a copy of the file elsewhere: `audit verify --anchors COPY` then finds even a ledger that was written anew by
    somebody who has this machine's keys.
    """
    from core.ledger import anchors

    desk = desk_from(ctx, read_only=True)
    if dry_run:
        click.echo(f"would anchor the ledger's head in {desk.home.anchors_path}")
        return
    made = anchors.anchor(desk.home, desk.store, desk.now_us())
    if as_json:
        emit({"seq": made.seq, "hash": made.hash, "at": iso(made.at_us)} if made else None)
    elif made:
        click.echo(f"event {made.seq} is anchored in {desk.home.anchors_path}")
    else:
        click.echo("the head is anchored already")
