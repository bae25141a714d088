"""The rows of batch scorings and of their finished parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core import crashpoint
from core.datasets.rows import Snapshot
from core.desk import Desk
from core.errors import BadInput, NotFound
from core.store import Row, Store, Tx
from core.training.record import Version

FIELDS = """SELECT score.*, snapshot.dataset || '/' || snapshot.number AS snapshot,
(SELECT coalesce(sum(rows), 0) FROM score_part WHERE score = score.id) AS in_parts
FROM score JOIN snapshot ON snapshot.id = score.snapshot_id"""
ALL = f"{FIELDS} ORDER BY score.id DESC LIMIT ?"
ONE = f"{FIELDS} WHERE score.id = ?"
OPEN = f"{FIELDS} WHERE score.request = ? AND score.blob IS NULL"
OF_RUN = f"{FIELDS} WHERE score.run_id = ? AND score.request = ?"
HOLDER = "SELECT id FROM run WHERE id = ? AND id IS NOT ? AND state = 'claimed'"
ADD = """INSERT INTO score(request, run_id, model, version, snapshot_id, rows, chunk, keep, created_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
TAKE = "UPDATE score SET run_id = ? WHERE id = ?"
PARTS = "SELECT * FROM score_part WHERE score = ? ORDER BY part"
ADD_PART = "INSERT INTO score_part(score, part, rows, sha256) VALUES (?, ?, ?, ?)"
SPEND = "UPDATE score SET cpu_ms = cpu_ms + ?, wall_ms = wall_ms + ? WHERE id = ?"
FORGET = "DELETE FROM score_part WHERE score = ? AND part >= ?"
END = "UPDATE score SET blob = ?, ended_us = ? WHERE id = ? AND blob IS NULL"


@dataclass(frozen=True)
class Score:
    """One batch scoring; `blob` names the output, None while it is open, with `in_parts` rows in whole parts.

    `cpu_ms` and `wall_ms` are of everything that was kept, over all attempts: reading, scoring, writing, joining.
    """

    id: int
    run_id: int | None
    model: str
    version: int
    snapshot_id: int
    snapshot: str
    rows: int
    in_parts: int
    chunk: int
    keep: tuple[str, ...]
    blob: str | None
    cpu_ms: int
    wall_ms: int
    created_us: int
    ended_us: int | None

    @classmethod
    def of(cls, row: Row) -> Score:
        """The scoring of a row of the `score` table."""
        plain = {name: row[name] for name in cls.__dataclass_fields__ if name != "keep"}
        return cls(keep=tuple(json.loads(row["keep"])), **plain)

    @property
    def rows_per_s(self) -> float | None:
        """Throughput; None while nothing was measured."""
        return 1000 * self.rows / self.wall_ms if self.blob and self.wall_ms else None


@dataclass(frozen=True)
class Part:
    """One finished part: its number from 0, its rows, and the hash of its file."""

    part: int
    rows: int
    sha256: str


@dataclass(frozen=True)
class Work:
    """What an output depends on: a version, a snapshot, the columns kept, and the rows of a part.

    Where the version looks aggregates up, they are joined by `time_column` from the snapshots `sources` (name to
    number), else there are neither.
    """

    version: Version
    snapshot: Snapshot
    keep: tuple[str, ...]
    chunk: int
    sources: Mapping[str, int] = field(default_factory=dict)
    time_column: str | None = None

    @property
    def request(self) -> str:
        """The same for the same work, whoever asks for it and when."""
        told: list[object] = [self.version.artefact, self.snapshot.blob, [*self.keep], self.chunk]
        if self.sources:
            told += [{**self.sources}, self.time_column]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def scores(store: Store | Tx, limit: int = 50) -> list[Score]:
    """The latest scorings, newest first."""
    return [Score.of(row) for row in store.read(ALL, (limit,))]


def score(store: Store | Tx, number: int) -> Score:
    """One scoring. Raises NotFound."""
    row = store.one(ONE, (number,))
    if row is None:
        raise NotFound(f"there is no scoring {number}", "`tocsin score list` shows what there is")
    return Score.of(row)


def open_one(store: Store | Tx, work: Work) -> Score | None:
    """The scoring of this work that was begun and has not ended, or None."""
    row = store.one(OPEN, (work.request,))
    return Score.of(row) if row else None


def begin(desk: Desk, work: Work, run_id: int | None) -> Score:
    """The scoring that a run is to do: the one it has begun or ended, else an open one of the same work, else new.

    Raises BadInput where another run is doing the same work at the moment.
    """
    with desk.write() as tx:
        row = None if run_id is None else tx.one(OF_RUN, (run_id, work.request))
        if row is not None:
            return Score.of(row)
        found = open_one(tx, work)
        if found is None:
            return score(tx, _insert(tx, desk.now_us(), work, run_id))
        if tx.one(HOLDER, (found.run_id, run_id)) is not None:
            raise BadInput(f"job {found.run_id} is scoring just that", f"`tocsin job show {found.run_id}` follows it")
        tx.execute(TAKE, (run_id, found.id))
        return found


def _insert(tx: Tx, now_us: int, work: Work, run_id: int | None) -> int:
    version, snapshot = work.version, work.snapshot
    keep = json.dumps([*work.keep])
    values = (version.model, version.version, snapshot.id, snapshot.rows, work.chunk, keep, now_us)
    return int(tx.execute(ADD, (work.request, run_id, *values)).lastrowid)


def parts(store: Store | Tx, number: int) -> list[Part]:
    """The finished parts of a scoring in order."""
    return [Part(row["part"], row["rows"], row["sha256"]) for row in store.read(PARTS, (number,))]


def forget_parts(desk: Desk, number: int, first: int) -> None:
    """Forget the parts from a number on: their files are not what they were."""
    with desk.write() as tx:
        tx.execute(FORGET, (number, first))


def keep_part(desk: Desk, number: int, part: Part, cpu_ms: int, wall_ms: int) -> None:
    """Record a part whose file is whole on disk, and what it took."""
    with desk.write() as tx:
        tx.execute(ADD_PART, (number, part.part, part.rows, part.sha256))
        tx.execute(SPEND, (cpu_ms, wall_ms, number))
    crashpoint.at("score.recorded")


def end(desk: Desk, found: Score, sources: Mapping[str, int], blob: str, cpu_ms: int, wall_ms: int) -> Score:
    """Record the output of a scoring, with its event in the ledger; once, however often it is tried."""
    with desk.write() as tx:
        if tx.execute(END, (blob, desk.now_us(), found.id)).rowcount:
            tx.execute(SPEND, (cpu_ms, wall_ms, found.id))
            tx.execute(FORGET, (found.id, 0))
            data: dict[str, object] = {
                "score": found.id,
                "snapshot": found.snapshot,
                "rows": found.rows,
                "output": blob,
            }
            if sources:
                data["sources"] = {**sources}
            desk.record(tx, "model.scored", model=found.model, version=found.version, data=data)
        ended = score(tx, found.id)
    crashpoint.at("score.ended")
    return ended


def whole_prefix(known: Sequence[Part], chunk: int, rows: int) -> list[Part]:
    """The parts from the first on without a gap, each of as many rows as it should have."""
    found: list[Part] = []
    for place, part in enumerate(known):
        if part.part != place or part.rows != min(chunk, rows - place * chunk):
            break
        found.append(part)
    return found
