"""Run one queued job in front of the person who asked for it, without a daemon."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.desk import Desk
from core.errors import NotAllowed
from core.work import rows
from core.work.claim import Owner, owner_lives
from core.work.quota import over_quota
from core.work.runner import Runner
from core.work.stop import stop

POLL_SECONDS = 0.05


def daemon_lives(desk: Desk) -> bool:
    """Whether a daemon holds this home's lock, and so will start what is queued."""
    return owner_lives(desk.home, "daemon")


def run_here(desk: Desk, kinds: dict[str, str], run_id: int, show: Callable[[float, str], None]) -> rows.Run:
    """Run a queued job in a process of its own until it has ended, whoever has claimed it; returns it ended.

    `show` is told the share done and what is being done. An interrupt cancels the job, waits for it to stop, and
    is raised again. Raises NotAllowed, the job cancelled, where its model has used up its CPU time of the day.
    """
    _require_quota(desk, run_id)
    owner = Owner(desk.home, "here")
    runner = Runner(desk, kinds, owner, only=run_id)
    try:
        return _until_ended(desk, runner, run_id, show)
    except KeyboardInterrupt:
        stop(desk, run_id)
        _until_ended(desk, runner, run_id, show)
        raise
    finally:
        runner.stop()
        owner.close()


def _require_quota(desk: Desk, run_id: int) -> None:
    over = over_quota(desk.store, desk.now_us(), desk.settings.quota, rows.run(desk.store, run_id))
    if over:
        stop(desk, run_id, "quota")
        raise NotAllowed(over, "give it more: `quota` in settings.toml")


def _until_ended(desk: Desk, runner: Runner, run_id: int, show: Callable[[float, str], None]) -> rows.Run:
    while True:
        runner.step()
        for child in runner.children:
            if child.progress is not None:
                show(child.progress, child.text)
        found = rows.run(desk.store, run_id)
        if found.ended:
            return found
        time.sleep(POLL_SECONDS)
