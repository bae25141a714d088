"""`tocsin train`: a model version from a snapshot, in a process of its own, on time-ordered data."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from console.cli.output import confirm, desk_from, emit
from core.errors import BadInput, CheckFailed, Interrupted, NotAllowed, NotFound, StoreUnusable, TocsinError

if TYPE_CHECKING:
    from core.desk import Desk
    from core.work.rows import Run

# What a job's process ends with tells which kind of error it was.
ERRORS: dict[int, type[TocsinError]] = {
    error.exit_code: error for error in (BadInput, NotFound, NotAllowed, StoreUnusable)
}
# Few honest problems are this easy; a column that leaks the label is the usual reason.
SUSPICIOUS_AUC = 0.95


@click.command()
@click.argument("model")
@click.option("--dataset", required=True, help="The data set to train on.")
@click.option("--snapshot", type=int, help="Its snapshot; else the latest.")
@click.option("--label", default="", help="COLUMN of 0/1, 'COLUMN>=NUMBER' or 'COLUMN==TEXT'; else the contract's.")
@click.option("--holdout-from", metavar="TIME", help="Where the hold-out begins; else the last quarter of the time.")
@click.option("--encode", multiple=True, metavar="COLUMN=PERIOD", help="Encode a number as a cycle; may be repeated.")
@click.option("--exclude", multiple=True, metavar="COLUMNS", help="Features to leave out, with commas between.")
@click.option("--view", metavar="NAME[@VERSION]", help="Train on the columns of a declared view.")
@click.option("--rounds", type=int, help="Boosting rounds.")
@click.option("--seed", type=int, help="The seed; the same one gives the same model.")
@click.option("--here", is_flag=True, help="Run it in this terminal even if a daemon is there to do it.")
@click.option("--dry-run", is_flag=True, help="Check the request and say what would be done, and do nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Progress and result as JSON lines.")
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    dataset: str,
    snapshot: int | None,
    label: str,
    holdout_from: str | None,
    encode: tuple[str, ...],
    exclude: tuple[str, ...],
    view: str | None,
    rounds: int | None,
    seed: int | None,
    here: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Train the next version of MODEL: fitted before an instant, measured after it, registered as a candidate."""
    args = {
        "model": model,
        "dataset": dataset,
        "snapshot": snapshot,
        "label": label,
        "holdout_from": holdout_from,
        "encode": dict(_pair(text) for text in encode),
        "exclude": [name.strip() for names in exclude for name in names.split(",") if name.strip()],
        "view": view,
        "rounds": rounds,
        "seed": seed,
    }
    desk = desk_from(ctx)
    rows, columns = _check(desk, args)
    what = f"train {model} on {dataset} ({rows} rows, {columns} columns)"
    if dry_run:
        click.echo(f"would {what}")
        return
    if sys.stdin.isatty():
        confirm(f"{what[0].upper()}{what[1:]}?", yes)
    _run(desk, args, here=here, as_json=as_json)


def _check(desk: Desk, args: dict[str, Any]) -> tuple[int, int]:
    """Find the faults that can be found without reading data, before anything is queued."""
    from core.datasets.rows import snapshot
    from core.features.saved import saved_view
    from core.training.plan import Plan

    plan = Plan.of(args)
    if plan.view:
        # The version it is now: a later one must not slip in while the job waits.
        args["view"] = saved_view(desk.store, plan.view).text
    found = snapshot(desk.store, plan.dataset, plan.snapshot)
    return found.rows, len(found.columns)


def _pair(text: str) -> tuple[str, float]:
    name, _, period = text.partition("=")
    try:
        return name, float(period)
    except ValueError:
        raise BadInput(f"--encode {text!r} names no period", "write --encode minutes=1440") from None


def _run(desk: Desk, args: dict[str, Any], *, here: bool, as_json: bool) -> None:
    import secrets

    from core.work.here import daemon_lives, run_here
    from core.work.kinds import KINDS
    from core.work.plan import ATTEMPTS, request_run

    leave = daemon_lives(desk) and not here
    with desk.write() as tx:
        # In a terminal a person sees the crash and decides; only a daemon tries again by itself.
        request, attempts = f"train/{secrets.token_hex(8)}", ATTEMPTS if leave else 1
        job = request_run(tx, desk.now_us(), "train", args, request, attempts=attempts)
    if leave:
        _queued(job, as_json)
        return
    ended = run_here(desk, KINDS, job, _progress(as_json))
    _tell(ended, as_json)


def _queued(job: int, as_json: bool) -> None:
    if as_json:
        emit({"job": job, "state": "planned"})
    else:
        click.echo(f"queued job {job}: the daemon trains it; `tocsin job show {job}` follows it")


def _progress(as_json: bool) -> Callable[[float, str], None]:
    """How progress is shown: JSON lines, a line that is drawn over on a terminal, or a line for each new stage."""
    last: list[Any] = [None]

    def show(share: float, text: str) -> None:
        shown = (round(share, 2), text) if as_json or sys.stderr.isatty() else text
        if shown == last[0]:
            return
        last[0] = shown
        if as_json:
            emit({"progress": round(share, 4), "text": text})
        elif sys.stderr.isatty():
            click.echo(f"\r\x1b[K{share:4.0%}  {text}", err=True, nl=share >= 1)
        else:
            click.echo(f"{share:4.0%}  {text}", err=True)

    return show


def _tell(ended: Run, as_json: bool) -> None:
    if ended.state != "succeeded":
        raise _error(ended)
    result = ended.result or {}
    if as_json:
        emit({"job": ended.id, "state": ended.state, **result})
        return
    m = result["metrics"]
    click.echo(f"{result['model']} version {result['version']}, a candidate, artefact {result['artefact'][:12]}")
    click.echo(
        f"hold-out AUC {m['auc']:.3f} ({m['auc_low']:.3f} to {m['auc_high']:.3f}), log loss {m['logloss']:.3f}, "
        f"Brier {m['brier']:.3f}; base rate {m['base_rate']:.3f}, {m['n']} rows, all later than the {m['fit_rows']} "
        "rows it was fitted on"
    )
    if m["auc"] >= SUSPICIOUS_AUC:
        click.echo(
            "that is suspiciously good: is an input known only after the event? `tocsin model card` ranks them; "
            "leave such a one out with --exclude",
            err=True,
        )


def _error(ended: Run) -> TocsinError:
    """The error that a job ended with, as if it had happened here."""
    if ended.state == "cancelled":
        return Interrupted(f"job {ended.id} was cancelled", "nothing was registered: run it again")
    hint = (ended.result or {}).get("hint") or f"`tocsin job logs {ended.id}` shows what its process wrote"
    message = (ended.error or ended.state).removesuffix(f" ({hint})")
    return ERRORS.get(ended.exit or 1, CheckFailed)(message, hint)
