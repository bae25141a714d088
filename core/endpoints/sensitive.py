"""Samples with sensitive columns: what is stored of them, how it is read back, and how its keys are changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.access.sensitive import ENCRYPT, MASK, MASKED, TOKEN, WAYS, Vault
from core.desk import Desk
from core.measures.values import is_missing
from core.store import Row, Store, Tx

# The contracts in force of every data set that a version of the model was trained on.
RULES = """SELECT json_extract(part.value, '$.name') AS name, json_extract(part.value, '$.sensitive') AS way
FROM contract, json_each(contract.spec, '$.columns') AS part
WHERE contract.dataset IN (SELECT snapshot.dataset FROM model_version AS trained
JOIN snapshot ON snapshot.id = trained.snapshot_id WHERE trained.model = ?)
AND contract.version = (SELECT max(version) FROM contract AS newest WHERE newest.dataset = contract.dataset)
AND json_extract(part.value, '$.sensitive') IS NOT NULL"""
OLDER = """SELECT id, model, request_id, sealed, sealed_key FROM sample
WHERE sealed_key IS NOT NULL AND sealed_key < ? ORDER BY id LIMIT 500"""
RESEAL = "UPDATE sample SET sealed = ?, sealed_key = ? WHERE id = ?"

Rules = Mapping[str, str]


def rules(store: Store | Tx, model: str) -> Rules:
    """The way each sensitive column of a model is to be kept; none where no contract declares any.

    Where two contracts differ the one that keeps less is followed.
    """
    found: dict[str, str] = {}
    for row in store.read(RULES, (model,)):
        name, way = str(row["name"]), str(row["way"])
        found[name] = min(way, found.get(name, way), key=WAYS.index)
    return found


@dataclass(frozen=True)
class Kept:
    """What is stored of a sample's inputs: those anybody may read, and the sealed ones with their key's number."""

    inputs: str
    sealed: str | None = None
    key: int | None = None


def protect(vault: Vault, by: Rules, model: str, request_id: str, inputs: Mapping[str, Any]) -> Kept:
    """The inputs of a sample as they may be stored. What is missing stays missing; a sealed input stands as null."""
    shown, sealed, key = dict(inputs), dict[str, str](), None
    for name in by.keys() & inputs.keys():
        value = inputs[name]
        if is_missing(value):
            continue
        if by[name] == MASK:
            shown[name] = MASKED
        elif by[name] == TOKEN:
            shown[name] = vault.token(name, value)
        else:
            key = key or vault.current()
            sealed[name], shown[name] = vault.seal(key, _place(name, model, request_id), value), None
    text = json.dumps(shown, ensure_ascii=False)
    return Kept(text, json.dumps(sealed), key) if key else Kept(text)


def readable(vault: Vault, row: Row) -> dict[str, Any]:
    """The inputs of a row of the `sample` table, its sealed ones opened.

    Raises NotFound for a key that is gone, CheckFailed for what was changed or moved.
    """
    inputs: dict[str, Any] = json.loads(row["inputs"])
    if row["sealed"] is not None:
        inputs.update(_opened(vault, row))
    return inputs


def _opened(vault: Vault, row: Row) -> dict[str, Any]:
    sealed: dict[str, str] = json.loads(row["sealed"])
    return {
        name: vault.open(row["sealed_key"], _place(name, row["model"], row["request_id"]), text)
        for name, text in sealed.items()
    }


def _place(column: str, model: str, request_id: str) -> tuple[str, str, str]:
    return "sample", column, json.dumps([model, request_id])


def hidden(store: Store, model: str) -> list[str]:
    """The columns of which samples keep no value that could be scored again, by name."""
    return sorted(name for name, way in rules(store, model).items() if way != ENCRYPT)


@dataclass(frozen=True)
class Rotated:
    """The number of the new key, how many samples were sealed again, and the keys that were deleted."""

    key: int
    samples: int
    forgotten: list[int]


def rotate(desk: Desk) -> Rotated:
    """Seal with a new key from now on, seal again what older keys sealed, then delete those keys.

    Stopped at any instant, nothing is lost: the older keys stay until nothing needs them, and the next rotation goes
    on. Raises NotAllowed for who is no admin, NotFound where an older key is gone.
    """
    vault = Vault(desk.home)
    with desk.write() as tx:
        desk.record(tx, "secret.rotated", data={"key": max(vault.numbers(), default=0) + 1})
        key = vault.add()
    samples = 0
    while some := _reseal_some(desk, vault, key):
        samples += some
    with desk.write() as tx:
        # Under the ticket nobody seals: what is no longer needed now is needed by nobody.
        forgotten = [] if tx.read(OLDER, (key,)) else vault.forget_before(key)
    return Rotated(key, samples, forgotten)


def _reseal_some(desk: Desk, vault: Vault, key: int) -> int:
    with desk.write() as tx:
        rows = tx.read(OLDER, (key,))
        for row in rows:
            values = _opened(vault, row)
            places = {name: _place(name, row["model"], row["request_id"]) for name in values}
            sealed = {name: vault.seal(key, places[name], value) for name, value in values.items()}
            tx.execute(RESEAL, (json.dumps(sealed), key, row["id"]))
    return len(rows)
