"""The job that searches: trials on the part fitted on, then a version trained by the best of them, as `train` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.training.job import build, summary
from core.training.material import gather
from core.training.plan import Plan
from core.training.record import Version, made_by, register
from core.training.split import TEMPORAL
from core.training.trial import split_of
from core.tuning import rows
from core.tuning.budget import Budget
from core.tuning.metrics import Metric, metric_of, require_name
from core.tuning.objective import Objective, without_holdout
from core.tuning.rows import Search, Trial
from core.tuning.space import Range, plain, space_of
from core.tuning.study import require_optuna
from core.tuning.trials import SHARE, Trials
from core.work.progress import Progress, log, point

FOLDS = 3
BEST, NONE = "best", "none"


@dataclass(frozen=True)
class Asked:
    """What a search was asked for: the training's plan, the space, the limits, the metric's name, and whether the best
    is trained and registered."""

    plan: Plan
    space: dict[str, Range]
    budget: Budget
    metric: str
    register: bool

    @classmethod
    def of(cls, desk: Desk, args: Mapping[str, Any]) -> Asked:
        """The request in a job's arguments: those of `Plan`, and space, trials, wall, cpu, money, metric, register.

        A split by time has three folds where none are named. Raises BadInput naming what does not fit.
        """
        require_optuna()
        temporal = (args.get("split") or TEMPORAL) == TEMPORAL
        folds = (FOLDS if temporal else 0) if args.get("folds") is None else args["folds"]
        plan = Plan.of({**args, "folds": folds})
        register = args.get("register") or BEST
        if register not in (BEST, NONE):
            raise BadInput(f"register is {register!r}", f"choose {BEST} or {NONE}")
        metric = str(args.get("metric") or "")
        require_name(metric)
        space = space_of(args.get("space") or {}, plan.param)
        return cls(plan, space, Budget.of(args, desk.settings.quota), metric, register == BEST)


def search(desk: Desk, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Search for parameters and register a version trained by the best; the job kind `search`.

    Trials see the part fitted on alone, never the hold-out; every one that ended is kept, so that a run that is tried
    again goes on with the next. Raises NotFound, BadInput for data that cannot be searched on, CheckFailed where no
    trial ended well, or the model's day is used up.
    """
    asked = Asked.of(desk, args)
    run = int(args["run_id"])
    begun = rows.known(desk.store, run)
    if begun is not None:
        # The data may have come further since; a search stays on the snapshot that it began on.
        asked = replace(asked, plan=replace(asked.plan, snapshot=int(begun.spec["snapshot"].rpartition("/")[2])))
    made = made_by(desk.store, asked.plan.model, run)
    if made is None:
        begun = _tried(desk, asked, run, progress)
        made = _trained(desk, asked, begun, progress) if asked.register else None
    found = told(desk, run)
    progress(1.0, f"searched; stopped by {found['stopped']}")
    return {**(summary(made) if made else {"model": asked.plan.model, "version": None}), "search": found}


def told(desk: Desk, run: int) -> dict[str, Any]:
    """What a finished search tells."""
    found, trials = rows.search(desk.store, run), rows.trials(desk.store, run)
    best = rows.best_of(trials, more=found.spec["more"])
    states = {state: sum(one.state == state for one in trials) for state in (rows.COMPLETE, rows.PRUNED, rows.FAILED)}
    return {
        "job": run,
        "metric": found.spec["metric"],
        "trials": len(trials),
        **states,
        "best": None if best is None else {"trial": best.number, "value": best.value, "params": best.params},
        "stopped": found.stopped,
        "importance": found.importance,
    }


def _tried(desk: Desk, asked: Asked, run: int, progress: Progress) -> Search:
    """Search until a limit is reached, and keep why it ended."""
    plan = asked.plan
    progress(0.0, f"loading {plan.dataset}")
    material = gather(desk, plan)
    metric = metric_of(asked.metric, material.task)
    begun = rows.begin(desk, run, _spec(asked, metric, material.snapshot))
    objective = Objective(plan, without_holdout(material, split_of(plan, material)), metric, desk.settings.threads)
    del material
    trials = Trials(desk, run, asked.space, metric, asked.budget, plan.seed)
    stopped = begun.stopped or trials.run(objective, plan.rounds, progress)
    best = _require_best(trials.ended, trials.best, stopped)
    log(progress, f"stopped: {stopped}; best is trial {best.number}")
    rows.end(desk, begun, stopped, trials.study.importance() if not begun.stopped else {}, best, len(trials.ended))
    return begun


def _require_best(ended: list[Trial], best: Trial | None, stopped: str) -> Trial:
    if best is None:
        errors = [trial.error for trial in ended if trial.error]
        why = f"LightGBM said: {errors[0]}" if errors else f"stopped by {stopped}"
        raise CheckFailed(f"no trial of {len(ended)} ended well", f"{why}; give it more, or change the space")
    return best


def _spec(asked: Asked, metric: Metric, snapshot: str) -> dict[str, Any]:
    plan = asked.plan
    return {
        "model": plan.model,
        "dataset": plan.dataset,
        "snapshot": snapshot,
        "metric": metric.name,
        "more": metric.more,
        "space": plain(asked.space),
        "folds": plan.folds,
        "rounds": plan.rounds,
        "seed": plan.seed,
        "trials": asked.budget.trials,
    }


def _trained(desk: Desk, asked: Asked, begun: Search, progress: Progress) -> Version:
    """The version of the best trial's recipe: trained as any other, and so made again without searching."""
    trials = rows.trials(desk.store, begun.run)
    best = rows.best_of(trials, more=begun.spec["more"])
    assert best is not None
    plan = replace(asked.plan, param={**asked.plan.param, **best.params})
    draft = build(desk, plan, _Rest(progress))
    origin = {"job": begun.run, "trial": best.number, "trials": len(trials), "value": best.value}
    lineage = {**origin, "metric": begun.spec["metric"]}
    return register(desk, replace(draft, parameters={**draft.parameters, "search": lineage}))


class _Rest:
    """The training's progress, as the last part of the search's."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, share: float, text: str = "", /) -> None:
        self._progress(SHARE + (1 - SHARE) * share, text)

    def point(self, step: int, values: Mapping[str, float]) -> None:
        """Passed on."""
        point(self._progress, step, **values)

    def log(self, line: str) -> None:
        """Passed on."""
        log(self._progress, line)
