"""`tocsin model export | import`: versions as directories of other houses."""

from __future__ import annotations

from pathlib import Path

import click

from console.cli.output import change_options, confirm, desk_from, emit, json_option
from console.cli.versioned import chosen

FORMAT = click.option("--format", "kind", default="mlflow", show_default=True, help="Whose directory it is.")


@click.command("export")
@click.argument("model")
@click.argument("version")
@click.argument("directory", type=click.Path(path_type=Path))
@FORMAT
@json_option
@click.pass_context
def export(ctx: click.Context, model: str, version: str, directory: Path, kind: str, as_json: bool) -> None:
    """Write VERSION of MODEL into the new DIRECTORY, which MLflow loads and `model import` reads without loss."""
    from core.tracking import export as exporting

    desk = desk_from(ctx, read_only=True)
    model, number = chosen(desk, model, version)
    written = exporting.write(desk, model, number, directory.absolute(), kind)
    if as_json:
        emit({"model": model, "version": number, "directory": str(directory), "files": written})
    else:
        click.echo(f"{directory}: {model} v{number} in {len(written)} files")


@click.command("import")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--model", required=True, help="The model whose next version it becomes.")
@click.option("--dataset", default="", help="Whose rows are the reference of drift, for a model made elsewhere.")
@click.option("--snapshot", type=click.IntRange(1), help="Which snapshot of it; else the latest.")
@click.option("--label", default="", help="What it predicts, as for `tocsin train`; else the contract's label.")
@FORMAT
@change_options
@click.pass_context
def import_(
    ctx: click.Context,
    directory: Path,
    model: str,
    dataset: str,
    snapshot: int | None,
    label: str,
    kind: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Take the model in DIRECTORY in as a candidate version: one that Tocsin exported, or of mlflow.lightgbm."""
    from core.tracking import take
    from core.tracking.take import Wanted

    desk = desk_from(ctx)
    wanted = Wanted(model, dataset, snapshot, label)
    draft = take.read(desk, directory, wanted, kind)
    what = f"{directory} as a version of {model} with {len(draft.artefact.features)} inputs"
    if dry_run:
        click.echo(f"would import {what}, which predicts {draft.artefact.label}")
        return
    confirm(f"Import {what}?", yes)
    from core.registry import versions

    done = versions.register(desk, draft)
    click.echo(f"{done.model} version {done.version}, a candidate, imported from {directory}")
