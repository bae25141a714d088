"""What has to be true after every run, whatever happened in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.clock import DAY, MINUTE
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.endpoints import deploy
from core.ledger import verify
from core.ledger.chain import key_of
from core.store import Store
from core.work import outbox
from tests.simulation.disk import MODEL, SCHEDULES
from tests.simulation.network import Endpoint
from tests.simulation.world import START_US

UNENDED = "SELECT 1 FROM run WHERE state IN ('planned', 'claimed') LIMIT 1"
EFFECTS = "SELECT json_extract(data, '$.job') AS job FROM event WHERE kind = 'sim.effect'"
DUE = """SELECT due_us FROM run JOIN schedule ON schedule.id = run.schedule WHERE schedule.name = ?
ORDER BY due_us"""
EVENTS = """SELECT kind, json_extract(data, '$.job') AS job FROM event
WHERE kind LIKE 'job.%' AND kind <> 'job.cancel_asked'"""
SETTLED = "SELECT key, state, error FROM outbox WHERE endpoint = ? ORDER BY id"


@dataclass(frozen=True)
class Truth:
    """A home at rest, and what really happened around it."""

    desk: Desk
    endpoints: Mapping[str, Endpoint]
    told: list[tuple[str, int]]
    heads: Mapping[int, str]
    ended_us: int


def quiet(store: Store, endpoints: Mapping[str, Endpoint]) -> bool:
    """Whether no run and no message waits, and nothing is left to collect."""
    busy = store.one(UNENDED) or outbox.addressed(store) or any(each.held for each in endpoints.values())
    return not busy


def check(truth: Truth) -> list[str]:
    """Every promise that was broken, in words; none where all were kept."""
    parts = (runs, schedules, deliveries, counts, ledger, acknowledged)
    return [f"{part.__name__}: {fault}" for part in parts for fault in part(truth)]


def runs(truth: Truth) -> Iterator[str]:
    """Every run has ended, said so once, and took effect once where it succeeded; none took effect twice."""
    store = truth.desk.store
    effects = Counter(row["job"] for row in store.read(EFFECTS))
    ends = Counter((row["job"], row["kind"]) for row in store.read(EVENTS))
    told = Counter(job for job, _ in ends.elements())
    for row in store.read("SELECT * FROM run"):
        number, state = row["id"], row["state"]
        if effects[number] > 1 or (state == "succeeded" and effects[number] != 1):
            yield f"run {number} ({state}) took effect {effects[number]} times"
        if state in ("planned", "claimed") or row["owner"] is not None:
            yield f"run {number} is {state}, held by {row['owner']}"
        if state == "dead" and row["attempt"] < row["max_attempts"]:
            yield f"run {number} was given up after {row['attempt']} of {row['max_attempts']} attempts"
        if state == "failed":
            yield f"run {number} failed: {row['error']}"
        if (told[number], ends[number, f"job.{state}"]) != (1, 1):
            yield f"the ledger tells {told[number]} ends of run {number} ({state})"


def schedules(truth: Truth) -> Iterator[str]:
    """`all` planned each due time, the others some of them, none a time that was not due."""
    for name, minutes in (("every", 30), ("newest", 7), ("skipping", 20)):
        step = minutes * MINUTE
        found = [row["due_us"] for row in truth.desk.store.read(DUE, (name,))]
        due = list(range(START_US // step * step + step, truth.ended_us + 1, step))
        if SCHEDULES[name][1] == "all" and found != due:
            yield f"{name}: {len(found)} runs for {len(due)} due times"
        if name != "skipping" and not set(found) <= set(due):
            yield f"{name}: a run for a time that was not due"
        if SCHEDULES[name][1] == "latest" and due and found[-1:] != due[-1:]:
            yield f"{name}: the latest due time was not planned"


def deliveries(truth: Truth) -> Iterator[str]:
    """Each endpoint did what it was told, once by key and in order, and serves what the store says it does."""
    store = truth.desk.store
    for name, endpoint in truth.endpoints.items():
        rows = store.read(SETTLED, (name,))
        done = [row["key"] for row in rows if row["state"] == "done" and row["error"] != "superseded"]
        taken_back = {row["key"] for row in rows if row["error"] == "superseded"}
        keys = [key for key, _ in endpoint.effects]
        if len(keys) != len(set(keys)):
            yield f"{name} did something twice"
        if [key for key in keys if key not in taken_back] != done:
            yield f"{name} did {keys}, the outbox sent {done}"
        order = {row["key"]: place for place, row in enumerate(rows)}
        if [order[key] for key in keys] != sorted(order[key] for key in keys):
            yield f"{name} did things out of order"
        if [row for row in rows if row["state"] == "dead"]:
            yield f"{name} has a dead letter"
        active = deploy.active(store, name, MODEL)
        if done and (active is None or active.version != endpoint.effects[-1][1]):
            yield f"{name} serves v{endpoint.effects[-1][1]}, the store says {active}"


def counts(truth: Truth) -> Iterator[str]:
    """Each batch was added once or, where the endpoint lost it before anyone had it, not at all."""
    for name, endpoint in truth.endpoints.items():
        found = series.read_sum(
            truth.desk.store, SeriesKey("requests", MODEL, 1, name), START_US - 9 * DAY, truth.ended_us + 9 * DAY
        )
        found += [0] * (endpoint.made - len(found))
        known = {row["request_id"] for row in truth.desk.store.read("SELECT * FROM prediction")}
        last = {number for (boot, _), number in endpoint.numbers.items() if boot == endpoint.boots}
        for number, times in enumerate(found):
            owed = number in endpoint.settled or number in last
            if times > 1 or (owed and times != 1):
                yield f"batch {number} of {name} was added {times} times"
            if (f"{name}-{number}" in known) != (times == 1):
                yield f"the prediction of batch {number} of {name} does not fit its count"


def ledger(truth: Truth) -> Iterator[str]:
    """The chain verifies from first to last."""
    found = verify(truth.desk.store, key_of(truth.desk.home))
    if not found.ok:
        yield f"event {found.broken}: {found.reason}"


def acknowledged(truth: Truth) -> Iterator[str]:
    """What a command said it had done is still done, and every head that was seen is still in the chain."""
    for table, number in truth.told:
        if truth.desk.store.one(f"SELECT 1 FROM {table} WHERE id = ?", (number,)) is None:
            yield f"{table} {number} is gone"
    for seq, digest in truth.heads.items():
        row = truth.desk.store.one("SELECT hash FROM event WHERE seq = ?", (seq,))
        if row is None or row["hash"] != digest:
            yield f"event {seq} is not what it was"
