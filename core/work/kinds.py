"""The kinds of job there are, and the function that runs each; named as text, so that planning loads none."""

from __future__ import annotations

from core.errors import BadInput

# `module:function(desk, args, progress) -> result`, run in a process of its own by `core.work.child`.
KINDS: dict[str, str] = {
    "deploy": "core.endpoints.job:deploy",
    "drift": "core.monitor.job:drift",
    "evaluate": "core.evaluation.job:evaluate",
    "gate": "core.gates.job:gate",
    "ingest": "core.datasets.job:ingest",
    "reproduce": "core.registry.reproduce:job",
    "score": "core.scoring.job:score",
    "materialise": "core.features.job:materialise",
    "search": "core.tuning.job:search",
    "train": "core.training.job:train",
    "validate": "core.datasets.job:validate",
}


def require_kind(kind: str) -> None:
    """Raise BadInput for a kind of job that there is not."""
    if kind not in KINDS:
        raise BadInput(f"there is no job kind {kind!r}", f"choose {', '.join(sorted(KINDS))}")
