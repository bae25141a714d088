"""What each model's jobs may use of a day, what they have used, and so why a run waits."""

from __future__ import annotations

import json
from typing import Any

from core.clock import DAY, iso
from core.settings import Quota
from core.store import Store, Tx
from core.work.rows import Run

UNLIMITED = Quota()
# More CPU seconds than a day has on any machine: how no limit is told to SQL.
ENDLESS = 1 << 40

SPEND = """INSERT INTO cpu_spent(model, day_us, cpu_ms) VALUES (?, ?, ?)
ON CONFLICT(model, day_us) DO UPDATE SET cpu_ms = cpu_ms + excluded.cpu_ms"""
SPENT = "SELECT cpu_ms FROM cpu_spent WHERE model = ? AND day_us = ?"
UNMET = """SELECT run.id, run.state FROM need JOIN run ON run.id = need.needs
WHERE need.run = ? AND run.state <> 'succeeded' ORDER BY run.id LIMIT 1"""
UNDER_WAY = "SELECT id FROM run WHERE schedule = ? AND state = 'claimed'"


def bounds(now_us: int, quota: Quota) -> dict[str, Any]:
    """A quota as the claim's parameters: the day, the limit of every model in seconds, and the exceptions."""
    models = {model: seconds or ENDLESS for model, seconds in quota.models.items()}
    return {"day": _day(now_us), "cpu_seconds": quota.cpu_seconds or ENDLESS, "models": json.dumps(models)}


def spend(tx: Tx, now_us: int, run: Run, cpu_ms: int) -> None:
    """Count what one attempt of a run used against its model's day; a run without a model counts nowhere."""
    if run.args.get("model") and cpu_ms:
        tx.execute(SPEND, (str(run.args["model"]), _day(now_us), cpu_ms))


def over_quota(store: Store, now_us: int, quota: Quota, run: Run) -> str:
    """That a run's model has used its day up, and when it goes on; empty where it has not."""
    model = str(run.args.get("model") or "")
    limit = quota.models.get(model, quota.cpu_seconds)
    row = store.one(SPENT, (model, _day(now_us))) if limit and model else None
    if row is None or row["cpu_ms"] < 1000 * limit:
        return ""
    used = row["cpu_ms"] // 1000
    return f"{model} has used {used} of its {limit} CPU seconds today: goes on at {iso(_day(now_us) + DAY)}"


def why_waits(store: Store, now_us: int, quota: Quota, run: Run) -> str:
    """What keeps a planned run from starting, in words; empty for any other, and for one that a daemon could take."""
    if run.state != "planned":
        return ""
    needed = store.one(UNMET, (run.id,))
    if needed:
        return f"needs job {needed['id']}, which is {needed['state']}"
    if run.next_us > now_us:
        return f"{'tries again' if run.attempt else 'is due'} at {iso(run.next_us)}"
    other = store.one(UNDER_WAY, (run.schedule,))
    if other:
        return f"job {other['id']} of its schedule still runs"
    return over_quota(store, now_us, quota, run)


def _day(now_us: int) -> int:
    return now_us // DAY * DAY
