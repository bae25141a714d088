"""`tocsin help`: the manual in the terminal."""

from __future__ import annotations

import shutil
import sys

import click

from console.cli.output import table


@click.command()
@click.argument("page", required=False)
@click.option("--markdown", is_flag=True, help="The page as it is kept, also where a terminal would show it drawn.")
def command(page: str | None, markdown: bool) -> None:
    """The pages of the manual, or one PAGE of it."""
    from core import manual

    if page is None:
        table(["page", "what it tells"], list(manual.pages().items()))
        click.echo("\n`tocsin help PAGE` reads one; `tocsin COMMAND --help` shows how a command is called.")
        return
    text = manual.page(page)
    if markdown or not sys.stdout.isatty():
        click.echo(text, nl=False)
    else:
        click.echo_via_pager(drawn(text, min(100, shutil.get_terminal_size().columns)))


def drawn(text: str, width: int) -> str:
    """A page of Markdown drawn for a terminal of so many columns, with its escape sequences."""
    from io import StringIO

    from rich.console import Console
    from rich.markdown import Markdown

    out = StringIO()
    Console(file=out, width=width, force_terminal=True).print(Markdown(text))
    return out.getvalue()
