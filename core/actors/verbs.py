"""Grant roles and take them back; a home that keeps roles always keeps an admin."""

from __future__ import annotations

from core.access import roles
from core.access.roles import ADMIN, Actor, actor, actors, role_of
from core.actors.keys import require_keyed_admin
from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotFound
from core.store import Tx

GRANT = """INSERT INTO actor(name, role, granted_by, granted_us) VALUES (?, ?, ?, ?)
ON CONFLICT(name) DO UPDATE SET role = excluded.role, granted_by = excluded.granted_by,
granted_us = excluded.granted_us"""
REVOKE = "DELETE FROM actor WHERE name = ?"


def held(desk: Desk, name: str) -> str | None:
    """The role somebody has in this home, None for none."""
    return role_of(desk.store, name)


def everyone(desk: Desk) -> list[Actor]:
    """Everybody with a role, by name; nobody where the home keeps no roles yet."""
    return actors(desk.store)


def grant(desk: Desk, name: str, role: str) -> Actor:
    """Give somebody a role in place of the one they had; with the first grant the home begins to keep roles.

    Raises NotAllowed for who is no admin, BadInput for a name or role that does not fit, CheckFailed where no admin
    would be left.
    """
    if role not in roles.ROLES:
        raise BadInput(f"{role!r} is no role", f"choose one of {', '.join(roles.ROLES)}")
    if not name.strip() or not name.isprintable():
        raise BadInput(f"{name!r} is no name of an actor", "give the name that the ledger shows for them")
    with desk.write() as tx:
        # The right is asked for before the grant: nobody makes themselves an admin by the grant itself.
        before = actor(tx, name)
        desk.record(tx, "access.granted", data={"actor": name, "role": role, "before": before and before.role})
        tx.execute(GRANT, (name, role, desk.actor, desk.now_us()))
        _require_admin(tx)
        granted = actor(tx, name)
    assert granted is not None
    return granted


def revoke(desk: Desk, name: str) -> None:
    """Take somebody's role. Raises NotAllowed for who is no admin, NotFound, CheckFailed for the last admin."""
    with desk.write() as tx:
        before = actor(tx, name)
        if before is None:
            raise NotFound(f"{name} has no role here", "`tocsin access list` shows who has one")
        desk.record(tx, "access.revoked", data={"actor": name, "role": before.role})
        tx.execute(REVOKE, (name,))
        _require_admin(tx)


def _require_admin(tx: Tx) -> None:
    """Raises CheckFailed where nobody could grant roles any more: there has to be an admin, and by a lasting key."""
    if not any(one.role == ADMIN for one in actors(tx)):
        raise CheckFailed("that would leave this home without an admin", "`tocsin access grant NAME admin` first")
    require_keyed_admin(tx)
