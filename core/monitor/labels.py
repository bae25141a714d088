"""Labels that come late: kept once, and counted with the prediction they belong to at the time it was made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.clock import MINUTE
from core.counts.series import SeriesKey, add_all
from core.desk import Desk
from core.errors import BadInput
from core.measures.ranking import SCORE_BINS, score_bin
from core.measures.tasks import BINARY
from core.monitor.quality import losses
from core.store import Row, Store, Tx

Vectors = dict[tuple[SeriesKey, int], list[int]]

INSERT = """INSERT INTO label(model, request_id, value, at_us) VALUES (?, ?, ?, ?)
ON CONFLICT(model, request_id) DO NOTHING"""
CHANGES = "SELECT total_changes() AS n"
KNOWN = "SELECT value FROM label WHERE model = ? AND request_id = ?"
JOINABLE = """SELECT l.model, l.request_id, l.value, p.endpoint, p.version, p.at_us, p.score
FROM label l INDEXED BY label_waiting
JOIN prediction p ON p.model = l.model AND p.request_id = l.request_id
WHERE l.joined_us IS NULL ORDER BY l.model, l.request_id LIMIT ?"""
JOINED = "UPDATE label SET joined_us = ? WHERE model = ? AND request_id = ?"
TASK = "SELECT task FROM model WHERE name = ?"
STATS = """SELECT count(*) AS labels, coalesce(sum(value), 0) AS positives,
count(joined_us) AS joined, count(*) - count(joined_us) AS waiting,
min(at_us) AS first_us, max(at_us) AS last_us
FROM label WHERE model = ?"""


@dataclass(frozen=True)
class Stats:
    """How many labels a model has; `waiting` have no prediction yet."""

    labels: int
    positives: int
    joined: int
    waiting: int
    first_us: int | None
    last_us: int | None


def record(desk: Desk, model: str, rows: Iterable[tuple[str, int, int]]) -> int:
    """Keep labels (request id, 0 or 1, time) in one transaction; returns how many are new.

    The first label of a request stands: counts only add, so a later one for the same request is left out.
    Raises BadInput for an empty id or a value other than 0 and 1; then nothing is kept.
    """
    require_joined(desk.store, model)
    given = [(model, _id(request), _value(request, value), int(at_us)) for request, value, at_us in rows]
    if not given:
        return 0
    with desk.write() as tx:
        before = _changes(tx)
        tx.executemany(INSERT, given)
        return _changes(tx) - before


def require_joined(store: Store, model: str) -> None:
    """Raises BadInput for a model whose labels cannot be counted: those of classes and numbers have no place yet."""
    task = task_of(store, model)
    if task != BINARY:
        raise BadInput(
            f"{model} is {task}: only the labels of binary models are joined to what was served",
            "its inputs, scores, latency and availability are watched; measure its quality on a snapshot of later rows",
        )


def task_of(store: Store, model: str) -> str:
    """The task of a model; binary where it is not registered here."""
    row = store.one(TASK, (model,))
    return str(row["task"]) if row else BINARY


def contradicted(store: Store, model: str, rows: Sequence[tuple[str, int, int]]) -> int:
    """How many of these labels differ from the one already kept for their request."""
    known = [(store.one(KNOWN, (model, request)), value) for request, value, _ in rows]
    return sum(row is not None and row["value"] != value for row, value in known)


def join(desk: Desk, limit: int = 10_000) -> int:
    """Count every label whose prediction is known, once; returns how many.

    Adds its score to score.pos or score.neg and its losses to loss, at the prediction's minute, and marks it, in one
    transaction. Labels without a prediction wait for it. Nothing is written where nothing is new.
    """
    if not desk.store.read(JOINABLE, (1,)):
        return 0
    now = desk.now_us()
    with desk.write() as tx:
        rows = tx.read(JOINABLE, (limit,))
        add_all(tx, _vectors(rows))
        tx.executemany(JOINED, [(now, row["model"], row["request_id"]) for row in rows])
    return len(rows)


def stats(store: Store, model: str) -> Stats:
    """The labels of a model; all zero where there are none."""
    row = store.read(STATS, (model,))[0]
    return Stats(**{name: row[name] for name in Stats.__dataclass_fields__})


def _vectors(rows: Sequence[Row]) -> Vectors:
    """What the labelled predictions add, one vector for each series and minute."""
    vectors: Vectors = {}
    for row in rows:
        minute = row["at_us"] - row["at_us"] % MINUTE
        place = (row["model"], row["version"], row["endpoint"])
        scores = vectors.setdefault(
            (SeriesKey("score.pos" if row["value"] else "score.neg", *place), minute), [0] * SCORE_BINS
        )
        scores[score_bin(row["score"])] += 1
        loss = vectors.setdefault((SeriesKey("loss", *place), minute), [0, 0, 0])
        log, brier = losses(row["score"], row["value"])
        loss[:] = [loss[0] + 1, loss[1] + log, loss[2] + brier]
    return vectors


def _id(request: str) -> str:
    if not request:
        raise BadInput("a label has no request id", "give every label the id that its prediction was asked with")
    return request


def _value(request: str, value: int) -> int:
    if value not in (0, 1):
        raise BadInput(f"the label {value!r} of request {request!r} is neither 0 nor 1", "write labels as 0 or 1")
    return int(value)


def _changes(tx: Tx) -> int:
    row = tx.one(CHANGES)
    return int(row["n"]) if row else 0
