"""Take the logs of ended jobs into the words that can be found; everything else is taken in by the store's triggers."""

from __future__ import annotations

import os
from pathlib import Path

from core.desk import Desk
from core.store import Row, Tx

# The end of a log says how it ended; this much of it is searched.
SEARCHED_BYTES = 64 << 10
BITE = 200

WAITING = """SELECT run.id, run.attempt, run.log, coalesce(run.ended_us, run.due_us) AS at_us FROM run
LEFT JOIN words_log ON words_log.run = run.id
WHERE run.state IN ('succeeded', 'failed', 'cancelled', 'dead') AND words_log.attempt IS NOT run.attempt
ORDER BY run.id LIMIT ?"""
FORGET = "DELETE FROM words WHERE rowid = ?"
PUT = "INSERT INTO words(rowid, body, kind, ref, at_us) VALUES (?, ?, 'log', ?, ?)"
TAKEN = """INSERT INTO words_log(run, attempt) VALUES (?, ?)
ON CONFLICT(run) DO UPDATE SET attempt = excluded.attempt"""


def take_in_logs(desk: Desk) -> int:
    """Index the logs of jobs that have ended since; returns how many jobs were looked at.

    Raises NotAllowed or StoreUnusable where the home cannot be written.
    """
    looked = 0
    while rows := desk.store.read(WAITING, (BITE,)):
        bodies = [_end_of(Path(row["log"] or desk.home.logs_path / f"job-{row['id']}.log")) for row in rows]
        with desk.write() as tx:
            for row, body in zip(rows, bodies, strict=True):
                _take_in(tx, row, body)
        looked += len(rows)
    return looked


def _take_in(tx: Tx, row: Row, body: str) -> None:
    # Rows of incidents and notes have numbers of their own form: see the migration.
    number = 4 * int(row["id"]) + 2
    tx.execute(FORGET, (number,))
    if body:
        tx.execute(PUT, (number, body, row["id"], row["at_us"]))
    tx.execute(TAKEN, (row["id"], row["attempt"]))


def _end_of(path: Path) -> str:
    try:
        with open(path, "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - SEARCHED_BYTES))
            return log.read(SEARCHED_BYTES).decode("utf-8", "replace").replace("\0", " ").strip()
    except OSError:
        return ""
