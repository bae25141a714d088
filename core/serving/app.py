"""The endpoint's HTTP application: plain ASGI, because every layer above it costs a share of the throughput."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import unquote

from core.errors import TocsinError
from core.serving import oip
from core.serving.anchors import KeptAnchors
from core.serving.model import Refused, ServedModel
from core.serving.models import NAME, Models
from core.serving.online import OnlineStates, asked_at
from core.serving.scoring import Scoring
from core.serving.tally import Telemetry
from core.serving.tokens import DEPLOY, PREDICT, TELEMETRY, Limiter, Tokens
from core.serving.wire import (
    ARTEFACT_LIMIT,
    SCORE_LIMIT,
    Gone,
    Receive,
    Scope,
    Send,
    body_of,
    decoded,
    header,
    reply,
    text_field,
)

# What an answer of a status tells beside its body.
EXTRA: dict[int, tuple[tuple[bytes, bytes], ...]] = {
    401: ((b"www-authenticate", b"Bearer"),),
    429: ((b"retry-after", b"1"),),
}


class App:
    """Routes a request, checks its token, and turns what it raises into an answer."""

    def __init__(self, models: Models, telemetry: Telemetry, tokens: Tokens, rate: int = 0) -> None:
        self.models = models
        self.telemetry = telemetry
        self.tokens = tokens
        self.limiter = Limiter(rate)
        self.online = OnlineStates(models.shelf.folder / "online")
        self.scoring = Scoring(telemetry, self.online)
        self.anchors = KeptAnchors(models.shelf.folder / "anchors.jsonl", telemetry.now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; an unexpected fault is a 500 that says nothing of the inside."""
        if scope["type"] != "http":
            return
        extra: tuple[tuple[bytes, bytes], ...] = ()
        try:
            status, data = 200, await self._answer(scope, receive)
        except Refused as refused:
            status, data = refused.status, {"error": refused.message, "field": refused.field}
            extra = EXTRA.get(status, ())
        except Gone:
            return
        except TocsinError as error:
            status, data, extra = 503, {"error": error.message, "field": ""}, ((b"retry-after", b"30"),)
        except Exception as error:  # noqa: BLE001 - the edge: nothing a caller sends may end the process
            sys.stderr.write(f"{scope['method']} {scope['path']} failed: {error!r}\n")
            status, data = 500, {"error": "the endpoint failed; its log says why", "field": ""}
        await reply(send, status, data, *extra)

    async def _answer(self, scope: Scope, receive: Receive) -> Any:
        method = scope["method"]
        parts = scope["path"].strip("/").split("/")
        match [method, *parts]:
            case ["POST", "v1", "models", name, "score"]:
                return await self._score(scope, receive, name)
            case ["GET", "v2", "health", "live"]:
                return {"live": True}
            case ["GET", "v2", "health", "ready"]:
                return {"ready": True}
            case ["GET", "v2"]:
                self._require(scope, PREDICT)
                return oip.SERVER
            case ["GET", "v1", "models"]:
                self._require(scope, TELEMETRY)
                return {"boot": self.telemetry.boot, "now_us": self.telemetry.now(), "models": self.models.listing()}
            case ["GET", "v1", "telemetry"]:
                self._require(scope, TELEMETRY)
                return self.telemetry.page(*_cursor(scope["query_string"]))
            case ["GET", "v1", "anchors", origin]:
                self._require(scope, DEPLOY)
                return {"anchors": self.anchors.of(origin)}
            case ["POST", "v1", "anchors"]:
                self._require(scope, DEPLOY)
                return {"kept": self.anchors.keep(decoded(await body_of(scope, receive, SCORE_LIMIT)))}
            case ["PUT", "v1", "views", name, "versions", version, "online"]:
                return await self._keep_online(scope, receive, name, _version(version))
            case ["PUT", "v1", "models", name, "versions", version]:
                return await self._place(scope, receive, name, version)
            case ["POST", "v1", "models", name, "activate"]:
                return await self._activate(scope, receive, name)
            case [_, "v2", "models", name, "versions", version, *verb]:
                return await self._oip(scope, receive, name, _version(version), verb)
            case [_, "v2", "models", name, *verb]:
                return await self._oip(scope, receive, name, None, verb)
        raise Refused(404, f"there is no {method} {scope['path']} here")

    def _require(self, scope: Scope, right: str) -> None:
        status = self.tokens.check(scope["headers"], right)
        if status != 200:
            self.telemetry.denied()
            raise Refused(status, "a valid token is needed" if status == 401 else f"this token may not {right}")

    async def _score(self, scope: Scope, receive: Receive, name: str) -> dict[str, Any]:
        self._require(scope, PREDICT)
        model = self.models.find(name)
        request = await self._request(scope, receive, model)
        if "rows" in request:
            return self._score_rows(model, request)
        request_id, at_us = self._id(model, request), self._at(model, request)
        request_id, answer = self.scoring.one(model, request_id, request.get("inputs"), at_us)
        return {"id": request_id, "model": model.name, "version": model.version, **answer}

    def _score_rows(self, model: ServedModel, request: dict[str, Any]) -> dict[str, Any]:
        ids, rows = request.get("ids"), request["rows"]
        fits = isinstance(rows, list) and isinstance(ids, list) and len(ids) == len(rows)
        if not fits or not all(isinstance(each, str) and 0 < len(each) <= 200 for each in ids or ()):
            raise self.scoring.refuse(model, Refused(400, "ids and rows must be lists of one length", "ids"))
        answers = self.scoring.many(model, ids or [], rows, self._at(model, request))
        told = {"answers": answers} if model.classes else {}
        scores = [answer["score"] for answer in answers]
        return {"ids": ids, "model": model.name, "version": model.version, "scores": scores, **told}

    async def _request(self, scope: Scope, receive: Receive, model: ServedModel) -> dict[str, Any]:
        try:
            if self.limiter.rate and not self.limiter.take(header(scope["headers"], b"authorization")):
                raise Refused(429, f"more than {self.limiter.rate} calls a second")
            return decoded(await body_of(scope, receive, SCORE_LIMIT))
        except Refused as refused:
            raise self.scoring.refuse(model, refused) from None

    def _id(self, model: ServedModel, request: dict[str, Any]) -> str:
        try:
            return text_field(request, "id")
        except Refused as refused:
            raise self.scoring.refuse(model, refused) from None

    def _at(self, model: ServedModel, request: dict[str, Any]) -> int | None:
        if "at" not in request:
            return None
        try:
            return asked_at(request["at"], self.telemetry.now())
        except Refused as refused:
            raise self.scoring.refuse(model, refused) from None

    async def _keep_online(self, scope: Scope, receive: Receive, name: str, version: int) -> dict[str, Any]:
        self._require(scope, DEPLOY)
        if not NAME.fullmatch(name):
            raise Refused(400, "a view's name has letters, digits, dots, dashes and underscores", "view")
        content = await body_of(scope, receive, ARTEFACT_LIMIT)
        sha256 = header(scope["headers"], b"x-artefact-sha256")
        placed = await self.online.place(f"{name}@{version}", content, sha256)
        return {"view": name, "version": version, "sha256": sha256, "placed": placed}

    async def _place(self, scope: Scope, receive: Receive, name: str, version: str) -> dict[str, Any]:
        self._require(scope, DEPLOY)
        if not NAME.fullmatch(name):
            raise Refused(400, "a model's name has letters, digits, dots, dashes and underscores", "model")
        number = _version(version)
        content = await body_of(scope, receive, ARTEFACT_LIMIT)
        sha256 = header(scope["headers"], b"x-artefact-sha256")
        placed = await self.models.place(name, number, content, sha256)
        return {"model": name, "version": number, "sha256": sha256, "placed": placed}

    async def _activate(self, scope: Scope, receive: Receive, name: str) -> dict[str, Any]:
        self._require(scope, DEPLOY)
        request = decoded(await body_of(scope, receive, SCORE_LIMIT))
        version = request.get("version")
        if type(version) is not int or version < 1:
            raise Refused(400, "version must be a whole number from 1", "version")
        previous = await self.models.activate(name, version, header(scope["headers"], b"idempotency-key"))
        return {"model": name, "version": version, "previous": previous}

    async def _oip(self, scope: Scope, receive: Receive, name: str, version: int | None, verb: list[str]) -> Any:
        self._require(scope, PREDICT)
        method = scope["method"]
        if (method, verb) == ("POST", ["infer"]):
            model = self.models.find(name, version)
            return oip.infer(self.scoring, model, await self._request(scope, receive, model))
        if (method, verb) == ("GET", []):
            return oip.metadata(self.models.find(name, version), sorted(self.models.shelf.versions[name]))
        if (method, verb) == ("GET", ["ready"]):
            return {"name": name, "ready": bool(self.models.find(name, version))}
        raise Refused(404, f"there is no {method} {scope['path']} here")


def _version(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 31):
        raise Refused(404, f"{text!r} is no version", "version")
    return int(text)


def _cursor(query: bytes) -> tuple[int, str]:
    """What a reader of telemetry has already: the last batch number, and the boot it belongs to."""
    given = dict(pair.partition("=")[::2] for pair in unquote(query.decode("latin-1")).split("&"))
    after = given.get("after", "") or "0"
    if not (after.isascii() and after.isdigit()):
        raise Refused(400, "after must be a batch number", "after")
    return int(after), given.get("boot", "")
