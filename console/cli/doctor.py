"""`tocsin doctor`: what is wrong with this home, and how to mend it."""

from __future__ import annotations

import click

from console.cli.output import desk_from, emit, json_option
from core.desk import Desk
from core.errors import CheckFailed

GLYPHS = {"ok": "✓", "note": "·", "wrong": "✗"}


@click.command()
@click.option("--fix", is_flag=True, help="First mend what can be mended without losing anything, and say what.")
@click.option("--dry-run", is_flag=True, help="With --fix: say what would be mended, and do nothing.")
@json_option
@click.pass_context
def command(ctx: click.Context, fix: bool, dry_run: bool, as_json: bool) -> None:
    """Check the store, the ledger, the blobs, the endpoints and the machine; exit code 1 when something is wrong."""
    from core.doctor import examine

    desk = desk_from(ctx, read_only=not fix or dry_run)
    mended = repair(desk, dry_run, as_json) if fix else []
    findings = examine(desk)
    wrong = [finding for finding in findings if finding.state == "wrong"]
    if as_json:
        found = [{"check": f.check, "state": f.state, "found": f.found, "fix": f.fix or None} for f in findings]
        emit({"mended": mended, "findings": found} if fix else found)
    else:
        for finding in findings:
            click.echo(f"{GLYPHS[finding.state]} {finding.state:<6}{finding.check:<12}{finding.found}")
            if finding.fix:
                click.echo(f"{'':>20}fix: {finding.fix}")
    if wrong:
        raise CheckFailed(f"{len(wrong)} of {len(findings)} checks found something wrong", "each says its fix")


def repair(desk: Desk, dry_run: bool, as_json: bool) -> list[dict[str, object]]:
    """Mend, say what was done unless it goes into a JSON document, and return it."""
    from core.mend import mend

    mended = mend(desk, dry_run=dry_run)
    for one in [] if as_json else mended:
        word = ("would " if dry_run else "") + "mend" if one.done else "left"
        click.echo(f"  {word:<11}{one.what:<9}{one.said}")
    return [{"what": one.what, "done": one.done, "said": one.said} for one in mended]
