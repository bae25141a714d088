"""A job that a command asks for: left to the daemon that lives, or run and waited for in this terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from console.cli.output import emit
from core.errors import (
    BadInput,
    CheckFailed,
    Interrupted,
    NotAllowed,
    NotFound,
    RemoteUnreachable,
    StoreUnusable,
    TocsinError,
)

if TYPE_CHECKING:
    from core.desk import Desk
    from core.work.rows import Run

# Before this share is done, how long it takes is a guess.
LEAST_SHARE = 0.05
# What a job's process ends with tells which kind of error it was.
ERRORS: dict[int, type[TocsinError]] = {
    error.exit_code: error for error in (BadInput, NotFound, RemoteUnreachable, NotAllowed, StoreUnusable)
}


def queued(desk: Desk, kind: str, args: dict[str, Any], *, here: bool, as_json: bool) -> Run | None:
    """Queue a job; it ends here, and is returned, where no daemon is there to run it."""
    import secrets

    from core.work.here import daemon_lives
    from core.work.plan import ATTEMPTS, request_run

    leave = daemon_lives(desk) and not here
    with desk.write() as tx:
        # In a terminal a person sees the crash and decides; only a daemon tries again by itself.
        request, attempts = f"{kind}/{secrets.token_hex(8)}", ATTEMPTS if leave else 1
        job = request_run(tx, desk.now_us(), kind, args, request, attempts=attempts)
    return run_queued(desk, job, here=here, as_json=as_json)


def run_queued(desk: Desk, job: int, *, here: bool, as_json: bool) -> Run | None:
    """A queued job, ended here; None where it is left to a daemon."""
    from core.work.here import daemon_lives, run_here
    from core.work.kinds import KINDS

    if not here and daemon_lives(desk):
        if as_json:
            emit({"job": job, "state": "planned"})
        else:
            click.echo(f"queued job {job}: the daemon runs it; `tocsin job show {job}` follows it")
        return None
    return run_here(desk, KINDS, job, show_progress(as_json))


def show_progress(as_json: bool) -> Callable[[float, str], None]:
    """How progress is shown: JSON lines, a line that is drawn over on a terminal, or a line for each new stage."""
    import time

    last: list[Any] = [None]
    began = time.monotonic()

    def show(share: float, text: str) -> None:
        # The round and the loss of a fit follow its stage; they are no line of their own where lines stay.
        stage = text.partition(" · ")[0]
        shown = (round(share, 2), text) if as_json or sys.stderr.isatty() else stage
        if shown == last[0]:
            return
        last[0] = shown
        left = (time.monotonic() - began) * (1 - share) / share if share >= LEAST_SHARE else None
        if as_json:
            emit({"progress": round(share, 4), "text": text, "left_s": None if left is None else round(left, 1)})
        elif sys.stderr.isatty():
            shown_left = "" if left is None or share >= 1 else f" · {left:.0f} s left"
            click.echo(f"\r\x1b[K{share:4.0%}  {text}{shown_left}", err=True, nl=share >= 1)
        else:
            click.echo(f"{share:4.0%}  {stage}", err=True)

    return show


def ended_well(ended: Run) -> dict[str, Any]:
    """The result of a job that was waited for. Raises the error it ended with, as if it had happened here."""
    if ended.state != "succeeded":
        raise _error(ended)
    return ended.result or {}


def _error(ended: Run) -> TocsinError:
    """The error that a job ended with, as if it had happened here."""
    if ended.state == "cancelled":
        return Interrupted(f"job {ended.id} was cancelled", "nothing of it was kept: run it again")
    hint = (ended.result or {}).get("hint") or f"`tocsin job logs {ended.id}` shows what its process wrote"
    message = (ended.error or ended.state).removesuffix(f" ({hint})")
    return ERRORS.get(ended.exit or 1, CheckFailed)(message, hint)
