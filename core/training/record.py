"""The rows of models and their versions: what a training run leaves behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.desk import Desk
from core.errors import BadInput
from core.measures.tasks import BINARY
from core.store import Row, Store, Tx
from core.training.artefact import Artefact

BY_RUN = "SELECT * FROM model_version WHERE model = ? AND run_id = ?"
ONE = "SELECT * FROM model_version WHERE model = ? AND version = ?"
NEXT = "SELECT coalesce(max(version), 0) + 1 AS next FROM model_version WHERE model = ?"
ASKER = "SELECT asked_by FROM run WHERE id = ?"
LABEL = "SELECT label, task FROM model WHERE name = ?"
ADD_MODEL = "INSERT INTO model(name, task, label, created_us) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
ADD_VERSION = """INSERT INTO model_version(model, version, stage, artefact, snapshot_id, run_id, code, environment,
parameters, metrics, created_us) VALUES (:model, :version, 'candidate', :artefact, :snapshot_id, :run_id, :code,
:environment, :parameters, :metrics, :created_us)"""


@dataclass(frozen=True)
class Version:
    """A model version as registered; `artefact` and `code` are hashes, `metrics` those of the hold-out."""

    model: str
    version: int
    stage: str
    artefact: str
    snapshot_id: int | None
    run_id: int | None
    code: str
    environment: dict[str, str]
    parameters: dict[str, Any]
    metrics: dict[str, Any]
    created_us: int

    @property
    def task(self) -> str:
        """What kind of answer it gives: binary, multiclass or regression."""
        return str(self.parameters.get("task") or BINARY)

    @classmethod
    def of(cls, row: Row) -> Version:
        """The version of a row of the `model_version` table."""
        texts = ("environment", "parameters", "metrics")
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name not in texts}
        return cls(**plain, **{name: json.loads(row[name]) for name in texts})


@dataclass(frozen=True)
class Draft:
    """A trained model before it has a number: its model file and what is to be remembered about its making."""

    artefact: Artefact
    snapshot_id: int | None
    snapshot: str
    run_id: int | None
    code: str
    environment: Mapping[str, str]
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]


def made_by(store: Store | Tx, model: str, run_id: int | None) -> Version | None:
    """The version a run has registered already, or None."""
    row = None if run_id is None else store.one(BY_RUN, (model, run_id))
    return Version.of(row) if row else None


def require_label(store: Store | Tx, model: str, label: str, task: str) -> None:
    """Raises BadInput where the model exists and predicts something else: its versions could not be compared."""
    row = store.one(LABEL, (model,))
    if row is not None and row["label"] != label:
        raise BadInput(f"model {model!r} predicts {row['label']!r}, not {label!r}", "train it under another name")
    if row is not None and row["task"] != task:
        raise BadInput(f"model {model!r} is {row['task']}, not {task}", f"say --task {row['task']}, or another name")


def register(desk: Desk, draft: Draft) -> Version:
    """Keep a model file and register it as the model's next version, once for each run.

    The file is flushed to disk before the one transaction that makes the version known. Raises BadInput where the
    model exists and predicts another label.
    """
    while True:
        number = _next(desk.store, draft.artefact.model)
        artefact = draft.artefact.numbered(number)
        desk.blobs.put(artefact.to_bytes())
        with desk.write() as tx:
            before = made_by(tx, artefact.model, draft.run_id)
            if before is not None:
                return before
            # The number is part of the file, so another run that took it meanwhile means another file.
            if _next(tx, artefact.model) == number:
                return _insert(desk, tx, artefact, draft)


def _next(store: Store | Tx, model: str) -> int:
    row = store.one(NEXT, (model,))
    return int(row["next"]) if row else 1


def _insert(desk: Desk, tx: Tx, artefact: Artefact, draft: Draft) -> Version:
    model, now = artefact.model, desk.now_us()
    require_label(tx, model, artefact.label, artefact.task)
    tx.execute(ADD_MODEL, (model, artefact.task, artefact.label, now))
    values: dict[str, Any] = {
        "model": model,
        "version": artefact.version,
        "artefact": artefact.sha256,
        "snapshot_id": draft.snapshot_id,
        "run_id": draft.run_id,
        "code": draft.code,
        "environment": json.dumps(dict(draft.environment), sort_keys=True),
        "parameters": json.dumps(dict(draft.parameters), sort_keys=True),
        "metrics": json.dumps(dict(draft.metrics), sort_keys=True),
        "created_us": now,
    }
    tx.execute(ADD_VERSION, values)
    view = {"view": draft.parameters["view"]} if "view" in draft.parameters else {}
    data = {"snapshot": draft.snapshot, "artefact": artefact.sha256, "metrics": dict(draft.metrics), **view}
    # Whoever asked for the training has trained it, though the daemon ran it: approval is then another's.
    trainer = _asker(tx, draft.run_id)
    desk.record(tx, "model.registered", model=model, version=artefact.version, data=data, actor=trainer)
    row = tx.one(ONE, (model, artefact.version))
    assert row is not None
    return Version.of(row)


def _asker(tx: Tx, run_id: int | None) -> str:
    """Who asked for a run; empty where none did, or nobody knows."""
    row = None if run_id is None else tx.one(ASKER, (run_id,))
    return (row["asked_by"] or "") if row else ""
