"""What the palette can go to: incidents, models, data sets, jobs and runbooks by name."""

from __future__ import annotations

from typing import NamedTuple

from core.desk import Desk

INCIDENTS = "SELECT id, title, state FROM incident ORDER BY id DESC LIMIT 200"
MODELS = "SELECT name FROM model ORDER BY name LIMIT 2000"
VERSIONS = "SELECT model, version, stage FROM model_version ORDER BY created_us DESC, model, version DESC LIMIT 500"
DATASETS = "SELECT DISTINCT dataset FROM snapshot ORDER BY dataset LIMIT 500"
JOBS = "SELECT id, kind, state FROM run ORDER BY id DESC LIMIT 100"


class Thing(NamedTuple):
    """Something with a screen of its own: the screen's name, the target to open it with, and how it is called."""

    screen: str
    target: str
    name: str
    detail: str


def things(desk: Desk) -> list[Thing]:
    """Everything that can be gone to, incidents first."""
    read = desk.store.read
    return [
        *(Thing("incident", str(r["id"]), f"INC-{r['id']} {r['title']}", r["state"]) for r in read(INCIDENTS)),
        *(Thing("model", r["name"], f"model {r['name']}", "") for r in read(MODELS)),
        *(
            Thing("version", f"{r['model']} {r['version']}", f"version {r['model']} v{r['version']}", r["stage"])
            for r in read(VERSIONS)
        ),
        *(Thing("dataset", r["dataset"], f"data {r['dataset']}", "") for r in read(DATASETS)),
        *(Thing("job", str(r["id"]), f"job {r['id']} {r['kind']}", r["state"]) for r in read(JOBS)),
    ]
