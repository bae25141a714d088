"""Play many seeds on every core, and gather what broke."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.play import Broken, Played, play

CHUNK = 25
# More than this tell nothing new.
SHOWN = 5


def play_all(seeds: Sequence[int]) -> list[Played]:
    """What each seed came to. Raises Broken with the first few seeds that broke a promise, each with its replay."""
    chunks = [list(seeds[at : at + CHUNK]) for at in range(0, len(seeds), CHUNK)]
    played: list[Played] = []
    broken: list[str] = []
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        for good, bad in pool.map(_play_some, chunks):
            played += good
            broken += bad
    if broken:
        raise Broken(f"{len(broken)} of {len(seeds)} seeds broke a promise\n" + "\n".join(broken[:SHOWN]))
    return played


def _play_some(seeds: list[int]) -> tuple[list[Played], list[str]]:
    good: list[Played] = []
    bad: list[str] = []
    for seed in seeds:
        try:
            good.append(play(seed))
        except Broken as error:
            bad.append(str(error))
    return good, bad
