"""The part of MLflow's REST that we speak, in memory: metrics are appended as they come, so a doubled one shows."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class Said(Exception):
    """An error as MLflow tells it."""


@dataclass
class Run:
    id: str
    tags: dict[str, str]
    place: str
    params: dict[str, str] = field(default_factory=dict)
    metrics: list[tuple[str, int, float]] = field(default_factory=list)
    status: str = "RUNNING"

    def plain(self) -> dict[str, Any]:
        newest = {name: (step, value) for name, step, value in sorted(self.metrics)}
        metrics = [{"key": name, "step": str(step), "value": value} for name, (step, value) in newest.items()]
        params = [{"key": name, "value": value} for name, value in self.params.items()]
        return {
            "info": {"run_id": self.id, "artifact_uri": self.place},
            "data": {"params": params, "metrics": metrics},
        }


@dataclass
class Mlflow:
    """What the server holds; `proxied` is whether it takes files, `token` what it asks for."""

    url: str = ""
    proxied: bool = True
    token: str = ""
    experiments: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    models: list[str] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, method: str, verb: str, given: dict[str, Any]) -> dict[str, Any]:
        name = f"{method.lower()}_{re.sub('[^a-z]', '_', verb)}"
        found: dict[str, Any] = getattr(self, name)(given)
        return found

    def get_experiments_get_by_name(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["experiment_name"] not in self.experiments:
            raise Said("RESOURCE_DOES_NOT_EXIST")
        number = self.experiments.index(given["experiment_name"])
        return {"experiment": {"experiment_id": str(number), "lifecycle_stage": "active"}}

    def post_experiments_create(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["name"] in self.experiments:
            raise Said("RESOURCE_ALREADY_EXISTS")
        self.experiments.append(given["name"])
        return {"experiment_id": str(len(self.experiments) - 1)}

    def post_runs_search(self, given: dict[str, Any]) -> dict[str, Any]:
        wanted = re.fullmatch(r"tags\.`(.+)` = '(.+)'", given["filter"])
        assert wanted is not None
        found = [run.plain() for run in self.runs if run.tags.get(wanted[1]) == wanted[2]]
        return {"runs": found} if found else {}

    def post_runs_create(self, given: dict[str, Any]) -> dict[str, Any]:
        number = f"r{len(self.runs)}"
        place = f"mlflow-artifacts:/0/{number}/artifacts" if self.proxied else f"file:///data/{number}"
        run = Run(number, {each["key"]: each["value"] for each in given["tags"]}, place)
        self.runs.append(run)
        return {"run": run.plain()}

    def post_runs_log_batch(self, given: dict[str, Any]) -> dict[str, Any]:
        run = self._run(given)
        run.tags |= {each["key"]: each["value"] for each in given.get("tags", [])}
        for each in given.get("params", []):
            if run.params.setdefault(each["key"], each["value"]) != each["value"]:
                raise Said("INVALID_PARAMETER_VALUE")
        run.metrics += [(each["key"], each["step"], each["value"]) for each in given.get("metrics", [])]
        return {}

    def post_runs_set_tag(self, given: dict[str, Any]) -> dict[str, Any]:
        self._run(given).tags[given["key"]] = given["value"]
        return {}

    def post_runs_update(self, given: dict[str, Any]) -> dict[str, Any]:
        self._run(given).status = given["status"]
        return {}

    def post_registered_models_create(self, given: dict[str, Any]) -> dict[str, Any]:
        if given["name"] in self.models:
            raise Said("RESOURCE_ALREADY_EXISTS")
        self.models.append(given["name"])
        return {}

    def get_model_versions_search(self, given: dict[str, Any]) -> dict[str, Any]:
        found = [each for each in self.versions if f"run_id = '{each['run_id']}'" in given["filter"]]
        return {"model_versions": found} if found else {}

    def post_model_versions_create(self, given: dict[str, Any]) -> dict[str, Any]:
        self.versions.append(given)
        return {}

    def _run(self, given: dict[str, Any]) -> Run:
        return next(run for run in self.runs if run.id == given["run_id"])


@contextmanager
def serving() -> Iterator[Mlflow]:
    """A server on a real socket."""
    state = Mlflow()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            where = urlsplit(self.path)
            status, data = 200, b"{}"
            if state.token and self.headers.get("Authorization") != f"Bearer {state.token}":
                status, data = 401, b"no"
            elif self.command == "PUT":
                state.files[unquote(where.path.removeprefix("/api/2.0/mlflow-artifacts/artifacts/"))] = body
                data = b""
            else:
                query = {name: values[0] for name, values in parse_qs(where.query).items()}
                verb = where.path.removeprefix("/api/2.0/mlflow/")
                try:
                    data = json.dumps(state.answer(self.command, verb, json.loads(body) if body else query)).encode()
                except Said as error:
                    status, data = 400, json.dumps({"error_code": str(error), "message": "no"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = reply  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
