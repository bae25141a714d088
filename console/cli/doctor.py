"""`tocsin doctor`: what is wrong with this home, and how to mend it."""

from __future__ import annotations

import click

from console.cli.output import desk_from, emit, json_option
from core.errors import CheckFailed

GLYPHS = {"ok": "✓", "note": "·", "wrong": "✗"}


@click.command()
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check the store, the ledger, the blobs, the endpoints and the machine; exit code 1 when something is wrong."""
    from core.doctor import examine

    findings = examine(desk_from(ctx, read_only=True))
    wrong = [finding for finding in findings if finding.state == "wrong"]
    if as_json:
        emit([{"check": f.check, "state": f.state, "found": f.found, "fix": f.fix or None} for f in findings])
    else:
        for finding in findings:
            click.echo(f"{GLYPHS[finding.state]} {finding.state:<6}{finding.check:<12}{finding.found}")
            if finding.fix:
                click.echo(f"{'':>20}fix: {finding.fix}")
    if wrong:
        raise CheckFailed(f"{len(wrong)} of {len(findings)} checks found something wrong", "each says its fix")
