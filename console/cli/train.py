"""`tocsin train`: a model version from a snapshot, in a process of its own, on time-ordered data."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from console.cli.engine import address_option, engine_option
from console.cli.output import confirm, desk_from, emit
from console.cli.waiting import ended_well, queued
from core.errors import BadInput

if TYPE_CHECKING:
    from core.desk import Desk
    from core.work.rows import Run

Command = TypeVar("Command", bound=Callable[..., Any])

# Few honest problems are this easy; a column that leaks the label is the usual reason.
SUSPICIOUS_AUC = 0.95


# What a training is asked for, and a search for its parameters as well.
OPTIONS = (
    click.option("--dataset", required=True, help="The data set to train on."),
    click.option("--snapshot", type=int, help="Its snapshot; else the latest."),
    click.option("--label", default="", help="COLUMN of 0/1, 'COLUMN>=NUMBER' or 'COLUMN==TEXT'; else the contract's."),
    click.option(
        "--task", default="", metavar="TASK", help="binary, multiclass or regression; else what the label makes."
    ),
    click.option("--split", metavar="SPLIT", help="temporal (the default), grouped or stratified."),
    click.option("--group", default="", metavar="COLUMN", help="Of a grouped split: no value of it on both sides."),
    click.option("--folds", type=int, help="Also cross-validate in time, over this many folds."),
    click.option("--gap", metavar="SPAN", help="Leave this much time out before every part measured on: 1d."),
    click.option(
        "--holdout-from", metavar="TIME", help="Where the hold-out begins; else the last quarter of the time."
    ),
    click.option(
        "--encode", multiple=True, metavar="COLUMN=PERIOD", help="Encode a number as a cycle; may be repeated."
    ),
    click.option("--exclude", multiple=True, metavar="COLUMNS", help="Features to leave out, with commas between."),
    click.option("--view", metavar="NAME[@VERSION]", help="Train on the columns of a declared view."),
    click.option("--rounds", type=int, help="Boosting rounds; with --early-stopping the most."),
    click.option("--early-stopping", type=int, metavar="ROUNDS", help="Stop after so many rounds that are no better."),
    click.option("--class-weight", multiple=True, metavar="WEIGHT", help="balanced, or CLASS=WEIGHT; may be repeated."),
    click.option(
        "--monotone", multiple=True, metavar="COLUMN=+1", help="The score may only rise (+1) or fall (-1) with it."
    ),
    click.option("--param", multiple=True, metavar="NAME=VALUE", help="A parameter of LightGBM: num_leaves=63."),
    click.option("--seed", type=int, help="The seed; the same one gives the same model."),
    click.option("--calibrate", type=click.Choice(["isotonic", "sigmoid"]), help="Calibrate scores on the hold-out."),
    click.option("--cost", metavar="fn=5,fp=1", help="Choose the threshold by what mistakes cost; also tp and tn."),
)


def training_options(command: Command) -> Command:
    """The options of a training, in their order."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("model")
@training_options
@engine_option
@address_option
@click.option("--here", is_flag=True, help="Run it in this terminal even if a daemon is there to do it.")
@click.option("--dry-run", is_flag=True, help="Check the request and say what would be done, and do nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Progress and result as JSON lines.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    here: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Train the next version of MODEL: fitted before an instant, measured after it, registered as a candidate."""
    args = arguments(model, given)
    desk = desk_from(ctx)
    rows, columns = check(desk, args)
    what = f"train {model} on {args['dataset']} ({rows} rows, {columns} columns)"
    if dry_run:
        click.echo(f"would {what}")
        return
    if sys.stdin.isatty():
        confirm(f"{what[0].upper()}{what[1:]}?", yes)
    ended = queued(desk, "train", args, here=here, as_json=as_json)
    if ended is not None:
        _tell(ended, as_json)


def arguments(model: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A training job's arguments from its options as they were given. Raises BadInput for what cannot be read."""
    return {
        **given,
        "model": model,
        "encode": dict(_pair(text, "--encode minutes=1440") for text in given["encode"]),
        "exclude": [name.strip() for names in given["exclude"] for name in names.split(",") if name.strip()],
        "class_weight": _class_weight(given["class_weight"]),
        "monotone": dict(_pair(text, "--monotone distance=+1") for text in given["monotone"]),
        "param": dict(_pair(text, "--param num_leaves=63") for text in given["param"]),
    }


def check(desk: Desk, args: dict[str, Any]) -> tuple[int, int]:
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


def _pair(text: str, example: str) -> tuple[str, float]:
    name, _, number = text.rpartition("=")
    try:
        return name, float(number)
    except ValueError:
        raise BadInput(f"{text!r} names no number", f"write {example}") from None


def _class_weight(given: tuple[str, ...]) -> dict[str, float] | str:
    if given == ("balanced",):
        return given[0]
    return dict(_pair(text, "--class-weight balanced, or --class-weight 1=5") for text in given)


def _tell(ended: Run, as_json: bool) -> None:
    result = ended_well(ended)
    if as_json:
        emit({"job": ended.id, "state": ended.state, **result})
    else:
        tell_version(result)


def tell_version(result: Mapping[str, Any]) -> None:
    """The version that a job registered, its measures and what to mind."""
    click.echo(f"{result['model']} version {result['version']}, a candidate, artefact {result['artefact'][:12]}")
    click.echo(f"{result['task']}, as {result['task_because']}")
    _tell_metrics(result["task"], result["split"], result["metrics"])
    for caution in result["cautions"]:
        click.echo(f"mind: {caution}", err=True)


def _tell_metrics(task: str, split: str, m: dict[str, Any]) -> None:
    from core.measures.tasks import HEADLINES, told

    (name, title), (_, second) = HEADLINES[task].first, HEADLINES[task].second
    value, interval, other = told(task, m)
    more = f", Brier {m['brier']:.3f}; base rate {m['base_rate']:.3f}" if task == "binary" else ""
    later = "all later than" if split == "temporal" else "none of them among"
    rows = f"{m['n']} rows, {later} the {m['fit_rows']} rows it was fitted on"
    click.echo(f"hold-out {title} {value} ({interval}), {second} {other}{more}, {rows}")
    for number, fold in enumerate(m.get("folds", ()), 1):
        value, interval, _ = told(task, fold)
        click.echo(f"fold {number} {title} {value} ({interval}), {fold['n']} rows after {fold['fit_rows']}")
    if "cost" in m:
        spent = m["cost"]["per_1000"]
        click.echo(
            f"expected cost {spent['value']:.1f} per 1,000 decisions ({spent['low']:.1f} to {spent['high']:.1f}), on "
            "the later half of the hold-out at the threshold of the earlier"
        )
    if name == "auc" and m["auc"] >= SUSPICIOUS_AUC:
        click.echo(
            "that is suspiciously good: is an input known only after the event? `tocsin model card` ranks them; "
            "leave such a one out with --exclude",
            err=True,
        )
