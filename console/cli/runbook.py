"""`tocsin runbook`: steps for a known failure, trusted by content and walked one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.cli.output import change_options, confirm, desk_from, emit, json_option, table

if TYPE_CHECKING:
    from core.desk import Desk
    from core.runbooks.book import Runbook
    from core.runbooks.rows import Walk


@click.group()
def command() -> None:
    """Steps for a known failure; your own go into the `runbooks` folder of the home."""


@command.command("list")
@json_option
@click.pass_context
def list_runbooks(ctx: click.Context, as_json: bool) -> None:
    """Every runbook, what it applies to, and whether it is trusted as it is now."""
    from core.runbooks.library import runbooks
    from core.runbooks.trust import trusted

    desk = desk_from(ctx, read_only=True)
    found, faults = runbooks(desk.home)
    for fault in faults:
        click.echo(f"{fault.message} ({fault.hint})", err=True)
    if as_json:
        emit([{**_json(book), "trusted": trusted(desk.store, book)} for book in found])
        return
    rows = [
        (
            book.id,
            book.version,
            len(book.steps),
            ", ".join(book.applies.alerts),
            "yes" if trusted(desk.store, book) else "no",
            book.source,
            book.title,
        )
        for book in found
    ]
    table(("id", "version", "steps", "for", "trusted", "from", "title"), rows)


def _json(book: Runbook) -> dict[str, Any]:
    return {
        "id": book.id,
        "version": book.version,
        "owner": book.owner,
        "reviewed": book.reviewed,
        "title": book.title,
        "sha256": book.sha256,
        "source": book.source,
        "applies": {"alerts": book.applies.alerts, "model": book.applies.model, "versions": book.applies.versions},
        "inputs": [{"name": one.name, "pattern": one.pattern, "default": one.default} for one in book.inputs],
        "steps": [{"id": one.id, "type": one.type, "title": one.title} for one in book.steps],
    }


@command.command()
@click.argument("name")
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> None:
    """The text of a runbook, as it is now."""
    from core.runbooks.library import runbook, text_of

    desk = desk_from(ctx, read_only=True)
    book = runbook(desk.home, name)
    text = text_of(desk.home, book)
    if as_json:
        emit({**_json(book), "text": text})
    else:
        click.echo(text, nl=False)


@command.command()
@click.argument("name", required=False)
@json_option
@click.pass_context
def check(ctx: click.Context, name: str | None, as_json: bool) -> None:
    """Read one runbook, or all, and name every fault with its line; ends with 1 where there is one."""
    from core.errors import BadInput
    from core.runbooks.library import runbook, runbooks
    from core.runbooks.verbs import VERBS

    desk = desk_from(ctx, read_only=True)
    found, faults = runbooks(desk.home)
    if name:
        found, faults = [], []
        try:
            found = [runbook(desk.home, name)]
        except BadInput as error:
            faults = [error]
    if as_json:
        told = [{"error": fault.message, "hint": fault.hint} for fault in faults]
        emit({"sound": [book.id for book in found], "faults": told, "verbs": [verb.usage for verb in VERBS.values()]})
    else:
        for book in found:
            click.echo(f"{book.id}: sound, {len(book.steps)} steps")
        for fault in faults:
            click.echo(f"{fault.message} ({fault.hint})")
    ctx.exit(1 if faults else 0)


@command.command()
@click.argument("name")
@change_options
@click.pass_context
def trust(ctx: click.Context, name: str, dry_run: bool, yes: bool) -> None:
    """Trust a runbook as it is now; asked once, and again after any change to its file."""
    from core.runbooks import trust as trusting
    from core.runbooks.library import runbook

    desk = desk_from(ctx)
    book = runbook(desk.home, name)
    if trusting.trusted(desk.store, book):
        click.echo(f"{book.id} is trusted already", err=True)
        return
    for step in book.steps:
        words = " ".join(step.command or step.argv) or "(a person)"
        click.echo(f"{step.id:<20} {step.type:<9} {words}")
    if dry_run:
        click.echo(f"would trust {book.id} ({book.sha256[:12]})")
        return
    confirm(f"trust {book.id} ({book.sha256[:12]}) to run this?", yes)
    trusting.trust(desk, book)
    click.echo(f"{book.id} is trusted as it is now", err=True)


@command.command()
@click.argument("name")
@click.option("--incident", type=int, help="The incident it is walked for; fills its inputs.")
@click.option("--input", "given", multiple=True, metavar="NAME=VALUE", help="An input; may be given several times.")
@click.option("--plain", is_flag=True, help="Plain prompts, even where a full screen could be had.")
@click.option("--resume", is_flag=True, help="Go on with the walk that was left.")
@change_options
@click.pass_context
def walk(
    ctx: click.Context,
    name: str,
    incident: int | None,
    given: tuple[str, ...],
    plain: bool,
    resume: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Walk a runbook step by step. Enter never changes anything; piped input works as well as typed."""
    from core.runbooks.library import runbook

    desk = desk_from(ctx)
    if dry_run:
        _rehearse(desk, runbook(desk.home, name), incident, _inputs(given))
        return
    standing = _resumed(desk, name, incident) if resume else _started(desk, name, incident, given)
    if incident is not None and not plain and _screen():
        from console.start import start

        start((ctx.find_root().obj or {}).get("home"), "runbook", str(incident))
        return
    from console.walk import walk_plain

    ended = walk_plain(desk, standing, yes=yes)
    click.echo(f"walk {ended.id}: {ended.state}", err=True)
    ctx.exit(0 if ended.state == "done" else 1)


def _screen() -> bool:
    import sys

    return sys.stdin.isatty() and sys.stdout.isatty()


def _inputs(given: tuple[str, ...]) -> dict[str, str]:
    from core.errors import BadInput

    pairs = [one.partition("=") for one in given]
    if any(not sign for _, sign, _ in pairs):
        raise BadInput("an input is given as NAME=VALUE", "for example --input model=fraud")
    return {name: value for name, _, value in pairs}


def _started(desk: Desk, name: str, incident: int | None, given: tuple[str, ...]) -> Walk:
    from core.runbooks import engine
    from core.runbooks.library import runbook

    return engine.start(desk, runbook(desk.home, name), incident, _inputs(given))


def _resumed(desk: Desk, name: str, incident: int | None) -> Walk:
    from core.errors import NotFound
    from core.runbooks.rows import open_walk

    found = open_walk(desk.store, incident, name)
    if found is None:
        raise NotFound(f"no walk of {name} is under way", "leave out --resume to start one")
    return found


def _rehearse(desk: Desk, book: Runbook, incident: int | None, inputs: dict[str, str]) -> None:
    from core.runbooks.rehearse import rehearse

    for view, outcome in rehearse(desk, book, incident, inputs):
        said = "would be asked" if outcome is None else ("passed" if outcome.ok else "failed")
        click.echo(f"{view.number}/{view.total} {view.title} [{view.type}] {said}")
        if view.command:
            click.echo(f"  {view.command}")
        for line in outcome.lines if outcome else ():
            click.echo(f"    {line}")
