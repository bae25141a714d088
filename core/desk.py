"""The desk: what every verb is given first."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core import ledger
from core.access import current_actor, roles, secrets
from core.clock import Clock, RealClock, SharedClock
from core.errors import NotAllowed
from core.home import Home
from core.ledger.chain import key_of
from core.settings import Settings
from core.settings import load as load_settings
from core.store import Blobs, Store, Tx


@dataclass(frozen=True)
class Desk:
    """An open home: its store and blobs, the clock, who acts, and the settings.

    `system` is set for the daemon, its jobs and a replay: they act as operators whatever role the actor has.
    """

    home: Home
    store: Store
    blobs: Blobs
    clock: Clock
    actor: str
    settings: Settings
    system: bool = False

    @classmethod
    def open(cls, home: Home, *, actor: str = "", clock: Clock | None = None, read_only: bool = False) -> Desk:
        """Open a home, making it at first use unless `read_only`.

        A home that holds a shared clock runs on it, so that a replay's console and commands see the replay's time;
        TOCSIN_CLOCK names another, as it does for the processes that the replay itself is made of.
        Raises BadInput for settings that do not fit, StoreUnusable for a store that cannot be used.
        """
        settings = load_settings(home)
        if clock is None:
            shared = os.environ.get("TOCSIN_CLOCK") or (home.clock_path if home.clock_path.exists() else None)
            clock = SharedClock(Path(shared)) if shared else RealClock()
        secret = secrets.resolve(settings.store_key_ref) if settings.store_key_ref else ""
        store = Store(home, read_only=read_only, secret=secret)
        return cls(home, store, Blobs(home.blobs_path), clock, actor or current_actor(settings.actor), settings)

    def now_us(self) -> int:
        """The clock's time."""
        return self.clock.now_us()

    def as_system(self) -> Desk:
        """The same desk for what acts by itself: the daemon, and a replay."""
        return replace(self, system=True)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """One transaction.

        Raises NotAllowed where the environment is set to read-only, or where the actor's role does not permit the
        write or an event recorded in it: then nothing of it stays but an event `access.refused`.
        """
        if self.settings.read_only:
            raise NotAllowed(
                f"{self.settings.environment} is set to read-only", "set read_only = false in the home's settings.toml"
            )
        try:
            with self.store.write(self.actor) as tx:
                roles.require(tx, self.actor, roles.WRITE, system=self.system)
                yield tx
        except roles.Refused as refused:
            self._tell(refused)
            raise

    def _tell(self, refused: roles.Refused) -> None:
        data = {"kind": refused.kind, "role": refused.role, "needs": refused.needs}
        with self.store.write(self.actor) as tx:
            self._append(tx, "access.refused", data=data)

    def record(
        self,
        tx: Tx,
        kind: str,
        *,
        model: str | None = None,
        version: int | None = None,
        endpoint: str | None = None,
        incident: int | None = None,
        data: Mapping[str, Any] | None = None,
        at_us: int | None = None,
        actor: str = "",
    ) -> int:
        """Write a ledger event in the transaction of the state it tells of; returns its number.

        Raises NotAllowed where the actor's role does not reach what the kind asks for.
        """
        roles.require(tx, self.actor, kind, system=self.system)
        return self._append(
            tx,
            kind,
            model=model,
            version=version,
            endpoint=endpoint,
            incident=incident,
            data=data,
            at_us=at_us,
            actor=actor,
        )

    def _append(self, tx: Tx, kind: str, *, at_us: int | None = None, actor: str = "", **fields: Any) -> int:
        now = self.now_us()
        return ledger.append(
            tx,
            key_of(self.home),
            at_us=now if at_us is None else at_us,
            recorded_us=now,
            actor=actor or self.actor,
            kind=kind,
            **fields,
        )
