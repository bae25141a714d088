"""The online states of views that an endpoint holds: replaced whole, kept on its disk, asked at each request."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.clock import parse_time
from core.errors import BadInput
from core.features.lookups import Lookups
from core.features.online import State, from_wire, look_up
from core.serving.model import Refused
from core.serving.shelf import write_whole
from core.serving.wire import decoded

FAULTS = (KeyError, TypeError, ValueError, AttributeError)
NEVER: State = {}


class OnlineStates:
    """The state of each view version, by `NAME@VERSION`; one file each, so that a restart goes on from them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._states: dict[str, State] = {}
        self._placing = asyncio.Lock()
        for path in sorted(folder.glob("*.json")):
            try:
                self._states[path.stem] = from_wire(decoded(path.read_bytes()))
            except (*FAULTS, OSError, Refused) as error:
                # Its aggregates are missing until the console sends the state again.
                sys.stderr.write(f"the online state {path} cannot be read: {error}\n")

    async def place(self, name: str, content: bytes, sha256: str) -> bool:
        """Keep a state and answer from it; False where the one here is as new or newer.

        Raises Refused (400) for content that is damaged or no state, StoreUnusable where the disk says no.
        """
        if not sha256 or hashlib.sha256(content).hexdigest() != sha256:
            raise Refused(400, "the state does not have the hash sent with it", "X-Artefact-Sha256")
        try:
            state = await asyncio.to_thread(lambda: from_wire(decoded(content)))
        except FAULTS as error:
            raise Refused(400, f"that is no online state: {error!r}", "body") from error
        async with self._placing:
            if _reach(state) <= _reach(self._states.get(name, NEVER)):
                return False
            self._folder.mkdir(mode=0o700, exist_ok=True)
            await asyncio.to_thread(write_whole, self._folder / f"{name}.json", content)
            self._states[name] = state
        return True

    def complete(self, lookups: Lookups, inputs: Mapping[str, Any], at_us: int) -> tuple[dict[str, Any], list[Any]]:
        """A request's inputs with its aggregates at its time, and what those were looked up by: `[at_us, to_us by
        aggregate]`. Raises Refused (400) for inputs that give an aggregate themselves."""
        given = lookups.names & inputs.keys()
        if given:
            raise Refused(400, f"{min(given)} is looked up by the endpoint", f"inputs.{min(given)}")
        state = self._states.get(lookups.text, NEVER)
        reach = {name: one.to_us for name, one in state.items()}
        return {**inputs, **look_up(state, lookups, inputs, at_us)}, [at_us, reach]


def _reach(state: State) -> tuple[int, ...]:
    """How far a state goes: aggregates of one version are the same, so they compare place by place."""
    return tuple(series.to_us for _, series in sorted(state.items()))


def asked_at(given: Any, now_us: int) -> int:
    """The time a request is for: ISO 8601 text or microseconds, else now. Raises Refused (400)."""
    if given is None:
        return now_us
    if type(given) is int and 0 <= given < 1 << 62:
        return given
    try:
        return parse_time(given)
    except (BadInput, AttributeError) as error:
        raise Refused(400, "at must be a time, as 2013-04-01T12:30:00Z", "at") from error
