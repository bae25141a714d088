"""The room in the store's file: what is in use, what is free, and how the free part is given back to the disk."""

from __future__ import annotations

from dataclasses import dataclass

from core.store.connection import Reads, Store

# One transaction gives back so much at most: other writers wait some tens of milliseconds for it.
BITE_BYTES = 4 << 20
INCREMENTAL = 2


@dataclass(frozen=True)
class Space:
    """Bytes of the store's file: in use and free; `gives_back` says whether the free part can go bit by bit."""

    used: int
    free: int
    page: int
    gives_back: bool

    @property
    def length(self) -> int:
        """The length of the file, once its log is written back."""
        return self.used + self.free

    @property
    def slack(self) -> int:
        """How much may be free: it is filled again before the file grows, so a tenth of what is in use is no waste."""
        return max(BITE_BYTES, self.used // 10)


def space(store: Reads) -> Space:
    """How the room of a store's file is used at the moment. Raises StoreUnusable."""
    names = ("page_count", "freelist_count", "page_size", "auto_vacuum")
    pages, free, page, mode = (int(next(iter(dict(store.read(f"PRAGMA {name}")[0]).values()))) for name in names)
    return Space((pages - free) * page, free * page, page, mode == INCREMENTAL)


def give_back(store: Store, at_most: int) -> int:
    """Give back what is free beyond the slack, a bite of it in each transaction; returns bytes, 0 where nothing is.

    The file is shorter after the next checkpoint. A store that was made without it cannot: see `rewrite`.
    Raises StoreUnusable.
    """
    given = 0
    while given < at_most:
        found = space(store)
        bite = min(BITE_BYTES, found.free - found.slack, at_most - given) // found.page
        if not found.gives_back or bite < 1:
            break
        with store.alone() as writer:
            writer.execute(f"PRAGMA incremental_vacuum({bite})").fetchall()
        given += found.length - space(store).length
    return given


def rewrite(store: Store) -> int:
    """Write the whole store anew without what is free, and so that it gives back by itself from now on.

    Readers go on, writers wait, and as much room again is needed on the disk meanwhile. Returns the bytes that it
    has become shorter by. Raises StoreUnusable; the store is then as it was.
    """
    before = space(store).length
    with store.alone() as writer:
        writer.execute("PRAGMA auto_vacuum=INCREMENTAL")
        writer.execute("VACUUM")
    return before - space(store).length
