"""Fuzzy matching: the letters in order, best where they begin words and stand together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def score(query: str, text: str) -> int | None:
    """How well a text matches; higher is better, None where it does not. An empty query matches everything alike."""
    wanted, given = query.lower().replace(" ", ""), text.lower()
    start = given.find(query.lower())
    if start >= 0:
        # Every word that begins so is as good as another: what is listed first stays first.
        return 1200 if start == 0 or not given[start - 1].isalnum() else 1000 - start
    points, place, run = 0, -1, 0
    for letter in wanted:
        found = given.find(letter, place + 1)
        if found < 0:
            return None
        run = run + 1 if found == place + 1 else 0
        points += 10 + 5 * run + (15 if found == 0 or not given[found - 1].isalnum() else 0) - min(found - place, 10)
        place = found
    return points


def best(query: str, items: Iterable[Item], text: Callable[[Item], str], limit: int = 50) -> list[Item]:
    """The items that match, best first; those that match alike keep their order."""
    scored = [(points, item) for item in items if (points := score(query, text(item))) is not None]
    return [item for _, item in sorted(scored, key=lambda pair: -pair[0])][:limit]
