"""`tocsin checklist`: whether a version is ready, item by item, each with its proof."""

from __future__ import annotations

import click

from console.cli.output import desk_from, emit, json_option, table
from console.cli.versioned import named


@click.group("checklist")
def command() -> None:
    """Checklists whose items are proved by what the store holds; `tocsin model waive` takes `item:NAME` for one."""


@command.command("pre-production")
@click.argument("model")
@click.argument("version", required=False)
@json_option
@click.pass_context
def pre_production(ctx: click.Context, model: str, version: str | None, as_json: bool) -> None:
    """Whether VERSION of MODEL (the latest) may go into production; exit code 1 where an item is open."""
    _tell(ctx, "pre-production", model, version, as_json)


@command.command("production")
@click.argument("model")
@click.argument("version", required=False)
@json_option
@click.pass_context
def production(ctx: click.Context, model: str, version: str | None, as_json: bool) -> None:
    """Whether MODEL can be operated as it stands in production; exit code 1 where an item is open."""
    _tell(ctx, "production", model, version, as_json)


def _tell(ctx: click.Context, name: str, model: str, version: str | None, as_json: bool) -> None:
    from core.governance.checklist import go_through

    desk = desk_from(ctx, read_only=True)
    checked = go_through(desk, name, *named(desk, model, version))
    if as_json:
        emit(checked.to_json())
    else:
        lines = [(item["state"], item["item"], item["evidence"], item["next"]) for item in checked.items]
        table(["state", "item", "evidence", "next"], lines)
    checked.require()
