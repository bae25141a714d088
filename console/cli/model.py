"""`tocsin model`: the registry of models and their versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.model_alias import alias
from console.cli.model_exchange import export, import_
from console.cli.model_gate import gate, rules, waive
from console.cli.model_leave import lineage, orphans, retire
from console.cli.model_stage import approve, critical, promote
from console.cli.opening import Opens
from console.cli.output import change_options, confirm, desk_from, emit, json_option, table
from console.cli.versioned import chosen, named
from core.clock import iso

if TYPE_CHECKING:
    from core.desk import Desk
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


for _each in (alias, approve, critical, export, gate, import_, lineage, orphans, promote, retire, rules, waive):
    command.add_command(_each)


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
@click.option("--version", "word", help="One version in full, by its number or alias.")
@json_option
@click.pass_context
def show(ctx: click.Context, model: str, word: str | None, as_json: bool) -> None:
    """The versions of MODEL, or one of them (also `MODEL@champion`) in full."""
    from core.registry import versions
    from core.registry.approval import approvals, trainer

    desk = desk_from(ctx, read_only=True)
    store, (model, number) = desk.store, named(desk, model, word)
    found = versions.versions(store, model) if number is None else [versions.version(store, model, number)]
    if as_json:
        plain = [version_json(version) for version in found]
        emit(plain if number is None else plain[0])
    elif number is None:
        first, second = _titles(found)
        headers = ["version", "stage", first, "95 % interval", second, "rows", "snapshot", "made"]
        table(headers, [*map(_line, found)])
    else:
        for name, value in version_json(found[0]).items():
            click.echo(f"{name.replace('_', ' '):<12}{value}")
        click.echo(f"{'trained by':<12}{trainer(store, model, found[0].version) or 'not known'}")
        for one in approvals(store, model, found[0].version):
            click.echo(f"{'approved by':<12}{one.actor} at {iso(one.at_us)} {one.reason}".rstrip())
        _tell_gate(desk, found[0])


def _tell_gate(desk: Desk, found: Version) -> None:
    """The last result of the gate in force, and the waivers that hold."""
    from core.registry import aliases, waivers
    from core.registry.gate import in_force, standing

    names = [name for name, number in aliases.aliases(desk.store, found.model).items() if number == found.version]
    if names:
        click.echo(f"{'aliases':<12}{', '.join(names)}")
    if in_force(desk.store, found.model) is not None:
        last = standing(desk.store, found.model, found.version)
        said = (
            "not asked yet"
            if last is None
            else f"{'passed' if last.passed else 'not passed'} at {iso(last.created_us)}"
        )
        click.echo(f"{'gate':<12}{said}")
    for one in waivers.in_force(desk.store, found.model, found.version, desk.now_us()).values():
        click.echo(f"{'waived':<12}{one.rule} by {one.actor} until {iso(one.until_us)}: {one.reason}")


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
    from core.measures.tasks import told

    measure, interval, second = told(version.task, version.metrics)
    made, snapshot = iso(version.created_us), version.parameters.get("snapshot", "-")
    rows = version.metrics.get("n", "-")
    return (version.version, version.stage, measure, interval, second, rows, snapshot, made)


def _titles(found: list[Version]) -> tuple[str, str]:
    from core.measures.tasks import BINARY, HEADLINES

    headline = HEADLINES[found[0].task if found else BINARY]
    return headline.first[1].lower(), headline.second[1].lower()


@command.command("compare")
@click.argument("model")
@click.argument("left")
@click.argument("right")
@json_option
@click.pass_context
def compare(ctx: click.Context, model: str, left: str, right: str, as_json: bool) -> None:
    """What differs between versions LEFT and RIGHT of MODEL."""
    from core.registry import compare as comparing

    desk = desk_from(ctx, read_only=True)
    found = comparing.compare(desk, model, *(chosen(desk, model, word)[1] for word in (left, right)))
    if as_json:
        emit(found.to_json())
        return
    table(["measure", left, right, "difference"], [*map(_measure, found.metrics.items())])
    for difference in found.differences:
        click.echo(f"{difference.what}: {difference.left} -> {difference.right}")
    click.echo(found.caution)
    if found.paired:
        click.echo(found.paired)


def _measure(item: tuple[str, tuple[float, float]]) -> tuple[str, str, str, str]:
    name, (left, right) = item
    return name, f"{left:.4f}", f"{right:.4f}", f"{right - left:+.4f}"


@command.command("reproduce")
@click.argument("model")
@click.argument("version", type=int)
@json_option
@click.pass_context
def reproduce(ctx: click.Context, model: str, version: int, as_json: bool) -> None:
    """Train VERSION of MODEL again from what was recorded, and compare it bit for bit; exit code 1 if it differs.

    One that a cluster fitted is trained again here, and its measure must lie in the interval recorded of it.
    """
    from console.cli.waiting import ended_well, queued
    from core.errors import CheckFailed
    from core.registry.versions import version as version_of

    desk = desk_from(ctx)
    args = {"model": model, "version": version_of(desk.store, model, version).version}
    # One document is promised, so that progress is told as lines beside it.
    ended = queued(desk, "reproduce", args, here=True, as_json=False)
    assert ended is not None, "what runs here ends here"
    found = ended_well(ended)
    if as_json:
        emit({"job": ended.id, **found})
    elif found["identical"]:
        click.echo(f"identical: {model} version {version} is {found['artefact'][:12]} again")
    for difference in () if as_json else found["differences"]:
        click.echo(difference)
    if not found["agrees"]:
        raise CheckFailed(f"{model} version {version} is not reproduced", "the lines above say what differs first")


@command.command("card")
@click.argument("model")
@click.option("--version", "word", help="Which version, by its number or alias; else the latest.")
@click.option(
    "--notes", type=click.Path(path_type=Path), metavar="FILE", help="Keep FILE (Markdown) as the words of people."
)
@json_option
@change_options
@click.pass_context
def card(
    ctx: click.Context, model: str, word: str | None, notes: Path | None, as_json: bool, dry_run: bool, yes: bool
) -> None:
    """The model card, as Markdown with the usual front matter; with --notes the part that people write is kept."""
    from core.registry import card as cards

    desk = desk_from(ctx, read_only=notes is None)
    if notes is not None:
        _keep_notes(desk, model, notes, dry_run, yes)
        return
    model, number = named(desk, model, word)
    text = cards.card(desk, model, number)
    if as_json:
        emit({"model": model, "card": text})
    else:
        click.echo(text, nl=False)


def _keep_notes(desk: Desk, model: str, path: Path, dry_run: bool, yes: bool) -> None:
    from core.errors import BadInput
    from core.registry import notes

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}", "name a text file of Markdown") from error
    if dry_run:
        click.echo(f"would keep {len(text)} characters as the notes of {model}")
        return
    confirm(f"Keep {path} as the notes of {model}?", yes)
    kept = notes.write(desk, model, text)
    click.echo(f"{model} has notes {kept.number} by {kept.actor}")
