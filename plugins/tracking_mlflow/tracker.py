"""MLflow, as Tocsin's seam for trackers asks for it: runs and registered versions over REST, and model directories."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from core.endpoints.adapter import DONE, Outcome
from core.tracking.adapter import Packed, Point, Run, Unpacked
from plugins.tracking_mlflow import directory
from plugins.tracking_mlflow.rest import ABSENT, PRESENT, Rest, Stopped

OWN = "tocsin.run_id"
# What one call of log-batch takes, and the longest texts that every server since 2.0 keeps.
METRICS, PARAMS, PARAM_LENGTH, TAG_LENGTH = 500, 100, 500, 5000
# What a name may not hold there.
STRANGE = re.compile(r"[^\w\-. :/]", re.ASCII)
PROXIED = "mlflow-artifacts:/"


class MlflowTracker:
    """Speaks to an MLflow server; every step looks first what is there, so that a lost answer doubles nothing."""

    def __init__(self, url: str, token: str, rest: Rest | None = None) -> None:
        self._rest = rest or Rest(url, token)

    def log(self, run: Run) -> Outcome:
        """Tell of a run: made or found by its tag, completed by what is new, its files kept, its version registered."""
        try:
            self._log(run)
        except Stopped as stopped:
            return stopped.outcome
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            return Outcome("later", f"the answer cannot be read ({error})", answered=False)
        return DONE

    @staticmethod
    def pack(packed: Packed) -> dict[str, bytes]:
        """The files of a model directory that MLflow loads."""
        return directory.pack(packed)

    @staticmethod
    def unpack(folder: Path) -> Unpacked:
        """A model directory of ours, or of mlflow.lightgbm."""
        return directory.unpack(folder)

    def _log(self, run: Run) -> None:
        experiment = self._experiment(run.experiment)
        found = self._found(experiment, run) or self._made(experiment, run)
        info, data = found["info"], found.get("data") or {}
        self._batches(info["run_id"], run, data)
        kept = self._files(info, run)
        self._rest.post("runs/update", run_id=info["run_id"], status="FINISHED", end_time=run.at_us // 1000)
        if kept:
            self._register(info, run)

    def _experiment(self, name: str) -> str:
        try:
            found = self._rest.get("experiments/get-by-name", experiment_name=name)["experiment"]
        except Stopped as stopped:
            if stopped.code != ABSENT:
                raise
            return self._new_experiment(name)
        if found.get("lifecycle_stage") == "deleted":
            raise Stopped(Outcome("never", f"the experiment {name!r} is deleted there: restore it, or name another"))
        return str(found["experiment_id"])

    def _new_experiment(self, name: str) -> str:
        try:
            return str(self._rest.post("experiments/create", name=name)["experiment_id"])
        except Stopped as stopped:
            if stopped.code != PRESENT:
                raise
            # Somebody else made it in the moment between.
            return str(self._rest.get("experiments/get-by-name", experiment_name=name)["experiment"]["experiment_id"])

    def _found(self, experiment: str, run: Run) -> dict[str, Any] | None:
        wanted = f"tags.`{OWN}` = '{run.id}'"
        body = {"experiment_ids": [experiment], "filter": wanted, "max_results": 1, "run_view_type": "ACTIVE_ONLY"}
        runs = self._rest.post("runs/search", **body).get("runs") or []
        return dict(runs[0]) if runs else None

    def _made(self, experiment: str, run: Run) -> dict[str, Any]:
        body = {
            "experiment_id": experiment,
            "start_time": run.at_us // 1000,
            "run_name": f"{run.model} v{run.version}",
            "tags": [{"key": OWN, "value": run.id}],
        }
        return dict(self._rest.post("runs/create", **body)["run"])

    def _batches(self, run_id: str, run: Run, data: dict[str, Any]) -> None:
        """Parameters that are not there, metrics beyond the step that each has reached, and the tags anew."""
        there = {each["key"] for each in data.get("params") or []}
        named = {_name(name): value for name, value in run.parameters.items()}
        params = [{"key": n, "value": v[:PARAM_LENGTH]} for n, v in named.items() if n not in there]
        tags = {**run.tags, "mlflow.note.content": run.description}
        said = [{"key": _name(name), "value": value[:TAG_LENGTH]} for name, value in tags.items()]
        self._rest.post("runs/log-batch", run_id=run_id, tags=said, params=params[:PARAMS])
        for start in range(PARAMS, len(params), PARAMS):
            self._rest.post("runs/log-batch", run_id=run_id, params=params[start : start + PARAMS])
        points = [*_new(run.points, data.get("metrics") or [])]
        for start in range(0, len(points), METRICS):
            self._rest.post("runs/log-batch", run_id=run_id, metrics=points[start : start + METRICS])

    def _files(self, info: dict[str, Any], run: Run) -> bool:
        """Whether the model's files are kept there: only a server that passes files on takes them over HTTP."""
        place = str(info.get("artifact_uri", ""))
        if not place.startswith(PROXIED):
            value = f"not kept: the server's artefacts are at {place[:200]}, start it with --serve-artifacts"
            self._rest.post("runs/set-tag", run_id=info["run_id"], key="tocsin.files", value=value)
            return False
        below = place.removeprefix(PROXIED).lstrip("/")
        for name, body in run.files.items():
            self._rest.put_file(quote(f"{below}/{name}"), body)
        return any(name.startswith("model/") for name in run.files)

    def _register(self, info: dict[str, Any], run: Run) -> None:
        try:
            self._rest.post("registered-models/create", name=run.model)
        except Stopped as stopped:
            if stopped.code != PRESENT:
                raise
        wanted = f"name = '{run.model}' and run_id = '{info['run_id']}'"
        if self._rest.get("model-versions/search", filter=wanted).get("model_versions"):
            return
        self._rest.post(
            "model-versions/create",
            name=run.model,
            source=f"{info['artifact_uri']}/model",
            run_id=info["run_id"],
            description=run.description,
            tags=[{"key": "tocsin.version", "value": str(run.version)}, {"key": OWN, "value": run.id}],
        )


def _name(name: str) -> str:
    return STRANGE.sub("_", name)


def _new(points: Sequence[Point], there: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Points beyond the last step the server has of their metric: they are sent in the order of their steps."""
    reached = {each["key"]: int(each.get("step") or 0) for each in there}
    for point in points:
        name = _name(point.name)
        if point.step > reached.get(name, -1):
            yield {"key": name, "value": point.value, "timestamp": point.at_us // 1000, "step": point.step}
