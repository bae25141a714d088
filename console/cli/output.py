"""What all commands share: opening the desk, printing tables and JSON, asking before a change."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import click

from core.desk import Desk
from core.errors import BadInput
from core.home import Home
from core.settings import require_writable

Command = TypeVar("Command", bound=Callable[..., Any])


def home_from(ctx: click.Context) -> Home:
    """The home that the options and the environment choose."""
    return Home.find((ctx.find_root().obj or {}).get("home"))


def desk_from(ctx: click.Context, *, read_only: bool = False) -> Desk:
    """The desk of the chosen home. A reading command on a home that does not exist yet makes it, empty."""
    home = home_from(ctx)
    return Desk.open(home, read_only=read_only and home.store_path.exists())


def json_option(command: Command) -> Command:
    """The `--json` of every reading command, passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")(command)


def change_options(command: Command) -> Command:
    """The `--dry-run` and `--yes` of every changing command, which a home set to read-only refuses before all else."""

    @wraps(command)
    def refused_where_read_only(*args: Any, **options: Any) -> Any:
        if not options["dry_run"]:
            require_writable(home_from(click.get_current_context()))
        return command(*args, **options)

    return dry_run_options(cast(Command, refused_where_read_only))


def dry_run_options(command: Command) -> Command:
    """`--dry-run` and `--yes` of a command that only reads with some options: there the verb refuses."""
    dry = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
    yes = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
    return dry(yes(command))


def limit_options(command: Command) -> Command:
    """What a job may use: `--memory`, `--cpu` and `--wall`, each the settings' where not given."""
    memory = click.option("--memory", type=click.IntRange(1), metavar="MB", help="At most so much memory.")
    cpu = click.option("--cpu", metavar="SPAN", help="At most so much CPU time, as 10m.")
    wall = click.option("--wall", metavar="SPAN", help="At most so long, as 1h.")
    return memory(cpu(wall(command)))


def emit(data: Any) -> None:
    """Print one JSON document with keys in the order given; not-a-numbers are a fault of the caller."""
    click.echo(json.dumps(data, ensure_ascii=False, allow_nan=False))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "nothing yet") -> None:
    """Print aligned columns without colour; numbers to the right; `empty` where there are no rows."""
    if not rows:
        click.echo(empty)
        return
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(headers), *cells]) for i in range(len(headers))]
    right = [all(_is_number(row[i]) for row in cells) for i in range(len(headers))]
    for line in [[h.upper() for h in headers], *cells]:
        parts = [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(line, widths, right, strict=True)
        ]
        click.echo("  ".join(parts).rstrip())


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).replace("-", "", 1).replace(",", "").rstrip("%").isdigit() or cell in ("", "-")


def facts(data: Mapping[str, object]) -> None:
    """Print one thing as a line a fact; what is empty or not known is left out."""
    for name, value in data.items():
        if value not in (None, "", {}):
            click.echo(f"{name.replace('_', ' '):<12}{value}")


def confirm(question: str, yes: bool) -> None:
    """Ask before a change. Raises BadInput where nobody can be asked and `--yes` was not given."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput("this changes something and nobody is here to confirm it", "add --yes, or look with --dry-run")
    click.confirm(question, abort=True, err=True)


def end_with_input() -> None:
    """From now on end, as by SIGTERM, when standard input does: a process that lives no longer than its parent."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
