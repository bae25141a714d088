"""`tocsin model`: the registry of models and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.cli.opening import Opens
from console.cli.output import change_options, confirm, desk_from, emit, json_option, table
from core.clock import iso

if TYPE_CHECKING:
    from core.registry.versions import Model, Version


class Models(Opens):
    """The name of a model opens it in the console."""

    screen = "model"

    @staticmethod
    def exists(ctx: click.Context, word: str) -> bool:
        """Whether there is such a model."""
        from core.registry import versions

        return any(model.name == word for model in versions.models(desk_from(ctx, read_only=True).store))


@click.group(cls=Models)
def command() -> None:
    """The registry: models, their versions, stages and cards. `tocsin model churn` opens one in the console."""


@command.command("list")
@json_option
@click.pass_context
def list_models(ctx: click.Context, as_json: bool) -> None:
    """All models."""
    from core.registry import versions

    found = versions.models(desk_from(ctx, read_only=True).store)
    if as_json:
        emit([model_json(model) for model in found])
        return
    lines = [(m.name, m.label, m.versions, m.latest, m.production or "-", iso(m.created_us)) for m in found]
    headers = ["model", "label", "versions", "latest", "production", "created"]
    table(headers, lines, empty="no models yet: `tocsin train MODEL --dataset DATASET` makes one")


def model_json(model: Model) -> dict[str, Any]:
    """A model with stable keys and ISO times."""
    plain = {name: value for name, value in vars(model).items() if name != "created_us"}
    return {**plain, "created": iso(model.created_us)}


@command.command("show")
@click.argument("model")
@click.option("--version", "number", type=int, help="One version in full.")
@json_option
@click.pass_context
def show(ctx: click.Context, model: str, number: int | None, as_json: bool) -> None:
    """The versions of MODEL, or one of them in full."""
    from core.registry import versions
    from core.registry.approval import approvals, trainer

    store = desk_from(ctx, read_only=True).store
    found = versions.versions(store, model) if number is None else [versions.version(store, model, number)]
    if as_json:
        plain = [version_json(version) for version in found]
        emit(plain if number is None else plain[0])
    elif number is None:
        table(
            ["version", "stage", "auc", "95 % interval", "log loss", "rows", "snapshot", "made"], [*map(_line, found)]
        )
    else:
        for name, value in version_json(found[0]).items():
            click.echo(f"{name.replace('_', ' '):<12}{value}")
        click.echo(f"{'trained by':<12}{trainer(store, model, found[0].version) or 'not known'}")
        for one in approvals(store, model, found[0].version):
            click.echo(f"{'approved by':<12}{one.actor} at {iso(one.at_us)} {one.reason}".rstrip())


def version_json(version: Version) -> dict[str, Any]:
    """A version with stable keys and ISO times."""
    return {
        "model": version.model,
        "version": version.version,
        "stage": version.stage,
        "artefact": version.artefact,
        "metrics": version.metrics,
        "parameters": version.parameters,
        "code": version.code,
        "environment": version.environment,
        "job": version.run_id,
        "created": iso(version.created_us),
    }


def _line(version: Version) -> tuple[object, ...]:
    m = version.metrics
    interval = f"{m['auc_low']:.3f} to {m['auc_high']:.3f}"
    made, snapshot = iso(version.created_us), version.parameters["snapshot"]
    return (version.version, version.stage, f"{m['auc']:.3f}", interval, f"{m['logloss']:.3f}", m["n"], snapshot, made)


@command.command("compare")
@click.argument("model")
@click.argument("left", type=int)
@click.argument("right", type=int)
@json_option
@click.pass_context
def compare(ctx: click.Context, model: str, left: int, right: int, as_json: bool) -> None:
    """What differs between versions LEFT and RIGHT of MODEL."""
    from core.registry import compare as comparing

    found = comparing.compare(desk_from(ctx, read_only=True), model, left, right)
    if as_json:
        emit(found.to_json())
        return
    table(["measure", str(left), str(right), "difference"], [*map(_measure, found.metrics.items())])
    for difference in found.differences:
        click.echo(f"{difference.what}: {difference.left} -> {difference.right}")
    click.echo(found.caution)
    if found.paired:
        click.echo(found.paired)


def _measure(item: tuple[str, tuple[float, float]]) -> tuple[str, str, str, str]:
    name, (left, right) = item
    return name, f"{left:.4f}", f"{right:.4f}", f"{right - left:+.4f}"


@command.command("promote")
@click.argument("model")
@click.argument("version", type=int)
@click.argument("stage", type=click.Choice(["candidate", "staging", "production", "archived", "retired"]))
@change_options
@click.pass_context
def promote(ctx: click.Context, model: str, version: int, stage: str, dry_run: bool, yes: bool) -> None:
    """Move VERSION of MODEL to STAGE; what was in production before it is archived."""
    from core.registry import versions

    desk = desk_from(ctx)
    found = versions.version(desk.store, model, version)
    what = f"{model} version {version} from {found.stage} to {stage}"
    if dry_run:
        click.echo(f"would move {what}")
        return
    confirm(f"Move {what}?", yes)
    versions.promote(desk, model, version, stage)
    click.echo(f"moved {what}")


@command.command("approve")
@click.argument("model")
@click.argument("version", type=int)
@click.option("--reason", default="", help="Why, for the ledger.")
@change_options
@click.pass_context
def approve(ctx: click.Context, model: str, version: int, reason: str, dry_run: bool, yes: bool) -> None:
    """Approve VERSION of MODEL, as somebody else than who trained it: a critical model is not deployed without."""
    from core.registry import approval, versions

    desk = desk_from(ctx)
    by = approval.trainer(desk.store, model, versions.version(desk.store, model, version).version)
    what = f"{model} version {version}, trained by {by or 'nobody the ledger knows'}, as {desk.actor}"
    if dry_run:
        click.echo(f"would approve {what}")
        return
    confirm(f"Approve {what}?", yes)
    done = approval.approve(desk, model, version, reason=reason)
    click.echo(f"{model} version {version} is approved by {done.actor}")


@command.command("critical")
@click.argument("model")
@click.option("--on/--off", "on", required=True, help="Whether its versions need an approval before a deploy.")
@change_options
@click.pass_context
def critical(ctx: click.Context, model: str, on: bool, dry_run: bool, yes: bool) -> None:
    """Mark MODEL as critical: none of its versions is deployed before a second person has approved it."""
    from core.registry import approval

    desk = desk_from(ctx)
    what = f"{model} {'critical' if on else 'no longer critical'}"
    if dry_run:
        changes = approval.is_critical(desk.store, model) != on
        click.echo(f"would make {what}" if changes else f"{model} is so already")
        return
    confirm(f"Make {what}?", yes)
    changed = approval.mark_critical(desk, model, on=on)
    click.echo(f"{model} is {'critical' if on else 'not critical'}{'' if changed else ' already'}")


@command.command("card")
@click.argument("model")
@click.option("--version", "number", type=int, help="Which version; else the latest.")
@json_option
@click.pass_context
def card(ctx: click.Context, model: str, number: int | None, as_json: bool) -> None:
    """The model card, as Markdown."""
    from core.registry import card as cards

    text = cards.card(desk_from(ctx, read_only=True), model, number)
    if as_json:
        emit({"model": model, "card": text})
    else:
        click.echo(text, nl=False)
