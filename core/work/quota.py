"""What each model's jobs may use of a day, what they have used, and so why a run waits."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from core.clock import DAY, iso
from core.settings import Quota
from core.store import Store, Tx
from core.work.rows import Run

UNLIMITED = Quota()
# More CPU seconds than a day has on any machine: how no limit is told to SQL.
ENDLESS = 1 << 40
# More millionths than anything costs: how no limit of money is told to SQL.
PRICELESS = 1 << 62

SPEND = """INSERT INTO cpu_spent(model, day_us, cpu_ms, cost_micros) VALUES (?, ?, ?, ?)
ON CONFLICT(model, day_us) DO UPDATE SET cpu_ms = cpu_ms + excluded.cpu_ms,
cost_micros = cost_micros + excluded.cost_micros"""
COST = "UPDATE run SET cost_micros = coalesce(cost_micros, 0) + ? WHERE id = ?"
SPENT = "SELECT cpu_ms, cost_micros FROM cpu_spent WHERE model = ? AND day_us = ?"
UNMET = """SELECT run.id, run.state FROM need JOIN run ON run.id = need.needs
WHERE need.run = ? AND run.state <> 'succeeded' ORDER BY run.id LIMIT 1"""
UNDER_WAY = "SELECT id FROM run WHERE schedule = ? AND state = 'claimed'"


def bounds(now_us: int, quota: Quota) -> dict[str, Any]:
    """A quota as the claim's parameters: the day, the limits of every model, and the exceptions."""
    models = {model: seconds or ENDLESS for model, seconds in quota.models.items()}
    money = {model: _micros(amount) for model, amount in quota.money_models.items()}
    return {
        "day": _day(now_us),
        "cpu_seconds": quota.cpu_seconds or ENDLESS,
        "models": json.dumps(models),
        "money": _micros(quota.money),
        "money_models": json.dumps(money),
    }


def _micros(amount: float) -> int:
    return round(amount * 1e6) or PRICELESS


def spend(tx: Tx, now_us: int, run: Run, cpu_ms: int, quota: Quota = UNLIMITED) -> None:
    """Count what one attempt of a run used and cost against its model's day; one without a model counts nowhere.

    What the run has cost in all, at the price of the time, stays in its row.
    """
    cost = quota.cost_micros(cpu_ms)
    if cost is not None:
        tx.execute(COST, (cost, run.id))
    if run.args.get("model") and cpu_ms:
        tx.execute(SPEND, (str(run.args["model"]), _day(now_us), cpu_ms, cost or 0))


def over_quota(store: Store, now_us: int, quota: Quota, run: Run, running_ms: int = 0) -> str:
    """That a run's model has used its day up, and when it goes on; empty where it has not.

    `running_ms` is what an attempt that has not ended has used: it counts as if it had.
    """
    model = str(run.args.get("model") or "")
    row = store.one(SPENT, (model, _day(now_us))) if model else None
    cpu_ms = (row["cpu_ms"] if row else 0) + running_ms
    cost = (row["cost_micros"] if row else 0) + (quota.cost_micros(running_ms) or 0)
    seconds, money = quota.models.get(model, quota.cpu_seconds), quota.money_models.get(model, quota.money)
    if not model:
        return ""
    if seconds and cpu_ms >= 1000 * seconds:
        used = f"has used {cpu_ms // 1000} of its {seconds} CPU seconds"
    elif cost >= _micros(money):
        used = f"has cost {quota.amount(cost)} of its {quota.amount(_micros(money))}"
    else:
        return ""
    return f"{model} {used} today: goes on at {iso(_day(now_us) + DAY)}"


class Wait(NamedTuple):
    """What keeps a planned run from starting: in a few letters for a line, and in full; empty where nothing does."""

    short: str = ""
    text: str = ""


def held_by(store: Store, now_us: int, quota: Quota, run: Run) -> Wait:
    """What keeps a planned run from starting; nothing for any other, and for one that a daemon could take."""
    if run.state != "planned":
        return Wait()
    needed = store.one(UNMET, (run.id,))
    if needed:
        return Wait(f"after job {needed['id']}", f"needs job {needed['id']}, which is {needed['state']}")
    if run.next_us > now_us:
        verb, at = ("tries again", "retry") if run.attempt else ("is due", "due")
        return Wait(f"{at} {iso(run.next_us)[11:16]}", f"{verb} at {iso(run.next_us)}")
    other = store.one(UNDER_WAY, (run.schedule,))
    if other:
        return Wait(f"behind job {other['id']}", f"job {other['id']} of its schedule still runs")
    over = over_quota(store, now_us, quota, run)
    return Wait("over quota", over) if over else Wait()


def why_waits(store: Store, now_us: int, quota: Quota, run: Run) -> str:
    """What keeps a planned run from starting, in words; empty where nothing does."""
    return held_by(store, now_us, quota, run).text


def _day(now_us: int) -> int:
    return now_us // DAY * DAY
