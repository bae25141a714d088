"""A tree of lines: what came from what, drawn with box characters or with plain ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

BOXES = ("├─ ", "└─ ", "│  ", "   ")
PLAIN = ("|- ", "`- ", "|  ", "   ")


@dataclass(frozen=True)
class Node:
    """One thing of a lineage: its kind, what it is called, facts about it, and what hangs on it."""

    kind: str
    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    below: tuple[Node, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data with stable keys."""
        return {"kind": self.kind, "name": self.name, **self.facts, "below": [one.to_json() for one in self.below]}


def lines(root: Node, *, ascii_only: bool = False) -> Iterator[str]:
    """The tree a line a thing, the root first."""
    yield _words(root)
    yield from _below(root, "", PLAIN if ascii_only else BOXES)


def _below(node: Node, lead: str, signs: tuple[str, str, str, str]) -> Iterator[str]:
    branch, last, through, space = signs
    for place, one in enumerate(node.below):
        ends = place == len(node.below) - 1
        yield f"{lead}{last if ends else branch}{_words(one)}"
        yield from _below(one, lead + (space if ends else through), signs)


def _words(node: Node) -> str:
    told = ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in node.facts.items() if value not in (None, "")
    )
    return f"{node.kind} {node.name}".rstrip() + f"{f' ({told})' if told else ''}"
