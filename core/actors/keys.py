"""Make and revoke named keys, and say whether a home asks for one."""

from __future__ import annotations

from core.access import keys, roles
from core.access.keys import Key
from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotFound
from core.ledger.chain import key_of
from core.store import Tx

ADD = """INSERT INTO access_key(id, name, actor, code, made_by, made_us, expires_us)
VALUES (?, ?, ?, ?, ?, ?, ?)"""
REVOKE = "UPDATE access_key SET revoked_us = ? WHERE id = ?"
REQUIRE = "INSERT INTO access_rule(name, set_by, set_us) VALUES ('require_key', ?, ?)"
REQUIRE_NO_MORE = "DELETE FROM access_rule WHERE name = 'require_key'"
MOST_CHARACTERS = 64


def every(desk: Desk) -> list[Key]:
    """Every key there ever was, by name; none in a home that made none."""
    return keys.keys(desk.store)


def required(desk: Desk) -> bool:
    """Whether who shows no key changes nothing in this home."""
    return roles.requires_key(desk.store)


def check(desk: Desk, name: str, actor: str = "", expires_us: int | None = None) -> None:
    """Raises BadInput for a name, an actor or a span that no key can have, CheckFailed for a name that is taken."""
    for what, text in (("key", name), ("actor", actor or desk.actor)):
        if not text.strip() or not text.isprintable() or len(text) > MOST_CHARACTERS:
            raise BadInput(f"{text[:MOST_CHARACTERS]!r} is no name of a {what}", "give 1 to 64 printable characters")
    if expires_us is not None and expires_us <= 0:
        raise BadInput("a key cannot expire before it is made", "write the time it holds as 30d")
    if keys.in_force(desk.store, name):
        raise CheckFailed(
            f"there is a key {name} already", f"`tocsin access key revoke {name}` first, or choose another"
        )


def add(desk: Desk, name: str, *, actor: str = "", expires_us: int | None = None) -> tuple[Key, str]:
    """Make a key for an actor (else for who asks), which holds for a span in microseconds (else until revoked).

    Returns it and its text, which is kept nowhere and cannot be had again. The name of a revoked key may be used anew.
    Raises as `check`, and NotAllowed for who is no admin.
    """
    check(desk, name, actor, expires_us)
    number, text = keys.new_key()
    now, whose = desk.now_us(), actor or desk.actor
    until = None if expires_us is None else now + expires_us
    with desk.write() as tx:
        desk.record(tx, "access.key_added", data={"key": name, "actor": whose, "expires_us": until})
        check(desk, name, actor, expires_us)
        tx.execute(ADD, (number, name, whose, keys.code_of(key_of(desk.home), text), desk.actor, now, until))
        made = keys.in_force(tx, name)
    assert made is not None
    return made, text


def revoke(desk: Desk, name: str) -> Key:
    """From now on the key of that name is refused, in processes that run as well; returns it as it was.

    Raises NotFound, NotAllowed for who is no admin, CheckFailed for the last lasting key of an admin in a home that
    requires keys.
    """
    with desk.write() as tx:
        found = keys.in_force(tx, name)
        if found is None:
            raise NotFound(f"there is no key {name} in force", "`tocsin access key list` shows them")
        desk.record(tx, "access.key_revoked", data={"key": name, "actor": found.actor})
        tx.execute(REVOKE, (desk.now_us(), found.id))
        require_keyed_admin(tx)
    return found


def require_key(desk: Desk, *, on: bool) -> bool:
    """Ask for a key for every change from now on, or no longer; returns whether that changed anything.

    Raises NotAllowed for who is no admin, CheckFailed where no admin has a key that lasts until it is revoked.
    """
    with desk.write() as tx:
        if roles.requires_key(tx) == on:
            return False
        desk.record(tx, "access.key_required", data={"on": on})
        tx.execute(*((REQUIRE, (desk.actor, desk.now_us())) if on else (REQUIRE_NO_MORE,)))
        require_keyed_admin(tx)
    return True


def require_keyed_admin(tx: Tx) -> None:
    """Raises CheckFailed where a home requires keys and no admin has one that neither expires nor was revoked."""
    if not roles.requires_key(tx):
        return
    lasting = (one for one in keys.keys(tx) if one.revoked_us is None and one.expires_us is None)
    if not any(roles.role_of(tx, one.actor) == roles.ADMIN for one in lasting):
        raise CheckFailed(
            "that would leave this home without an admin who has a lasting key",
            "`tocsin access key add NAME --actor ADMIN` without --expires first",
        )
