"""`tocsin daemon`: schedules, sync, objectives, alerts and incidents, until it is stopped."""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Any

import click

from console.cli.output import desk_from

# How often each part of the daemon has its turn, in seconds of real time.
PACE = {"work": 1, "sync": 5, "watch": 10, "review": 300, "keep": 3600, "beat": 5}


@click.command()
@click.option("--slots", default=1, show_default=True, type=click.IntRange(1, 64), help="Jobs that may run at once.")
@click.option("--step", is_flag=True, help="Take one turn for each line read, and answer it with one line of JSON.")
@click.pass_context
def command(ctx: click.Context, slots: int, step: bool) -> None:
    """Run schedules, sync, objectives and alerts until stopped by SIGTERM or ctrl+c; one daemon a home."""
    from core.daemon import Daemon

    desk = desk_from(ctx)
    daemon = Daemon(desk, slots=slots)
    try:
        if step:
            follow(daemon)
        else:
            click.echo(f"daemon runs on {desk.home.path}; ctrl+c stops it", err=True)
            pace(daemon)
    finally:
        daemon.close()


def follow(daemon: Any) -> None:
    """A turn for each line of standard input: how a replay keeps the daemon in step with its clock."""
    for _ in sys.stdin:
        tick = daemon.tick()
        click.echo(json.dumps({"running": tick.running, "opened": tick.opened, "errors": tick.errors}))


def pace(daemon: Any) -> None:
    """Each part at its own pace, never two of the same at once; a slow endpoint holds up nothing but the sync."""
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    stopped = threading.Event()
    failed: list[BaseException] = []

    def turn(name: str) -> None:
        try:
            if name == "beat":
                daemon.beat()
            else:
                daemon.attempt(name)
        except BaseException as error:  # noqa: BLE001 - a thread's error must reach the process, whatever it is
            failed.append(error)
            stopped.set()

    scheduler = BackgroundScheduler(
        executors={name: ThreadPoolExecutor(1) for name in ("default", *PACE)}, timezone="UTC"
    )
    for name, seconds in PACE.items():
        scheduler.add_job(turn, "interval", (name,), seconds=seconds, executor=name, max_instances=1, coalesce=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    daemon.beat()
    scheduler.start()
    stopped.wait()
    scheduler.shutdown(wait=True)
    if failed:
        raise failed[0]
