"""The versions an endpoint holds: placed, loaded, activated; a switch never touches a request that is under way."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys

from core.errors import BadInput, TocsinError
from core.serving.booster import try_out
from core.serving.model import Refused, ServedModel
from core.serving.shelf import Shelf
from core.training.artefact import Artefact

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
LOADED = 8


class Models:
    """The shelf's versions, the loaded ones among them, and the active one of each model.

    A request keeps the version it began with; an old version is freed when its last request has ended.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._loaded: dict[tuple[str, int], ServedModel] = {}
        self._active: dict[str, ServedModel] = {}
        self._changing = asyncio.Lock()
        for model, version in shelf.active.items():
            try:
                self._active[model] = self._load(model, version)
            except TocsinError as error:
                # The other models must be served all the same; this one answers 503 until it is placed again.
                sys.stderr.write(f"{model} v{version} cannot be served: {error.message}\n")

    def find(self, model: str, version: int | None = None) -> ServedModel:
        """The active version, or the one asked for. Raises Refused: 404 for unknown ones, 503 for a damaged one."""
        found = self._active.get(model)
        if found is not None and version in (None, found.version):
            return found
        versions = self.shelf.versions.get(model)
        if versions is None:
            raise Refused(404, f"there is no model {model!r} here", "model")
        if version is None and model not in self.shelf.active:
            raise Refused(404, f"no version of {model!r} is active", "model")
        wanted = self.shelf.active[model] if version is None else version
        if wanted not in versions:
            raise Refused(404, f"there is no version {wanted} of {model!r} here", "version")
        try:
            return self._load(model, wanted)
        except TocsinError as error:
            raise Refused(503, f"{model} v{wanted} cannot be served: {error.message}", "version") from error

    def listing(self) -> dict[str, dict[str, object]]:
        """Every model with its active version, None where none is, and the versions placed."""
        return {
            model: {"active": self.shelf.active.get(model), "versions": sorted(versions)}
            for model, versions in sorted(self.shelf.versions.items())
        }

    def _load(self, model: str, version: int) -> ServedModel:
        key = (model, version)
        if key not in self._loaded:
            self._keep(ServedModel(Artefact.from_bytes(self.shelf.read(model, version))))
        return self._loaded[key]

    def _keep(self, served: ServedModel) -> None:
        self._loaded[served.name, served.version] = served
        while len(self._loaded) > LOADED:
            del self._loaded[next(iter(self._loaded))]

    async def place(self, model: str, version: int, content: bytes, sha256: str) -> bool:
        """Keep a model file after its hash, its content and its booster were tried; False where it was here already.

        Raises Refused: 400 for a damaged file or one of another model, 409 where the version is here with other
        content. Nothing has changed then.
        """
        if not sha256 or hashlib.sha256(content).hexdigest() != sha256:
            raise Refused(400, "the model file does not have the hash sent with it", "X-Artefact-Sha256")
        async with self._changing:
            here = self.shelf.versions.get(model, {}).get(version)
            if here not in (None, sha256):
                raise Refused(409, f"{model} v{version} is here with another content", "version")
            if here == sha256 and self._whole(model, version):
                return False
            served = await asyncio.to_thread(_tried, content)
            if (served.name, served.version) != (model, version):
                raise Refused(400, f"the file holds {served.name} v{served.version}", "model")
            await asyncio.to_thread(self.shelf.place, model, version, sha256, content)
            self._keep(served)
            if self.shelf.active.get(model) == version:
                self._active[model] = served
            return here is None

    def _whole(self, model: str, version: int) -> bool:
        try:
            return bool(self._load(model, version))
        except TocsinError:
            return False

    async def activate(self, model: str, version: int, key: str) -> int | None:
        """Make a placed version the active one; returns the one that was active before.

        The same key again changes nothing, whatever happened since. Raises Refused: 404 where the version is not
        here, 422 where the key was used for something else.
        """
        async with self._changing:
            told = self.shelf.keys.get(key) if key else None
            if told is not None and told != (model, version):
                raise Refused(422, "this key was used for another activation", "Idempotency-Key")
            before = self.shelf.active.get(model)
            if told is not None:
                return before
            served = self.find(model, version)
            await asyncio.to_thread(self.shelf.activate, model, version, key)
            self._active[model] = served
            return before


def _tried(content: bytes) -> ServedModel:
    try:
        artefact = Artefact.from_bytes(content)
        try_out(artefact.booster, len(artefact.view), max(1, len(artefact.classes)))
        return ServedModel(artefact)
    except BadInput as error:
        raise Refused(400, error.message, "body") from error
