"""The blobs that the catalogue cannot do without."""

from __future__ import annotations

from core.errors import TocsinError
from core.store import Blobs, Reads

NAMED = """SELECT artefact AS sha256, model || ' v' || version AS what FROM model_version
UNION SELECT blob, dataset || ' ' || number FROM snapshot
UNION SELECT blob, 'scoring ' || id FROM score WHERE blob IS NOT NULL
UNION SELECT blob, aggregate || ' of ' || view || '@' || version FROM materialisation
UNION SELECT sha256, 'the runbook of walk ' || id FROM walk"""


def named_blobs(store: Reads) -> list[tuple[str, str]]:
    """Each blob's hash with what names it; none in an empty home."""
    return [(str(row["sha256"]), str(row["what"])) for row in store.read(NAMED)]


def missing_blobs(store: Reads, blobs: Blobs) -> list[str]:
    """The hashes that are named and have no file; a file's content is checked where it is read."""
    return sorted({sha256 for sha256, _ in named_blobs(store) if not blobs.exists(sha256)})


def damaged_blobs(store: Reads, blobs: Blobs) -> list[tuple[str, TocsinError]]:
    """What names a blob that is missing or no longer has its hash, with the error that reading it gives."""
    bad: list[tuple[str, TocsinError]] = []
    for sha256, what in named_blobs(store):
        try:
            blobs.verified(sha256)
        except TocsinError as error:
            bad.append((what, error))
    return bad
