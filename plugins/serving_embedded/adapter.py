"""Speak to an embedded endpoint over HTTP: every call bounded in time and size, every answer checked before use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from core.counts.vector import dense
from core.endpoints.adapter import ANCHORS, CAPABILITIES, DONE, ONLINE, Batch, Counted, Health, Outcome, Page
from core.errors import RemoteRefused, TocsinError
from core.ledger.anchors import Anchor
from plugins.transport import Answer, Transport, refusal

KINDS = frozenset({"requests", "latency", "feature", "score", "auth"})
LARGEST = 1 << 62
HASH = "X-Artefact-Sha256"


class EmbeddedAdapter:
    """The verbs of an embedded endpoint; the connection is kept open between calls and may be used by many threads."""

    capabilities = frozenset({*CAPABILITIES, ANCHORS, ONLINE})

    def __init__(self, url: str, token: str, transport: Transport | None = None) -> None:
        self._transport = transport or Transport(url, token)

    def health(self) -> Health:
        """What it serves at this moment. Raises RemoteUnreachable, RemoteRefused."""
        found = self._read("/v1/models")
        try:
            models = found["models"].items()
            active = {str(name): _whole(entry["active"]) if entry["active"] else None for name, entry in models}
            versions = {str(name): [_whole(each) for each in entry["versions"]] for name, entry in models}
            return Health(str(found["boot"]), _whole(found["now_us"]), active, versions)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise _unreadable(error) from error

    def place(self, model: str, version: int, content: bytes, sha256: str) -> Outcome:
        """Send a model file with its hash; one that was changed on its way is sent again."""
        path = f"/v1/models/{quote(model, safe='')}/versions/{version}"
        return self._tell("PUT", path, sha256, content=content, headers={HASH: sha256})

    def activate(self, model: str, version: int, key: str) -> Outcome:
        """Make a placed version the active one."""
        path = f"/v1/models/{quote(model, safe='')}/activate"
        return self._tell("POST", path, json={"version": version}, headers={"Idempotency-Key": key})

    def infer(self, model: str, request_id: str, inputs: Mapping[str, Any]) -> float:
        """The score of one row. Raises RemoteUnreachable, RemoteRefused."""
        path = f"/v1/models/{quote(model, safe='')}/score"
        answer = self._transport.call("POST", path, json={"id": request_id, "inputs": dict(inputs)})
        try:
            return float(_object(answer)["score"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise _unreadable(error) from error

    def telemetry(self, after: int, boot: str) -> Page:
        """The next batches. Raises RemoteUnreachable, RemoteRefused; a page with one bad batch is refused whole."""
        found = self._read(f"/v1/telemetry?after={after}&boot={quote(boot, safe='')}")
        try:
            batches = [_batch(entry) for entry in found["batches"]]
            lost = sum(_whole(n) for n in found["lost"].values())
            return Page(str(found["boot"]), _whole(found["now_us"]), batches, bool(found["more"]), lost)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise _unreadable(error) from error

    def keep_online(self, view: str, version: int, content: bytes, sha256: str) -> Outcome:
        """Send a view's online state with its hash; one that was changed on its way is sent again."""
        path = f"/v1/views/{quote(view, safe='')}/versions/{version}/online"
        return self._tell("PUT", path, sha256, content=content, headers={HASH: sha256})

    def keep_anchor(self, origin: str, anchor: Anchor) -> Outcome:
        """Give it an anchor of the ledger of a home to keep."""
        return self._tell("POST", "/v1/anchors", says="kept", json={"origin": origin, **asdict(anchor)})

    def kept_anchors(self, origin: str) -> list[Anchor]:
        """The anchors that it was given for a home, oldest first. Raises RemoteUnreachable, RemoteRefused."""
        found = self._read(f"/v1/anchors/{quote(origin, safe='')}")
        try:
            return [_anchor(entry) for entry in found["anchors"]]
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable(error) from error

    def _read(self, path: str) -> dict[str, Any]:
        return _object(self._transport.call("GET", path))

    def _tell(self, method: str, path: str, sha256: str = "", *, says: str = "version", **request: Any) -> Outcome:
        try:
            answer = self._transport.call(method, path, **request)
        except TocsinError as error:
            return Outcome("later", error.message, answered=False)
        if answer.status in (408, 425, 429) or answer.status >= 500:
            return Outcome("later", refusal(answer).message, answer.retry_after_us, answered=answer.status == 429)
        if answer.status == 400 and isinstance(answer.data, dict) and answer.data.get("field") == HASH:
            return Outcome("later", refusal(answer).message)
        if answer.status >= 400:
            return Outcome("never", refusal(answer).message)
        if not isinstance(answer.data, dict) or says not in answer.data:
            # Something answered that is no endpoint, a proxy's page for one: whether it was done nobody knows.
            return Outcome("later", "the answer cannot be read", answered=False)
        if sha256 and answer.data.get("sha256", sha256) != sha256:
            return Outcome("later", "the endpoint says that it keeps another file than was sent")
        return DONE


def _object(answer: Answer) -> dict[str, Any]:
    if answer.status >= 400:
        raise refusal(answer)
    if not isinstance(answer.data, dict):
        raise _unreadable("no JSON object")
    return answer.data


def _unreadable(why: object) -> RemoteRefused:
    return RemoteRefused(f"the answer cannot be read ({why})", "is the URL that of a `tocsin serve` of this version?")


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < LARGEST:
        raise ValueError("a number is out of range")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 300:
        raise ValueError("a text is missing or too long")
    return value


def _anchor(entry: Any) -> Anchor:
    texts = {name: _text(entry[name]) for name in ("hash", "prev", "mac")}
    return Anchor(at_us=_whole(entry["at_us"]), seq=_whole(entry["seq"]), **texts)


def _batch(entry: Any) -> Batch:
    start_us = _whole(entry["start_us"])
    if start_us % 60_000_000:
        raise ValueError("a batch does not begin with a minute")
    return Batch(
        seq=_whole(entry["seq"]),
        start_us=start_us,
        counts=[_counted(each) for each in entry["counts"]],
        predictions=[_prediction(*each) for each in entry["predictions"]],
        samples=[(*_prediction(*each[:5]), dict(each[5])) for each in entry["samples"]],
    )


def _counted(entry: Any) -> Counted:
    if entry["kind"] not in KINDS:
        raise ValueError(f"the kind {entry['kind']!r} is not known")
    vec = entry["vec"]
    counts = dense(vec["i"], [_whole(n) for n in vec["n"]], vec["len"])
    return Counted(entry["kind"], _text(entry["model"]), _whole(entry["version"]), _text(entry["name"]), counts)


def _prediction(request_id: Any, at_us: Any, model: Any, version: Any, score: Any) -> tuple[str, int, str, int, float]:
    if not 0 <= float(score) <= 1:
        raise ValueError("a score is outside 0 to 1")
    return _text(request_id), _whole(at_us), _text(model), _whole(version), float(score)
