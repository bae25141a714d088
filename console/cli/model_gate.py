"""`tocsin model gate`, `rules` and `waive`: what must hold before a version goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.output import change_options, confirm, desk_from, emit, home_from, json_option, table
from console.cli.versioned import chosen
from core.clock import iso, parse_span, parse_time
from core.desk import Desk
from core.errors import BadInput
from core.settings import require_writable

if TYPE_CHECKING:
    from core.gates.declared import Gates
    from core.registry.gate import GateResult

file_option = click.option(
    "--file", "path", type=click.Path(path_type=Path), metavar="FILE", help="Rules to ask instead of those in force."
)


@click.command("gate")
@click.argument("model")
@click.argument("version", required=False)
@file_option
@click.option("--dry-run", is_flag=True, help="Ask, and keep no result.")
@json_option
@click.pass_context
def gate(ctx: click.Context, model: str, version: str | None, path: Path | None, dry_run: bool, as_json: bool) -> None:
    """Ask the gate's rules of VERSION of MODEL (the latest) and keep the result; exit code 1 where it does not pass."""
    from core.gates import ask, declared

    if not dry_run:
        require_writable(home_from(ctx))
    desk = desk_from(ctx, read_only=dry_run)
    model, number = chosen(desk, model, version)
    gates = declared.read(path) if path else None
    result = ask.ask(desk, model, number, gates) if dry_run else ask.ask_and_keep(desk, model, number, gates)
    if as_json:
        emit(ask.to_json(result))
    else:
        _tell(result)
        _tell_other(desk, model, gates)
    ask.require(result)


def _tell(result: GateResult) -> None:
    lines = [
        (each["state"], each["rule"], _figure(each["measured"]), _figure(each["limit"]), _reason(each))
        for each in result.results
    ]
    table(["state", "rule", "measured", "limit", "why"], lines)
    until = f", by a waiver until {iso(result.until_us)}" if result.until_us else ""
    click.echo(f"{result.model} v{result.version} {'passes' if result.passed else 'does not pass'}{until}")


def _reason(answer: dict[str, object]) -> str:
    waiver = answer["waiver"]
    if isinstance(waiver, dict):
        return f"waived by {waiver['by']} until {waiver['until']}: {waiver['reason']}"
    return f"{answer['reason']}{' (optional)' if answer['optional'] else ''}"


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "-"


def _tell_other(desk: Desk, model: str, gates: Gates | None) -> None:
    """Say so where a file's rules are not those that promotion asks for."""
    from core.registry import gate as kept

    force = kept.in_force(desk.store, model)
    if gates is not None and force is not None and force.sha256 != gates.sha256:
        click.echo("note: these are not the rules in force, which promotion asks for", err=True)


@click.group("rules")
def rules() -> None:
    """The rules of a model's gate: kept as immutable versions, the last one in force."""


@rules.command("show")
@click.argument("model")
@json_option
@click.pass_context
def show(ctx: click.Context, model: str, as_json: bool) -> None:
    """The rules in force for MODEL."""
    from core.gates.ask import rules as in_force
    from core.registry import gate as kept

    desk = desk_from(ctx, read_only=True)
    plain = in_force(desk, model).plain
    force = kept.in_force(desk.store, model)
    assert force is not None
    if as_json:
        head = {"model": model, "number": force.number, "gates": force.sha256, "by": force.actor}
        emit({**head, "at": iso(force.created_us), "rule": plain["rule"]})
        return
    lines = [
        (each.pop("name"), each.pop("kind"), ", ".join(f"{k} {v}" for k, v in each.items())) for each in plain["rule"]
    ]
    table(["rule", "kind", "asks for"], lines)
    click.echo(f"set {force.number} by {force.actor} at {iso(force.created_us)}, {force.sha256[:12]}")


@rules.command("set")
@click.argument("model")
@click.argument("path", type=click.Path(path_type=Path), metavar="FILE")
@change_options
@click.pass_context
def set_(ctx: click.Context, model: str, path: Path, dry_run: bool, yes: bool) -> None:
    """Put the rules of FILE (TOML) in force for MODEL; the same ones again change nothing."""
    from core.gates import declared
    from core.registry import versions

    desk = desk_from(ctx)
    gates = declared.read(path)
    declared.require_for(gates, model)
    versions.require_model(desk.store, model)
    what = f"{len(gates.rule)} rules for {model}"
    if dry_run:
        click.echo(f"would put {what} in force")
        return
    confirm(f"Put {what} in force?", yes)
    kept = declared.declare(desk, model, gates)
    click.echo(f"{what} are in force, set {kept.number}, {kept.sha256[:12]}")


@click.command("waive")
@click.argument("model")
@click.argument("version")
@click.argument("rule")
@click.option("--reason", required=True, help="Why it may go on all the same.")
@click.option("--until", required=True, metavar="TIME", help="When it ends: a time, or a span from now as 14d.")
@change_options
@click.pass_context
def waive(
    ctx: click.Context, model: str, version: str, rule: str, reason: str, until: str, dry_run: bool, yes: bool
) -> None:
    """Let VERSION of MODEL go on despite RULE, as somebody else than who trained it; `item:NAME` is a checklist's."""
    from core.registry import waivers

    desk = desk_from(ctx)
    model, number = chosen(desk, model, version)
    until_us = _until(until, desk.now_us())
    what = f"{rule} for {model} v{number} until {iso(until_us)}"
    _require_known(desk, model, rule)
    if dry_run:
        click.echo(f"would waive {what}")
        return
    confirm(f"Waive {what}?", yes)
    waivers.waive(desk, model, number, rule, reason=reason, until_us=until_us)
    click.echo(f"waived {what}; `tocsin model gate {model} {number}` asks the gate again")


def _until(text: str, now_us: int) -> int:
    try:
        return now_us + parse_span(text)
    except BadInput:
        return parse_time(text)


def _require_known(desk: Desk, model: str, rule: str) -> None:
    """Raises BadInput for a rule that neither the gate in force nor a checklist has: a slip waives nothing."""
    from core.gates.ask import rules as in_force
    from core.registry import gate as kept

    if rule.startswith("item:") or kept.in_force(desk.store, model) is None:
        return
    names = [each.name for each in in_force(desk, model).rule]
    if rule not in names:
        raise BadInput(f"the gate of {model} has no rule {rule!r}", f"choose one of {', '.join(names)}")
