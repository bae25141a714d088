"""`tocsin find`: words in incidents, notes and the logs of jobs."""

from __future__ import annotations

import contextlib

import click

from console.cli.output import desk_from, emit, json_option, table
from core.clock import iso
from core.errors import NotAllowed, StoreUnusable


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--in", "kinds", multiple=True, metavar="KIND", help="Only incident, note or log; may be repeated.")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...], kinds: tuple[str, ...], limit: int, as_json: bool) -> None:
    """The incidents, notes and job logs that hold every one of WORDS, best first.

    A word also finds what begins with it; case and accents do not matter.
    """
    from core.search import find, take_in_logs
    from core.search.find import KINDS

    desk = desk_from(ctx)
    # A home that nobody may write is searched as far as it was taken in before.
    with contextlib.suppress(NotAllowed, StoreUnusable):
        take_in_logs(desk)
    hits = find(desk.store, " ".join(words), kinds=kinds or KINDS, limit=limit)
    if as_json:
        emit([{"kind": hit.kind, "number": hit.number, "at": iso(hit.at_us), "text": hit.text} for hit in hits])
        return
    lines = [
        (iso(hit.at_us), hit.kind, f"{'job ' if hit.kind == 'log' else 'INC-'}{hit.number}", hit.text) for hit in hits
    ]
    table(["at", "in", "of", "text"], lines, empty="nothing holds these words")
