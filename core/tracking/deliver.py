"""Tell trackers of versions: queued in the outbox, sent in order, again until each is told or refused."""

from __future__ import annotations

from dataclasses import dataclass

from core.access import secrets
from core.desk import Desk
from core.endpoints.adapter import Outcome
from core.endpoints.deploy import origin
from core.errors import TocsinError
from core.registry import versions
from core.registry.versions import Version
from core.store import Store
from core.tracking import rows
from core.tracking.adapter import connect
from core.tracking.rows import Tracked
from core.tracking.told import run_of
from core.work import outbox
from core.work.outbox import Message

SINCE = "SELECT * FROM model_version WHERE created_us >= ? ORDER BY created_us, model, version"
KNOWN = "SELECT 1 FROM outbox WHERE key = ?"
NEWEST = "SELECT coalesce(max(id), 0) AS id FROM evaluation WHERE model = ? AND version = ?"


@dataclass(frozen=True)
class Told:
    """What became of one message: `state` is logged, refused or waiting, with the reason in `error`."""

    tracker: str
    model: str
    version: int
    state: str
    error: str = ""


def queue(desk: Desk, *, model: str | None = None, every: bool = False) -> int:
    """Queue what the trackers have not been told of; returns how many messages that is.

    A version is told once, and again when it has been evaluated since. Without `every` only those are queued that
    were registered since the tracker was added. Raises NotFound for an unknown model.
    """
    if model is not None:
        versions.require_model(desk.store, model)
    new = [
        (tracked, version, key)
        for tracked in rows.trackers(desk.store)
        for version in _versions(desk.store, 0 if every else tracked.added_us)
        if model in (None, version.model) and not desk.store.read(KNOWN, (key := _key(desk, tracked, version),))
    ]
    if not new:
        return 0
    with desk.write() as tx:
        fresh = [each for each in new if tx.one(KNOWN, (each[2],)) is None]
        for tracked, version, key in fresh:
            body = {"model": version.model, "version": version.version}
            outbox.put(tx, desk.now_us(), tracked.line, key, outbox.TELLS, body)
    return len(fresh)


def _versions(store: Store, since_us: int) -> list[Version]:
    return [Version.of(row) for row in store.read(SINCE, (since_us,))]


def _key(desk: Desk, tracked: Tracked, version: Version) -> str:
    """Another key for another server under the name, another model file, and a newer evaluation."""
    row = desk.store.one(NEWEST, (version.model, version.version))
    told = f"{version.model}/{version.version}/{version.artefact[:12]}/{row['id'] if row else 0}"
    return f"{origin(desk)}/{tracked.line}/{tracked.added_us}/{told}"


def deliver(desk: Desk, *, line: str | None = None, owner: str = "cli", early: bool = False) -> list[Told]:
    """Send what is due, in one line or in all; one that another process is sending is left to it.

    `early` does not wait for back-off. Never raises for a server's faults: they are in the answer and the tracker's
    row. Raises StoreUnusable.
    """
    told: list[Told] = []
    for tracked in rows.trackers(desk.store):
        if line in (None, tracked.line):
            with outbox.alone(desk.home, tracked.line) as ours:
                told += _send_all(desk, tracked, owner, early) if ours else []
    return told


def _send_all(desk: Desk, tracked: Tracked, owner: str, early: bool) -> list[Told]:
    told: list[Told] = []
    while not told or told[-1].state != "waiting":
        with desk.write() as tx:
            message = outbox.claim(tx, desk.now_us(), tracked.line, owner, early=early)
        if message is None:
            break
        told.append(_settle(desk, tracked, message, _tell(desk, tracked, message)))
    return told


def _tell(desk: Desk, tracked: Tracked, message: Message) -> Outcome:
    try:
        server = connect(tracked.kind, tracked.url, secrets.resolve(tracked.token_ref) if tracked.token_ref else "")
    except TocsinError as error:
        return Outcome("later", error.message, answered=False)
    try:
        run = run_of(desk, tracked, message.body["model"], message.body["version"])
    except TocsinError as error:
        return Outcome("never", error.message)
    return server.log(run)


def _settle(desk: Desk, tracked: Tracked, message: Message, outcome: Outcome) -> Told:
    now, model, version = desk.now_us(), message.body["model"], message.body["version"]
    with desk.write() as tx:
        if outcome.kind == "done":
            state = "logged"
            tx.execute(rows.SEEN, (now, tracked.name))
            if outbox.done(tx, now, message):
                desk.record(tx, "tracking.logged", model=model, version=version, data={"tracker": tracked.name})
        else:
            tx.execute(rows.FAILED, (outcome.error, tracked.name))
            # A tracker that was removed in the meantime has nobody left who would send again.
            over = outcome.kind == "never" or tx.one(rows.ONE, (tracked.name,)) is None
            state = "refused" if over else "waiting"
            if over:
                outbox.bury(tx, now, message, outcome.error)
            else:
                wait = max(outbox.backoff_us(message.key, message.attempts), outcome.retry_after_us or 0)
                outbox.retry(tx, now + wait, message, outcome.error)
    return Told(tracked.name, model, version, state, outcome.error)
