"""The kinds of job there are, and the function that runs each; named as text, so that planning loads none."""

from __future__ import annotations

# `module:function(desk, args, progress) -> result`, run in a process of its own by `core.work.child`.
KINDS: dict[str, str] = {
    "deploy": "core.endpoints.job:deploy",
    "drift": "core.monitor.job:drift",
    "gate": "core.registry.job:gate",
    "ingest": "core.datasets.job:ingest",
    "train": "core.training.job:train",
    "validate": "core.datasets.job:validate",
}
