"""Find words in what was written down: incidents and postmortems, notes, and what jobs wrote."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from core.errors import BadInput
from core.store import Store

KINDS = ("incident", "note", "log")

FIND = """SELECT kind, ref, at_us, snippet(words, 0, '', '', '…', 16) AS text FROM words
WHERE words MATCH :words AND kind IN (SELECT value FROM json_each(:kinds))
ORDER BY bm25(words), at_us DESC LIMIT :limit"""


@dataclass(frozen=True)
class Hit:
    """One place that holds every word: `number` is the incident of an incident or note, the job of a log.

    `text` is the best passage in one line; `at_us` is when the incident was detected, the note written, the job ended.
    """

    kind: str
    number: int
    at_us: int
    text: str


def find(store: Store, text: str, *, kinds: Collection[str] = KINDS, limit: int = 50) -> list[Hit]:
    """The places that hold every word of a text, or a word that begins with it, best first; accents and case are alike.

    Words are taken as they are: no sign in them means anything. Raises BadInput where there is no word or no such kind.
    """
    words = [word for word in text.replace("\0", " ").split() if any(sign.isalnum() for sign in word)]
    if not words:
        raise BadInput("there is no word to find", "write `tocsin find clock minutes`")
    if unknown := set(kinds) - set(KINDS):
        raise BadInput(f"nothing of the kind {min(unknown)!r} is searched", f"choose {', '.join(KINDS)}")
    query = " ".join('"' + word.replace('"', '""') + '"*' for word in words)
    rows = store.read(FIND, {"words": query, "kinds": json.dumps(sorted(kinds)), "limit": limit})
    return [Hit(r["kind"], int(r["ref"]), int(r["at_us"]), " ".join(str(r["text"]).split())) for r in rows]
