"""Named keys: a secret that makes a process an actor. The store keeps its code alone, made with the home's own key."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from core.access.actor import KEY, KEY_REF
from core.access.roles import Refused
from core.clock import MINUTE, iso
from core.store import Row, Store, Tx

FORM = re.compile(r"tsn_([0-9a-f]{12})_[0-9a-f]{48}")
# What a code is compared with where no key has the number: an unknown number takes as long as a wrong secret.
NO_CODE = "0" * 64
# The time of a key's last use is kept to the minute: a busy process does not write it with every change.
USED_EVERY_US = MINUTE

ALL = "SELECT * FROM access_key ORDER BY name, made_us"
ONE = "SELECT * FROM access_key WHERE id = ?"
IN_FORCE = "SELECT * FROM access_key WHERE name = ? AND revoked_us IS NULL"
USED = "UPDATE access_key SET used_us = ? WHERE id = ?"


@dataclass(frozen=True)
class Key:
    """A key without its secret: whose it is, who made it when, until when it holds, when it last changed something."""

    id: str
    name: str
    actor: str
    made_by: str
    made_us: int
    expires_us: int | None
    used_us: int | None
    revoked_us: int | None

    @classmethod
    def of(cls, row: Row) -> Key:
        """The key of a row of its table, without the code."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    def state(self, now_us: int) -> str:
        """`revoked`, `expired` (from the instant on that it names) or `in force`."""
        if self.revoked_us is not None:
            return "revoked"
        return "expired" if self.expires_us is not None and now_us >= self.expires_us else "in force"


def new_key() -> tuple[str, str]:
    """A number and the whole key that holds it, with 192 random bits."""
    number = secrets.token_hex(6)
    return number, f"tsn_{number}_{secrets.token_hex(24)}"


def code_of(home_key: bytes, text: str) -> str:
    """What the store keeps of a key: its HMAC-SHA-256, of no use without the home's own key."""
    return hmac.new(home_key, b"access key " + text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def proven(store: Store | Tx, home_key: bytes, text: str, now_us: int) -> Key:
    """The key that a text is. Raises Refused for what is no key of this home, and for one expired or revoked."""
    form = FORM.fullmatch(text)
    row = store.one(ONE, (form[1],)) if form else None
    if not hmac.compare_digest(code_of(home_key, text), row["code"] if row else NO_CODE) or row is None:
        raise _refused("the key given is none of this home", None, "wrong")
    found = Key.of(row)
    _require_in_force(found, now_us)
    return found


def use(tx: Tx, number: str, now_us: int) -> None:
    """Note that a key changes something. Raises Refused where it has expired or was revoked since it was shown."""
    row = tx.one(ONE, (number,))
    if row is None:
        raise _refused("the key given is none of this home any more", None, "wrong")
    found = Key.of(row)
    _require_in_force(found, now_us)
    if found.used_us is None or not 0 <= now_us - found.used_us < USED_EVERY_US:
        tx.execute(USED, (now_us, number))


def in_force(store: Store | Tx, name: str) -> Key | None:
    """The key of that name that was not revoked, expired or not; None for none."""
    row = store.one(IN_FORCE, (name,))
    return Key.of(row) if row else None


def keys(store: Store | Tx) -> list[Key]:
    """Every key there ever was, by name."""
    return [Key.of(row) for row in store.read(ALL)]


def _require_in_force(found: Key, now_us: int) -> None:
    state = found.state(now_us)
    if state == "revoked":
        raise _refused(f"the key {found.name} was revoked", found.name, state)
    if state == "expired":
        raise _refused(f"the key {found.name} expired at {iso(found.expires_us or 0)}", found.name, state)


def _refused(message: str, name: str | None, reason: str) -> Refused:
    hint = f"an admin makes one with `tocsin access key add`; without {KEY} and {KEY_REF} you are the system's user"
    return Refused(message, hint, {"kind": "key", "key": name, "reason": reason})
