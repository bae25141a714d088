"""Optuna's study of a search: rebuilt from the kept trials, and drawn from with a seed of each trial's number.

A sampler's state is not kept: each trial has a fresh one, seeded by the search's seed and the trial's number, so that
a search that was killed and one that was not draw the same trials (TPE: Bergstra et al. 2011).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.errors import BadInput
from core.tuning.rows import COMPLETE, FAILED, PRUNED, Trial
from core.tuning.space import Range, start_in, whole

if TYPE_CHECKING:
    import optuna

# The first trials are drawn at random, for the sampler and the pruner have nothing to go by.
RANDOM_TRIALS = 10
UNPRUNED_TRIALS = 5
# Of fewer complete trials nothing can be said about what sets the better ones apart.
LEAST_TRIALS = 5


def require_optuna() -> None:
    """Raises BadInput where the extra is not installed."""
    from importlib.util import find_spec

    if find_spec("optuna") is None:
        raise BadInput("searching needs Optuna, which is not installed", "pip install 'tocsin[search]'")


class Study:
    """The trials of a search so far, and the next one."""

    def __init__(self, space: Mapping[str, Range], trials: Sequence[Trial], *, more: bool, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space, self._seed = space, seed
        self._distributions = {name: _distribution(name, one) for name, one in space.items()}
        pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED_TRIALS)
        self._study = optuna.create_study(direction="maximize" if more else "minimize", pruner=pruner)
        for trial in trials:
            self._study.add_trial(_frozen(trial, self._distributions))

    def ask(self, number: int) -> optuna.Trial:
        """The trial of a number, with its parameters drawn."""
        import optuna

        drawn = int.from_bytes(hashlib.sha256(f"{self._seed}/{number}".encode()).digest()[:4])
        self._study.sampler = optuna.samplers.TPESampler(seed=drawn, n_startup_trials=RANDOM_TRIALS)
        if number == 0:
            self._study.enqueue_trial(start_in(self._space))
        return self._study.ask(self._distributions)

    def tell(self, asked: optuna.Trial, trial: Trial) -> None:
        """How a trial ended; a pruned one counts by its last value."""
        states = _states()
        value = trial.value if trial.state == COMPLETE else None
        self._study.tell(asked, value, state=states[trial.state])

    def importance(self) -> dict[str, float]:
        """The share of each parameter in what sets the better trials apart (PED-ANOVA: Watanabe et al. 2023).

        Empty where too few trials were complete, or none differs.
        """
        if len(self._study.get_trials(deepcopy=False, states=[_states()[COMPLETE]])) < LEAST_TRIALS:
            return {}
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        try:
            return get_param_importances(self._study, evaluator=PedAnovaImportanceEvaluator())
        except (ValueError, RuntimeError):
            return {}


def _states() -> dict[str, Any]:
    from optuna.trial import TrialState

    return {COMPLETE: TrialState.COMPLETE, PRUNED: TrialState.PRUNED, FAILED: TrialState.FAIL}


def _distribution(name: str, one: Range) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.choices:
        return CategoricalDistribution(one.choices)
    if whole(name):
        return IntDistribution(int(one.low), int(one.high), log=one.log)
    return FloatDistribution(one.low, one.high, log=one.log)


def _frozen(trial: Trial, distributions: Mapping[str, Any]) -> Any:
    from optuna.trial import create_trial

    return create_trial(
        state=_states()[trial.state],
        value=None if trial.state == FAILED else trial.value,
        params=dict(trial.params),
        distributions=dict(distributions),
        intermediate_values=dict(trial.points),
    )
