"""The trials of a search, one after another until a limit is reached: each kept as it ends, cut short if hopeless."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core import crashpoint
from core.desk import Desk
from core.errors import CheckFailed
from core.tuning import rows
from core.tuning.budget import Budget, Used
from core.tuning.metrics import Metric
from core.tuning.objective import Objective
from core.tuning.rows import COMPLETE, FAILED, PRUNED, Trial
from core.tuning.space import Range
from core.tuning.study import Study
from core.work.progress import Progress, log, point
from core.work.quota import over_quota
from core.work.rows import run as run_of

if TYPE_CHECKING:
    import optuna

# The search's own part of its job's progress; the rest is the training of the best.
SHARE = 0.9


class Cut(Exception):
    """A limit was reached within a trial, which is left out; `reason` tells which."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Trials:
    """The trials of a run, from the first that is not kept yet."""

    def __init__(
        self, desk: Desk, run: int, space: Mapping[str, Range], metric: Metric, budget: Budget, seed: int
    ) -> None:
        self._desk, self._run, self._metric, self._budget = desk, run, metric, budget
        self.ended = rows.trials(desk.store, run)
        self.study = Study(space, self.ended, more=metric.more, seed=seed)

    @property
    def best(self) -> Trial | None:
        """The best so far."""
        return rows.best_of(self.ended, more=self._metric.more)

    def run(self, objective: Objective, rounds: int, progress: Progress) -> str:
        """Try until a limit is reached; returns which. Raises CheckFailed where the model's day is used up."""
        for number, value in rows.curve(self.ended, more=self._metric.more):
            point(progress, number, **{"trials.best": value})
        for trial in self.ended:
            self._point(progress, trial)
        while True:
            reason = self._budget.ended(rows.used(self.ended))
            if reason:
                return reason
            self._require_day()
            try:
                trial = self._try(objective, rounds, progress)
            except Cut as cut:
                return cut.reason
            rows.add(self._desk, self._run, trial)
            crashpoint.at("search.trial")
            self.ended.append(trial)
            self._tell(progress, trial)

    def _try(self, objective: Objective, rounds: int, progress: Progress) -> Trial:
        import lightgbm

        asked = self.study.ask(len(self.ended))
        watch = _Watch(self._budget, rows.used(self.ended))
        points: dict[int, float] = {}

        def tell(done: int, value: float | None) -> None:
            reason = watch.ended()
            if reason:
                raise Cut(reason)
            self._shown(progress, watch.used(), done / rounds)
            if value is not None:
                points[done] = value
                asked.report(value, done)
                if asked.should_prune():
                    raise _Hopeless

        try:
            value, state, error = objective(asked.params, tell), COMPLETE, None
        except _Hopeless:
            value, state, error = [*points.values()][-1], PRUNED, None
        except lightgbm.basic.LightGBMError as refused:
            return self._ended(asked, watch, FAILED, None, points, str(refused))
        return self._ended(asked, watch, state, value, points, error)

    def _ended(
        self, asked: optuna.Trial, watch: _Watch, state: str, value: float | None, points: Any, error: str | None
    ) -> Trial:
        wall_ms, cpu_ms = watch.spent()
        trial = Trial(len(self.ended), dict(asked.params), state, value, points, error, cpu_ms, wall_ms)
        self.study.tell(asked, trial)
        return trial

    def _tell(self, progress: Progress, trial: Trial) -> None:
        self._point(progress, trial)
        best = self.best
        if best is not None and best.value is not None:
            point(progress, trial.number, **{"trials.best": best.value})
        shown = "failed: " + (trial.error or "") if trial.value is None else f"{self._metric.name} {trial.value:.6g}"
        log(progress, f"trial {trial.number}: {trial.state}, {shown}, {trial.params}")

    @staticmethod
    def _point(progress: Progress, trial: Trial) -> None:
        if trial.value is not None:
            point(progress, trial.number, **{"trials.value": trial.value})

    def _shown(self, progress: Progress, used: Used, of_trial: float) -> None:
        share = max(self._budget.share(used), min(1.0, (used.trials + of_trial) / self._budget.trials))
        best = self.best
        told = "" if best is None else f" · best {self._metric.name} {best.value:.4f} of trial {best.number}"
        progress(SHARE * share, f"trial {used.trials + 1} of at most {self._budget.trials}{told}")

    def _require_day(self) -> None:
        """Between trials: what this attempt has used counts against its model's day as if it had ended."""
        desk = self._desk
        running = round(1000 * time.process_time())
        over = over_quota(desk.store, desk.now_us(), desk.settings.quota, run_of(desk.store, self._run), running)
        if over:
            hint = f"{len(self.ended)} trials are kept: `tocsin search --resume {self._run}` goes on with them"
            raise CheckFailed(f"quota: {over}", hint)


class _Hopeless(Exception):
    """The pruner gave a trial up."""


class _Watch:
    """What a trial has used, beside what those before it have."""

    def __init__(self, budget: Budget, before: Used) -> None:
        self._budget, self._before = budget, before
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def spent(self) -> tuple[int, int]:
        """Milliseconds of time and of CPU since it began."""
        return round(1000 * (time.monotonic() - self._wall)), round(1000 * (time.process_time() - self._cpu))

    def used(self) -> Used:
        """What all trials have used, this one too, which has not ended."""
        wall_ms, cpu_ms = self.spent()
        return Used(self._before.trials, self._before.wall_ms + wall_ms, self._before.cpu_ms + cpu_ms)

    def ended(self) -> str:
        """The limit that has been reached since it began; empty where none has."""
        return self._budget.ended(self.used())
