"""What the daemon does for the store itself: checkpoints against long readers, and retention under a size budget."""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import DAY, HOUR, MINUTE
from core.counts import series
from core.desk import Desk
from core.errors import CheckFailed
from core.store import space

# A log above this many bytes is written back and cut, once readers let go of it.
LOG_BYTES = 8 << 20
# What one turn gives back at most.
GIVEN_AT_ONCE = 64 << 20
# However small the budget, this much stays: what burn rates, quality windows and comparisons are formed from.
MINUTES_STAY_US = 2 * DAY
HOURS_STAY_US = 35 * DAY
SAMPLES_STAY_US = DAY

OLDEST_SAMPLE = "SELECT min(at_us) AS oldest FROM sample"
FORGET_SAMPLES = "DELETE FROM sample WHERE at_us < ? AND model IN (SELECT DISTINCT model FROM sample)"


@dataclass(frozen=True)
class Fitted:
    """What a size budget took, in rows, and the bytes in use afterwards."""

    minutes: int
    hours: int
    samples: int
    bytes: int


def checkpoint(desk: Desk) -> None:
    """Write a long log back into the store's file. Raises CheckFailed where a reader has kept it from being cut."""
    if desk.store.log_bytes() < LOG_BYTES:
        return
    if not desk.store.checkpoint():
        raise CheckFailed(
            f"a reader holds {desk.store.log_bytes() / 1e6:.0f} MB of the store's log", "end the oldest tocsin command"
        )


def give_back(desk: Desk) -> int:
    """Give what is free in the store's file back to the disk, in short transactions; returns bytes, mostly none."""
    given = space.give_back(desk.store, GIVEN_AT_ONCE)
    if given:
        # Only a checkpoint makes the file shorter; where a reader holds the log, the next one does.
        desk.store.checkpoint()
    return given


def fit(desk: Desk) -> Fitted:
    """Forget the oldest minutes, then hours, then samples until the store's used pages fit `retention.max_mb`.

    Coarser counts keep every sum; 0 is no budget. A bite is one short transaction. Raises CheckFailed where the store
    is still too large when only what must stay is left.
    """
    budget, now = desk.settings.retention.max_mb * 1_000_000, desk.now_us()
    if not budget:
        return Fitted(0, 0, 0, space.space(desk.store).used)
    minutes = _forget_counts(desk, budget, MINUTE, HOUR, now - MINUTES_STAY_US)
    hours = _forget_counts(desk, budget, HOUR, DAY, now - HOURS_STAY_US)
    samples = _forget_samples(desk, budget, now - SAMPLES_STAY_US)
    used = space.space(desk.store).used
    if used > budget:
        raise CheckFailed(
            f"the store holds {used / 1e6:.0f} MB, and nothing more may be forgotten",
            "raise retention.max_mb in settings.toml",
        )
    return Fitted(minutes, hours, samples, used)


def _forget_counts(desk: Desk, budget: int, grain: int, bite: int, stay_us: int) -> int:
    gone = 0
    while space.space(desk.store).used > budget:
        oldest = series.oldest_us(desk.store, grain)
        if oldest is None or oldest >= stay_us:
            break
        with desk.write() as tx:
            gone += series.forget(tx, grain, min(stay_us, oldest + bite))
    return gone


def _forget_samples(desk: Desk, budget: int, stay_us: int) -> int:
    gone = 0
    while space.space(desk.store).used > budget:
        oldest = desk.store.read(OLDEST_SAMPLE)[0]["oldest"]
        if oldest is None or oldest >= stay_us:
            break
        with desk.write() as tx:
            gone += int(tx.execute(FORGET_SAMPLES, (min(stay_us, oldest + HOUR),)).rowcount)
    return gone
