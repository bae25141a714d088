"""The words after a verb: values in order, and options by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.clock import parse_span
from core.errors import BadInput


@dataclass(frozen=True)
class Words:
    """Values and options of a command; every miss names how the command is used."""

    values: tuple[str, ...]
    options: dict[str, str]
    usage: str

    @classmethod
    def of(cls, words: Sequence[str], usage: str) -> Words:
        """Split words: `--name value` and `--flag` are options, everything else is a value."""
        values: list[str] = []
        options: dict[str, str] = {}
        place = 0
        while place < len(words):
            word = words[place]
            if word.startswith("--"):
                takes = place + 1 < len(words) and not words[place + 1].startswith("--")
                options[word[2:]] = words[place + 1] if takes else ""
                place += takes
            else:
                values.append(word)
            place += 1
        return cls(tuple(values), options, usage)

    def text(self, place: int) -> str:
        """The value at a place. Raises BadInput where it is missing."""
        if place >= len(self.values):
            raise BadInput("the command lacks a value", f"write `{self.usage}`")
        return self.values[place]

    def number(self, place: int) -> int:
        """A value that is a whole number. Raises BadInput for anything else."""
        text = self.text(place)
        if not text.isdigit():
            raise BadInput(f"{text!r} is no number", f"write `{self.usage}`")
        return int(text)

    def option(self, name: str) -> str | None:
        """An option's value, None where it was not given."""
        return self.options.get(name)

    def span(self, name: str) -> int | None:
        """An option that is a span of time, in microseconds."""
        text = self.options.get(name)
        return parse_span(text) if text else None
