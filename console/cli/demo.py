"""`tocsin demo`: the flights year, a real model, a bad deploy, an incident, a rollback."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click

from console.cli.output import end_with_input
from core.access.actor import VARIABLES
from core.errors import Interrupted
from core.home import Home


@click.command()
@click.option("--headless", is_flag=True, help="No console: play to the end with the automatic rollback, then report.")
@click.option("--json", "as_json", is_flag=True, help="With --headless: one JSON line an event, the summary last.")
@click.option("--days", default=30, show_default=True, type=click.IntRange(3, 200), help="Simulated days to replay.")
@click.option("--bad-day", type=click.IntRange(2, 199), help="The day of the bad deploy; else the middle, at most 15.")
@click.option(
    "--speed", type=click.FloatRange(0), help="Simulated days a second; 0 is as fast as it can. [1; headless 0]"
)
@click.option("--seed", default=7, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Same seed, same story.")
@click.option("--fault", default="skew", show_default=True, type=click.Choice(["skew", "none"]))
@click.option("--conduct", is_flag=True, hidden=True)
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Play April 2013's flights: train and serve a real model, replay its traffic, deploy a bad version, see it found.

    It builds a home of its own (or in --home, which must be empty or an earlier demonstration) and opens the console
    on it: when the incident appears, R and y roll back. With --headless the automatic rollback does.
    """
    for name in VARIABLES:
        # The demonstration's home is a new one: a key of another home would be refused there.
        os.environ.pop(name, None)
    chosen = ctx.find_root().obj.get("home")
    home = Home.find(chosen) if chosen else Home(_default_path())
    if options["headless"] or options["conduct"]:
        conduct(home, options)
    else:
        from console.cli.demo_console import watch

        watch(home, options)


def _default_path() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("tocsin-demo"))


def plan_of(options: dict[str, Any]) -> Any:
    """The replay that the options ask for."""
    from core.demo.plan import Plan

    headless, days = options["headless"], options["days"]
    speed = options["speed"]
    bad_day = options["bad_day"]
    return Plan(
        days=days,
        bad_day=min(15, days // 2) if bad_day is None else bad_day,
        seed=options["seed"],
        fault=options["fault"],
        speed=(0.0 if headless else 1.0) if speed is None else speed,
        automatic=headless,
    )


def conduct(home: Home, options: dict[str, Any]) -> None:
    """Play the story here; headless it ends with the summary, else it stays until it is stopped."""
    from core.demo.conductor import Conductor, clear
    from core.demo.report import summarise

    def stopped(number: int, frame: object) -> None:
        raise Interrupted("the demonstration was stopped", "run `tocsin demo` again: it starts anew")

    signal.signal(signal.SIGTERM, stopped)
    if options["conduct"]:
        end_with_input()
    started = time.monotonic()
    clear(home)
    plan = plan_of(options)
    with Conductor(home, plan, tell_json if options["as_json"] else tell) as conductor:
        conductor.open()
        click.echo(json.dumps({"ready": True}) if options["as_json"] else "the replay begins", err=options["headless"])
        conductor.play()
        if not options["headless"]:
            conductor.rest()
        summary = summarise(conductor.desk, plan)
        summary["wall_s"] = round(time.monotonic() - started, 1)
        summary["peak_rss_mb"] = conductor.memory_mb()
    click.echo(json.dumps({"summary": summary}))


def tell_json(event: Any) -> None:
    """One event as a JSON line."""
    from console.cli.audit import event_json

    click.echo(json.dumps({"event": event_json(event)}))
    sys.stdout.flush()


def tell(event: Any) -> None:
    """One event as a line to read."""
    from console.cli.audit import said, subject
    from core.clock import iso

    click.echo(f"{iso(event.at_us)[:16].replace('T', ' ')}  {event.kind:<20} {subject(event)}  {said(event)}".rstrip())
