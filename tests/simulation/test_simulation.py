from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from core.access.sensitive import Vault
from core.endpoints import rows, telemetry
from core.endpoints.adapter import DONE, Batch, Outcome
from core.endpoints.ingest import add_batches
from core.store import Tx
from core.work import claim, runner
from tests.simulation.many import play_all
from tests.simulation.network import Endpoint
from tests.simulation.play import Broken, play

SEEDS_BY_DEFAULT = 40
SEEDS_IN_CI = 1_000
SEEDS_AT_NIGHT = 100_000


def test_every_promise_is_kept_in_a_few_runs(seed: int | None) -> None:
    for each in range(SEEDS_BY_DEFAULT) if seed is None else [seed]:
        play(each)


def test_a_seed_replays_to_the_same_step(seed: int | None) -> None:
    chosen = 23 if seed is None else seed
    assert play(chosen) == play(chosen)


@pytest.mark.e2e
def test_every_promise_is_kept_in_a_thousand_runs(seed: int | None) -> None:
    if seed is not None:
        pytest.skip("one seed was asked for")
    played = play_all(range(SEEDS_IN_CI))
    assert len({each.fingerprint for each in played}) == SEEDS_IN_CI
    assert min(sum(each.deaths for each in played), sum(each.effects for each in played)) > SEEDS_IN_CI


@pytest.mark.nightly
def test_every_promise_is_kept_in_a_hundred_thousand_runs(seed: int | None) -> None:
    if seed is not None:
        pytest.skip("one seed was asked for")
    assert len(play_all(range(SEEDS_AT_NIGHT))) == SEEDS_AT_NIGHT


def deaf(endpoint: Endpoint, model: str, version: int, key: str) -> Outcome:
    """An endpoint that does not know a key it was told before."""
    endpoint.effects.append((key, version))
    return DONE


def twice(tx: Tx, vault: Vault, endpoint: str, batches: list[Batch]) -> int:
    """Counts that are added without asking whether they were added before."""
    return add_batches(tx, vault, endpoint, batches) + add_batches(tx, vault, endpoint, batches)


def unwritten(*_: Any) -> bool:
    """An end that is told and not written."""
    return True


PLANTED: dict[str, tuple[Callable[[], Any], str]] = {
    "an endpoint that forgets its keys": (lambda: patch.object(Endpoint, "activate", deaf), "did something twice"),
    "a page that is taken in twice": (lambda: patch.object(telemetry, "add_batches", twice), "was added 2 times"),
    "a claim without a fence": (
        lambda: patch.object(claim, "END", claim.END.replace("fence = :fence AND state = 'claimed'", ":fence")),
        "runs:",
    ),
    "an end that is not written": (lambda: patch.object(runner, "finish", unwritten), "ends of run"),
    "an order that trusts the clock": (
        lambda: patch.object(rows, "APPLIED", rows.APPLIED.replace("BY id", "BY applied_us, id")),
        "the store says",
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found_and_says_how_to_replay_it(fault: str) -> None:
    planted, said = PLANTED[fault]
    with planted(), pytest.raises(Broken, match="--seed") as found:
        for each in range(200):
            play(each)
    assert said in str(found.value)
