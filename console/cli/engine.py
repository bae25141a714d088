"""The options that name where work is done."""

from __future__ import annotations

import click

from core.engines.engine import Choice

engine_option = click.option("--engine", metavar="NAME", help="Where it is done: local, or dask on a cluster.")
address_option = click.option("--address", metavar="URL", help="The scheduler of that cluster: tcp://HOST:PORT.")


def chosen(engine: str | None, address: str | None) -> Choice:
    """The engine that options name, the local one without. Raises BadInput for half a choice."""
    return Choice.of({"engine": engine, "address": address})
