"""Append to the ledger, and prove that nothing in it was changed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import StoreUnusable
from core.home import Home, home_error
from core.store import Reads, Row, Tx

GENESIS = "0" * 64

LAST = "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"
INSERT = """INSERT INTO event(seq, at_us, recorded_us, actor, kind, model, version, endpoint, incident, data,
prev, hash, mac)
VALUES (:seq, :at_us, :recorded_us, :actor, :kind, :model, :version, :endpoint, :incident, :data, :prev, :hash, :mac)"""
ALL = "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT 5000"
HASHED = ("seq", "at_us", "recorded_us", "actor", "kind", "model", "version", "endpoint", "incident", "data", "prev")


@dataclass(frozen=True)
class Event:
    """One thing that happened. `at_us` is when, `recorded_us` when it was written down."""

    seq: int
    at_us: int
    recorded_us: int
    actor: str
    kind: str
    model: str | None
    version: int | None
    endpoint: str | None
    incident: int | None
    data: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, row: Row) -> Event:
        """The event of a row of the `event` table."""
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name != "data"}
        return cls(data=json.loads(row["data"]), **plain)


@dataclass(frozen=True)
class Verification:
    """What `verify` found: how many events, the hash of the last, and the first broken one with the reason."""

    ok: bool
    events: int
    head: str
    broken: int | None
    reason: str


def append(
    tx: Tx,
    key: bytes,
    *,
    at_us: int,
    recorded_us: int,
    actor: str,
    kind: str,
    model: str | None = None,
    version: int | None = None,
    endpoint: str | None = None,
    incident: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> int:
    """Write one event at the end of the chain, inside the caller's transaction; returns its number.

    The hash covers every field and the hash before it, so it repeats wherever the story repeats; the code beside it
    is an HMAC with a key kept outside the store, without which nobody can write a chain that verifies.
    """
    last = tx.one(LAST)
    seq = int(last["seq"]) + 1 if last else 1
    fields: dict[str, Any] = {
        "seq": seq,
        "at_us": at_us,
        "recorded_us": recorded_us,
        "actor": actor,
        "kind": kind,
        "model": model,
        "version": version,
        "endpoint": endpoint,
        "incident": incident,
        "data": canonical(data or {}),
        "prev": last["hash"] if last else GENESIS,
    }
    digest = digest_of(fields)
    tx.execute(INSERT, {**fields, "hash": digest, "mac": code_of(key, digest)})
    return seq


def canonical(data: Mapping[str, Any]) -> str:
    """JSON that is the same for the same data: sorted keys, no spaces, no not-a-number."""
    return json.dumps(dict(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(fields: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of an event's fields."""
    text = json.dumps([fields[name] for name in HASHED], separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def code_of(key: bytes, digest: str) -> str:
    """HMAC-SHA-256 of an event's hash."""
    return hmac.new(key, digest.encode(), hashlib.sha256).hexdigest()


def verify(store: Reads, key: bytes | None) -> Verification:
    """Walk the whole chain and name the first event that does not fit; an empty ledger verifies.

    Without a key the chain of hashes is checked, and not who wrote it.
    """
    return walk(rows_of(store), key)


def rows_of(store: Reads) -> Iterator[Row]:
    """Every row of the ledger in order, a few thousand at a time."""
    seq = 0
    while rows := store.read(ALL, (seq,)):
        yield from rows
        seq = int(rows[-1]["seq"])


def walk(rows: Iterable[Row], key: bytes | None) -> Verification:
    """Verify rows of the ledger that begin with the first event, wherever they come from."""
    seq, prev = 0, GENESIS
    for row in rows:
        reason = _fault(row, seq + 1, prev, key)
        if reason:
            return Verification(False, seq, prev, int(row["seq"]), reason)
        seq, prev = int(row["seq"]), str(row["hash"])
    return Verification(True, seq, prev, None, "")


def _fault(row: Row, expected: int, prev: str, key: bytes | None) -> str:
    if row["seq"] != expected:
        return f"event {expected} is missing"
    if row["prev"] != prev:
        return "it does not follow the event before it"
    if digest_of(row) != row["hash"]:
        return "its content was changed after it was written"
    if key is not None and not hmac.compare_digest(code_of(key, row["hash"]), row["mac"]):
        return "it was not written with this home's key"
    return ""


def key_of(home: Home) -> bytes:
    """The home's ledger key, made at first use and kept outside the store, readable by the owner alone."""
    path = home.key_path
    try:
        if not path.exists():
            _make_key(path)
        return path.read_bytes()
    except OSError as error:
        raise home_error(home.path, error) from error


def _make_key(path: Path) -> None:
    import os
    import secrets

    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(secrets.token_bytes(32))
    part.chmod(0o600)
    try:
        os.link(part, path)
    except FileExistsError:
        # Another process made it in the same instant: theirs is the key.
        return
    except OSError as error:
        raise StoreUnusable(f"the ledger key {path} cannot be made: {error}", "choose another --home") from error
    finally:
        part.unlink(missing_ok=True)
