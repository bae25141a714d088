"""Look a home over: each finding says what was found, and its fix."""

from __future__ import annotations

import ctypes.util
import sys
from collections.abc import Callable
from dataclasses import dataclass

from core.backup.named import damaged_blobs, named_blobs
from core.clock import span
from core.desk import Desk
from core.endpoints.waiting import asking, words
from core.errors import TocsinError
from core.ledger import anchors
from core.ledger.chain import key_of
from core.store import driver, space, ticket
from core.store.migrate import SCHEMA_VERSION
from core.work import rows
from core.work.beat import heartbeat
from core.work.planner import MEND

DEAD = "SELECT count(*) AS n FROM outbox WHERE state = 'dead'"
WAITING = "SELECT count(*) AS n, min(created_us) AS oldest FROM outbox WHERE state IN ('waiting', 'claimed')"
ENDPOINTS = "SELECT name, error FROM endpoint WHERE state = 'active' ORDER BY name"


@dataclass(frozen=True)
class Finding:
    """One check: `state` is ok, note (worth knowing) or wrong; `fix` is the next step, empty where none is needed."""

    check: str
    state: str
    found: str
    fix: str = ""


def examine(desk: Desk) -> list[Finding]:
    """Every check, in the order in which to mend; a check that fails itself is a finding, not an error."""
    findings: list[Finding] = []
    for name, check in CHECKS.items():
        try:
            findings += [Finding(name, *found) for found in check(desk)]
        except TocsinError as error:
            findings.append(Finding(name, "wrong", error.message, error.hint))
    return findings


Found = tuple[str, str, str] | tuple[str, str]


def _sqlite(desk: Desk) -> list[Found]:
    module = driver.module_for(desk.home.store_path, desk.store.secret)
    version, newer = (
        module.sqlite_version,
        "pysqlite3 (0.6.1 or newer)" if module is driver.dbapi else "a newer sqlcipher3",
    )
    if driver.wal_is_safe(version):
        return [("ok", f"SQLite {version}, write-ahead log")]
    return [
        (
            "note",
            f"SQLite {version} can corrupt a write-ahead log that two programs share, so a rollback journal is used",
            f"install {newer} for this Python, and writing is faster",
        )
    ]


def _store(desk: Desk) -> list[Found]:
    lines = [str(next(iter(dict(row).values()))) for row in desk.store.read("PRAGMA integrity_check(5)")]
    if lines != ["ok"]:
        return [("wrong", "; ".join(lines), "restore a backup; until then nothing new is safe in this home")]
    broken = desk.store.read("PRAGMA foreign_key_check")
    if broken:
        return [("wrong", f"{len(broken)} rows point to rows that do not exist", "restore a backup")]
    size = desk.home.store_path.stat().st_size / 1e6
    version = int(desk.store.read("PRAGMA user_version")[0]["user_version"])
    if version > SCHEMA_VERSION:
        found = f"made by a newer tocsin (schema {version}, this one knows {SCHEMA_VERSION}): it can only be read"
        return [("wrong", found, "upgrade tocsin")]
    return [("ok", f"sound, {size:.1f} MB"), *_space(desk)]


def _space(desk: Desk) -> list[Found]:
    found = space.space(desk.store)
    if found.free <= found.slack:
        return []
    said = f"{found.free / 1e6:.1f} MB of the file are free"
    if found.gives_back:
        return [("note", said, "the daemon gives them back a bit at a time; `tocsin doctor --fix` does it now")]
    return [("note", f"{said}, and an older tocsin made it so that it keeps them", "`tocsin doctor --fix`")]


def _ledger(desk: Desk) -> list[Found]:
    standing = anchors.read(desk.home.anchors_path)
    found = anchors.prove(desk.store, key_of(desk.home), standing)
    if found.ok:
        return [("ok", f"{found.events} events in one unbroken chain, {len(standing)} anchors")]
    return [("wrong", f"event {found.broken}: {found.reason}", "keep this home as evidence; compare with a backup")]


def _blobs(desk: Desk) -> list[Found]:
    bad = damaged_blobs(desk.store, desk.blobs)
    if bad:
        return [("wrong", f"{what}: {error.message}", error.hint) for what, error in bad]
    return [("ok", f"{len(named_blobs(desk.store))} snapshots, artefacts and walked runbooks have their hashes")]


def _daemon(desk: Desk) -> list[Found]:
    beat = heartbeat(desk)
    if beat.age_us is None:
        return [("note", "no daemon has run on this home", "`tocsin daemon` runs schedules, sync and alerts")]
    if beat.state == "silent":
        fix = "a second one stands by and takes over" if beat.standby else "start it again: `tocsin daemon`"
        return [("wrong", f"the daemon was last seen {span(beat.age_us)} ago", fix)]
    if beat.trouble:
        return [("wrong", beat.trouble, "mend what it names")]
    return [("ok", f"beat {span(beat.age_us)} ago{', and a second one stands by' if beat.standby else ''}")]


def _writers(desk: Desk) -> list[Found]:
    found = ticket.holder(desk.home.lock_path("writer"))
    if found is not None and found.stopped:
        return [("wrong", f"nothing can be written: the store is held by {found.words}", found.hint)]
    return [("ok", f"written to by process {found.pid}" if found else "nobody holds it up")]


def _schedules(desk: Desk) -> list[Found]:
    aside = rows.set_aside(desk.store)
    found: list[Found] = [
        ("wrong", f"{each.name} is set aside: {each.trouble}", MEND.format(each.name)) for each in aside
    ]
    return found or [("ok", "each can be planned")]


def _endpoints(desk: Desk) -> list[Found]:
    active = desk.store.read(ENDPOINTS)
    bad: list[Found] = [
        ("wrong", f"{row['name']}: {row['error']}", f"`tocsin endpoint health {row['name']}` tries it now")
        for row in active
        if row["error"]
    ]
    return bad or [("ok", f"{len(active)} active, none in error")]


def _outbox(desk: Desk) -> list[Found]:
    dead = desk.store.read(DEAD)[0]["n"]
    if dead:
        return [("wrong", f"{dead} messages were given up", "`tocsin outbox list` shows why; retry or drop them")]
    asks = asking(desk)
    if asks:
        said = f"{len(asks)} wait for so long that they ask again, the oldest: {words(asks[0])}"
        return [("wrong", said, f"`tocsin outbox confirm {asks[0].id}` sends it, `outbox drop {asks[0].id}` does not")]
    row = desk.store.read(WAITING)[0]
    if not row["n"]:
        return [("ok", "nothing waits")]
    return [("note", f"{row['n']} wait, the oldest for {span(desk.now_us() - row['oldest'])}")]


def _machine(desk: Desk) -> list[Found]:
    if sys.platform == "linux" and ctypes.util.find_library("gomp") is None:
        return [("wrong", "the library libgomp is missing, so LightGBM cannot load", "install libgomp1 (or libgomp)")]
    return [("ok", f"Python {sys.version_info.major}.{sys.version_info.minor} on {sys.platform}")]


CHECKS: dict[str, Callable[[Desk], list[Found]]] = {
    "machine": _machine,
    "sqlite": _sqlite,
    "store": _store,
    "writers": _writers,
    "ledger": _ledger,
    "blobs": _blobs,
    "daemon": _daemon,
    "schedules": _schedules,
    "endpoints": _endpoints,
    "outbox": _outbox,
}
