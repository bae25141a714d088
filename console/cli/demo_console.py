"""The demonstration with its console: the conductor in the background, the screen in front."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from core.errors import BadInput, CheckFailed
from core.home import Home


def watch(home: Home, options: dict[str, Any]) -> None:
    """Start the replay, show how it is prepared, then open the console on it; the replay ends with the console."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadInput("there is no terminal to show the console on", "add --headless to play without one")
    from console.start import start

    log = Path(f"{home.path}-replay.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as messages:
        conductor = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "console.cli.main",
                "--home",
                str(home.path),
                "demo",
                "--conduct",
                "--json",
                *passed(options),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
            start_new_session=True,
        )
    try:
        _prepare(conductor, log)
        start(str(home.path))
    finally:
        conductor.terminate()
        conductor.wait()
    click.echo(f"The replay has ended. Its home is {home.path}; look again with: tocsin --home {home.path}")


def passed(options: dict[str, Any]) -> list[str]:
    """The options that the conductor is to follow as well."""
    given = {"--days": "days", "--bad-day": "bad_day", "--speed": "speed", "--seed": "seed", "--fault": "fault"}
    return [f"{flag}={options[name]}" for flag, name in given.items() if options[name] is not None]


STEPS = {
    "dataset.added": "336,776 flights read, January to March registered as a snapshot with its contract",
    "model.registered": "version 1 of flight-delay trained, measured on a temporal hold-out and registered",
    "endpoint.added": "the endpoint is up",
    "deploy.applied": "version 1 is served over HTTP",
    "slo.saved": "objectives saved",
}


def _prepare(conductor: subprocess.Popen[bytes], log: Path) -> None:
    """Show the steps until the first request can be sent. Raises CheckFailed where the replay ends before that."""
    assert conductor.stdout is not None
    seen: set[str] = set()
    click.echo("Preparing a home of its own (about ten seconds) ...")
    for line in conductor.stdout:
        said = json.loads(line)
        if "ready" in said:
            break
        kind = said.get("event", {}).get("kind", "")
        if kind in STEPS and kind not in seen:
            seen.add(kind)
            click.echo(f"  {STEPS[kind]}")
    else:
        words = log.read_text("utf-8", errors="replace").strip().splitlines()
        raise CheckFailed("the replay ended early" + (f": {words[0]}" if words else ""), f"its messages are in {log}")
    _drain(conductor)


def _drain(conductor: subprocess.Popen[bytes]) -> None:
    """Read on in the background, so that a full pipe never holds the replay up."""
    import threading

    assert conductor.stdout is not None
    threading.Thread(target=conductor.stdout.read, daemon=True).start()
