"""A model with a real model file, reports of what was measured, and rules to ask of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.desk import Desk
from core.gates import declared
from core.gates.ask import ask
from core.gates.declared import Gates
from core.registry.versions import Draft, register
from tests.serving.tiny import artefact

METRICS = {
    "auc": 0.7,
    "auc_low": 0.68,
    "auc_high": 0.72,
    "logloss": 0.5,
    "brier": 0.16,
    "base_rate": 0.25,
    "n": 100,
    "positives": 25,
    "unlabelled": 3,
    "holdout_from_us": 0,
}
REPORT: dict[str, Any] = {
    "task": "binary",
    "rows": 900,
    "purpose": "holdout",
    "metrics": {"auc": {"value": 0.71, "low": 0.69, "high": 0.73}, "ece": {"value": 0.02, "low": 0.01, "high": 0.04}},
    "fairness": [
        {"by": ["carrier"], "gaps": {"tpr": {"value": 0.04, "low": 0.01, "high": 0.08}}},
        {"by": ["origin"], "gaps": {"tpr": {"value": -0.09, "low": -0.12, "high": -0.02}}},
    ],
    "robustness": {
        "missing": [{"feature": "a", "auc": 0.66, "drop": 0.05}, {"feature": "b", "auc": 0.7, "drop": 0.01}]
    },
}


def by(desk: Desk, name: str) -> Desk:
    return replace(desk, actor=name)


def version(desk: Desk, **metrics: float) -> int:
    """The next version of m, trained by the desk's actor."""
    return register(
        desk,
        Draft(artefact("m"), None, "d/1", None, "c", {}, {"snapshot": "d/1", "encode": {}}, {**METRICS, **metrics}),
    ).version


def evaluate(desk: Desk, number: int, purpose: str = "holdout", **report: Any) -> None:
    """Keep a report as an evaluation leaves it."""
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO evaluation(model, version, purpose, report, created_us) VALUES ('m', ?, ?, ?, ?)",
            (number, purpose, json.dumps(report), desk.now_us()),
        )


def rules(tmp_path: Path, text: str) -> Gates:
    """The rules of a file."""
    path = tmp_path / "gates.toml"
    path.write_text(text)
    return declared.read(path)


def answer(desk: Desk, tmp_path: Path, rule: str, number: int = 1) -> tuple[str, float | None, str]:
    """State, measured value and reason of one rule."""
    result = ask(desk, "m", number, rules(tmp_path, f'[[rule]]\nname = "r"\n{rule}'))
    one = result.results[0]
    return one["state"], one["measured"], one["reason"]
