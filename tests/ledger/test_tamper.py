"""A thousand random tamperings of a real store, each tried inside a transaction that is then rolled back."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from core.desk import Desk
from core.ledger import anchors
from core.ledger.chain import GENESIS, HASHED, code_of, digest_of, key_of
from core.store import Tx, driver

EVENTS, ANCHORED = 48, (16, 40)
SEED = 5_2013
PUT = f"INSERT INTO event({', '.join(HASHED)}, hash, mac) VALUES ({', '.join('?' * 13)})"


def told(desk: Desk) -> None:
    for number in range(1, EVENTS + 1):
        with desk.write() as tx:
            desk.record(tx, "deploy.applied", model="m", version=number, data={"to": number})
        if number in ANCHORED:
            anchors.anchor(desk.home, desk.store, desk.now_us())


def update(tx: Tx, chance: random.Random, at: int, key: bytes) -> None:
    column = chance.choice(
        ["at_us", "recorded_us", "actor", "kind", "model", "version", "endpoint", "incident", "data"]
    )
    value = {"data": '{"to":0}', "actor": "eve", "kind": "deploy.failed", "model": "x", "endpoint": "x"}.get(column, 7)
    tx.execute(f"UPDATE event SET {column} = ? WHERE seq = ?", (value, at))


def forge(tx: Tx, chance: random.Random, at: int, key: bytes) -> None:
    column = chance.choice(["hash", "mac", "prev"])
    tx.execute(f"UPDATE event SET {column} = ? WHERE seq = ?", (f"{chance.getrandbits(256):064x}", at))


def delete(tx: Tx, chance: random.Random, at: int, key: bytes) -> None:
    tx.execute("DELETE FROM event WHERE seq = ?", (at,))


def insert(tx: Tx, chance: random.Random, at: int, key: bytes) -> None:
    tx.execute("UPDATE event SET seq = -seq - 1 WHERE seq >= ?", (at,))
    tx.execute("UPDATE event SET seq = -seq WHERE seq < 0")
    row = dict(tx.read("SELECT * FROM event WHERE seq = ?", (at + 1,))[0])
    tx.execute(PUT, [*({**row, "seq": at, "actor": "eve"}[name] for name in HASHED), row["hash"], row["mac"]])


def swap(tx: Tx, chance: random.Random, at: int, key: bytes) -> None:
    other = at % EVENTS + 1
    for old, new in ((at, -1), (other, at), (-1, other)):
        tx.execute("UPDATE event SET seq = ? WHERE seq = ?", (new, old))


def truncate(tx: Tx, chance: random.Random, at: int, key: bytes) -> None:
    tx.execute("DELETE FROM event WHERE seq >= ?", (at,))


def rewrite_with_key(tx: Tx, chance: random.Random, at: int, key: bytes) -> None:
    """Change an event and write every link behind it anew, with codes that fit the key."""
    rows = [dict(row) for row in tx.read("SELECT * FROM event ORDER BY seq")]
    prev = rows[at - 2]["hash"] if at > 1 else GENESIS
    tx.execute("DELETE FROM event WHERE seq >= ?", (at,))
    for row in rows[at - 1 :]:
        row["actor"], row["prev"] = ("eve" if row["seq"] == at else row["actor"]), prev
        prev = digest_of(row)
        tx.execute(PUT, [*(row[name] for name in HASHED), prev, code_of(key, prev)])


def rewrite_without_key(tx: Tx, chance: random.Random, at: int, key: bytes) -> None:
    rewrite_with_key(tx, chance, at, chance.randbytes(32))


TAMPERINGS: list[Callable[[Tx, random.Random, int, bytes], None]] = [
    update,
    forge,
    delete,
    insert,
    swap,
    truncate,
    rewrite_with_key,
    rewrite_without_key,
]


def opened(desk: Desk) -> Any:
    connection = driver.dbapi.connect(str(desk.home.store_path), isolation_level=None)
    connection.row_factory = driver.dbapi.Row
    return connection


def test_a_thousand_tamperings_are_all_found_up_to_the_last_anchor(desk: Desk) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    told(desk)
    key, standing = key_of(desk.home), anchors.read(desk.home.anchors_path)
    connection = opened(desk)
    assert anchors.prove(Tx(connection), key, standing).ok
    missed = []
    for number in range(1000):
        tampering, at = chance.choice(TAMPERINGS), chance.randint(1, ANCHORED[-1])
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DROP TRIGGER event_never_updated")
        connection.execute("DROP TRIGGER event_never_deleted")
        tampering(Tx(connection), chance, at, key)
        if anchors.prove(Tx(connection), key, standing).ok:
            missed.append((number, tampering.__name__, at))
        connection.execute("ROLLBACK")
    assert missed == []


def test_after_the_last_anchor_only_a_cut_or_the_key_goes_unseen(desk: Desk) -> None:
    told(desk)
    key, standing = key_of(desk.home), anchors.read(desk.home.anchors_path)
    connection, unseen = opened(desk), set()
    for tampering in TAMPERINGS:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DROP TRIGGER event_never_updated")
        connection.execute("DROP TRIGGER event_never_deleted")
        tampering(Tx(connection), random.Random(1), EVENTS - 3, key)
        if anchors.prove(Tx(connection), key, standing).ok:
            unseen.add(tampering)
        connection.execute("ROLLBACK")
    assert unseen == {truncate, rewrite_with_key}
