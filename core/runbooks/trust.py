"""Trust in a runbook file, by the hash of its content: asked once, lost with any change."""

from __future__ import annotations

from core.desk import Desk
from core.errors import NotAllowed
from core.runbooks.book import Runbook
from core.runbooks.library import shipped
from core.store import Store

TRUSTED = "SELECT 1 FROM trust WHERE sha256 = ?"
PUT = "INSERT INTO trust(sha256, runbook, actor, at_us) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"


def trusted(store: Store, book: Runbook) -> bool:
    """Whether exactly this content came with the program or was trusted before."""
    return any(one.sha256 == book.sha256 for one in shipped()) or store.one(TRUSTED, (book.sha256,)) is not None


def trust(desk: Desk, book: Runbook) -> bool:
    """Trust this content from now on; returns whether it was not trusted before."""
    if trusted(desk.store, book):
        return False
    with desk.write() as tx:
        tx.execute(PUT, (book.sha256, book.id, desk.actor, desk.now_us()))
        desk.record(tx, "runbook.trusted", data={"runbook": book.id, "sha256": book.sha256})
    return True


def require_trusted(store: Store, book: Runbook) -> None:
    """Raises NotAllowed where nobody has trusted exactly this content."""
    if not trusted(store, book):
        raise NotAllowed(
            f"runbook {book.id} ({book.source}) is not trusted as it is now",
            f"read it with `tocsin runbook show {book.id}`, then `tocsin runbook trust {book.id}`",
        )
