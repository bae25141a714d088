"""`tocsin daemon`: schedules, sync, objectives, alerts and incidents, until it is stopped."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from console.cli.daemon_unit import UNITS
from console.cli.output import desk_from, home_from
from core.errors import NotAllowed
from core.settings import require_writable

# How often each part of the daemon has its turn, in seconds of real time.
PACE = {
    "work": 1,
    "folders": 1,
    "sync": 5,
    "tracking": 5,
    "watch": 10,
    "review": 300,
    "keep": 3600,
    "dead man": 5,
    "beat": 5,
}


@click.command()
@click.option("--slots", default=1, show_default=True, type=click.IntRange(1, 64), help="Jobs that may run at once.")
@click.option(
    "--grace",
    default=30,
    show_default=True,
    type=click.IntRange(0, 3600),
    help="Seconds that running jobs have to end once it is told to stop.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65_535),
    help="Answer /metrics (Prometheus) and /healthz on this port of the loopback; 0 takes a free one. Off without.",
)
@click.option("--step", is_flag=True, help="Take one turn for each line read, and answer it with one line of JSON.")
@click.option(
    "--print-unit",
    "unit",
    type=click.Choice(sorted(UNITS)),
    help="Print the service file that keeps this daemon running, with the options given here, and do nothing.",
)
@click.pass_context
def command(ctx: click.Context, slots: int, grace: int, metrics_port: int | None, step: bool, unit: str | None) -> None:
    """Run schedules, sync, objectives and alerts until stopped by SIGTERM or ctrl+c; one daemon a home.

    A second one stands by and takes over when the first ends, however it ends. Told to stop, it starts no more jobs,
    gives those that run their grace, and then gives them back to the queue; told twice, at once.
    """
    if unit:
        options = ["--slots", str(slots), "--grace", str(grace)]
        if metrics_port is not None:
            options += ["--metrics-port", str(metrics_port)]
        click.echo(UNITS[unit](home_from(ctx).path, options, grace), nl=False)
        return
    require_writable(home_from(ctx))
    desk = desk_from(ctx)
    if step:
        _in_step(desk, slots)
    else:
        _until_stopped(desk, slots, grace, metrics_port)


def _in_step(desk: Any, slots: int) -> None:
    from core.daemon import Daemon

    daemon = Daemon(desk, slots=slots)
    try:
        follow(daemon)
    finally:
        daemon.close()


def _until_stopped(desk: Any, slots: int, grace: int, metrics_port: int | None) -> None:
    from core.daemon import Daemon

    stopped, hurried = listen()
    lock = _lock(desk, stopped)
    if lock is None:
        return
    daemon = Daemon(desk, slots=slots, lock=lock)
    try:
        with _beacon(desk, metrics_port):
            click.echo(f"daemon runs on {desk.home.path}; ctrl+c stops it", err=True)
            pace(daemon, stopped)
            if daemon.runner.children:
                running = len(daemon.runner.children)
                click.echo(f"jobs that still run: {running}; they have {grace} s to end; ctrl+c: at once", err=True)
                daemon.drain(grace, hurried)
    finally:
        daemon.close()


def _lock(desk: Any, stopped: threading.Event) -> Any:
    """The home's lock, at once or when the daemon that holds it ends; None where `stopped` comes first."""
    from core.work.single import DaemonLock, stand_by

    try:
        return DaemonLock(desk.home)
    except NotAllowed as taken:
        click.echo(f"{taken.message}; this one stands by and takes over when it ends; ctrl+c stops it", err=True)
        return stand_by(desk, stopped)


@contextmanager
def _beacon(desk: Any, port: int | None) -> Iterator[None]:
    if port is None:
        yield
        return
    from core.beacon.server import HOST, Beacon

    beacon = Beacon(desk, port)
    click.echo(f"metrics on http://{HOST}:{beacon.port}/metrics", err=True)
    try:
        yield
    finally:
        beacon.close()


def listen() -> tuple[threading.Event, threading.Event]:
    """What SIGTERM or ctrl+c sets, and what a second one sets."""
    stopped, hurried = threading.Event(), threading.Event()

    def told(number: int, frame: object) -> None:
        (hurried if stopped.is_set() else stopped).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    return stopped, hurried


def follow(daemon: Any) -> None:
    """A turn for each line of standard input: how a replay keeps the daemon in step with its clock."""
    for _ in sys.stdin:
        tick = daemon.tick()
        click.echo(json.dumps({"running": tick.running, "opened": tick.opened, "errors": tick.errors}))


def pace(daemon: Any, stopped: threading.Event) -> None:
    """Each part at its own pace, never two of the same at once; a slow endpoint holds up nothing but the sync."""
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

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
    daemon.beat()
    scheduler.start()
    stopped.wait()
    scheduler.shutdown(wait=True)
    if failed:
        raise failed[0]
