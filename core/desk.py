"""The desk: what every verb is given first."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from core import ledger
from core.access import current_actor, roles
from core.access.actor import presented
from core.clock import Clock, RealClock, SharedClock
from core.home import Home
from core.ledger.chain import key_of
from core.settings import Settings, read_only_error, require_writable
from core.settings import load as load_settings
from core.store import Blobs, Store, Tx


@dataclass(frozen=True)
class Desk:
    """An open home: its store and blobs, the clock, who acts, and the settings.

    `system` is set for the daemon, its jobs and a replay: they act as operators whatever role the actor has.
    `key` is the number of the named key that proves the actor, empty where the name is only said.
    """

    home: Home
    store: Store
    blobs: Blobs
    clock: Clock
    actor: str
    settings: Settings
    system: bool = False
    key: str = ""

    @classmethod
    def open(cls, home: Home, *, actor: str = "", clock: Clock | None = None, read_only: bool = False) -> Desk:
        """Open a home, making it at first use unless `read_only`.

        A home that holds a shared clock runs on it, so that a replay's console and commands see the replay's time;
        TOCSIN_CLOCK names another, as it does for the processes that the replay itself is made of.
        The actor is the one given, else that of the named key the process was given, else as `current_actor` says.
        Raises BadInput for settings that do not fit, StoreUnusable for a store that cannot be used, NotAllowed for a
        key that is wrong, expired or revoked: an event `access.refused` then stays.
        """
        settings = load_settings(home)
        if clock is None:
            shared = os.environ.get("TOCSIN_CLOCK") or (home.clock_path if home.clock_path.exists() else None)
            clock = SharedClock(Path(shared)) if shared else RealClock()
        read_only = read_only or (settings.read_only and home.store_path.exists())
        store = Store(home, read_only=read_only, secret=_secret(settings.store_key_ref))
        name = actor or current_actor(settings.actor)
        blobs = Blobs(home.blobs_path, partial(require_writable, home))
        desk = cls(home, store, blobs, clock, name, settings)
        return desk if actor else desk._by_key()

    def now_us(self) -> int:
        """The clock's time."""
        return self.clock.now_us()

    def as_system(self) -> Desk:
        """The same desk for what acts by itself: the daemon, and a replay."""
        return replace(self, system=True)

    @property
    def read_only(self) -> bool:
        """Whether the environment is set to read-only: when the desk was opened, or in its settings since."""
        return self.settings.read_only or load_settings(self.home).read_only

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """One transaction.

        Raises NotAllowed where the environment is set to read-only, or where the actor's role does not permit the
        write or an event recorded in it: then nothing of it stays but an event `access.refused`.
        """
        if self.read_only:
            raise read_only_error(self.settings)
        try:
            with self.store.write(self.actor) as tx:
                if self.key and not self.system:
                    from core.access import keys

                    keys.use(tx, self.key, self.now_us())
                self._require(tx, roles.WRITE)
                yield tx
        except roles.Refused as refused:
            self._tell(refused)
            raise

    def _by_key(self) -> Desk:
        """The same desk as the actor of the key that the process was given, if it was given any."""
        shown = presented()
        if not shown:
            return self
        from core.access import keys

        try:
            found = keys.proven(self.store, key_of(self.home), shown, self.now_us())
        except roles.Refused as refused:
            self._tell(refused)
            raise
        return replace(self, actor=found.actor, key=found.id)

    def _require(self, tx: Tx, kind: str) -> None:
        roles.require(tx, self.actor, kind, system=self.system, keyed=bool(self.key))

    def _tell(self, refused: roles.Refused) -> None:
        """Keep the attempt in the ledger, where the home can be written: it may be read-only to this process."""
        if self.read_only or not os.access(self.home.store_path, os.W_OK):
            return
        store = Store(self.home, secret=_secret(self.settings.store_key_ref)) if self.store.read_only else self.store
        with store.write(self.actor) as tx:
            self._append(tx, "access.refused", data=refused.told)
        if store is not self.store:
            store.close()

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
        self._require(tx, kind)
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


def _secret(reference: str) -> str:
    """The key of an encrypted store; empty for a store that has none."""
    if not reference:
        return ""
    from core.access import secrets

    return secrets.resolve(reference)
