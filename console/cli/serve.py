"""`tocsin serve`: the embedded endpoint, a process of its own."""

from __future__ import annotations

from pathlib import Path

import click

from console.cli.output import end_with_input, home_from
from core.settings import require_writable


@click.command("serve")
@click.option("--host", metavar="ADDRESS", help="Listen here instead of on this machine's loopback alone.")
@click.option("--port", default=8900, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--token-ref", metavar="REF", default="", help="env:NAME or file:PATH; else a token file is made.")
@click.option("--state", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="What it keeps.")
@click.option("--until-eof", is_flag=True, help="Stop when standard input ends, so that it ends with its parent.")
@click.option("--rate", default=0, type=click.IntRange(0), help="At most this many scoring calls a second a token.")
@click.pass_context
def command(
    ctx: click.Context, host: str | None, port: int, token_ref: str, state: Path | None, until_eof: bool, rate: int
) -> None:
    """Serve models over HTTP until stopped; prints one line of JSON when calls are answered.

    Speaks the Open Inference Protocol v2 (/v2) and a short form (/v1/models/NAME/score). It keeps its models and
    which of them is active in the state folder, by default one below the home, and goes on from there.
    """
    from core.serving.process import serve

    if host not in (None, "127.0.0.1", "::1", "localhost"):
        click.echo(
            f"warning: {host} can be reached from other machines, and this endpoint speaks without TLS", err=True
        )
    if until_eof:
        end_with_input()
    if state is None:
        require_writable(home_from(ctx))
    folder = state or home_from(ctx).path / "endpoint"
    serve(folder, host=host, port=port, token_ref=token_ref, rate=rate, ready=click.echo)
