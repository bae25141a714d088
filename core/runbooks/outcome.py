"""What running a step gave, cleaned before anybody sees or stores it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.access.redact import redact
from core.runbooks.conditions import Fact

MOST_BYTES = 16 * 1024
MOST_LINES = 400
# Sequences a terminal obeys: operating-system commands, other strings, control sequences, and two-byte escapes.
_ESCAPES = re.compile(
    "(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"
    "|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\\\|\x9c)?"
    "|(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"
    "|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Outcome:
    """Whether a step passed, what it printed, and the named facts that conditions can speak of."""

    ok: bool
    lines: tuple[str, ...] = ()
    facts: dict[str, Fact] = field(default_factory=dict)
    timed_out: bool = False

    def stored(self) -> str:
        """As the text that is kept in a step's row."""
        return json.dumps({"lines": self.lines, "facts": self.facts}, ensure_ascii=False)


def read(text: str | None) -> tuple[tuple[str, ...], dict[str, Fact]]:
    """(lines, facts) of a step's stored text; nothing where nothing was stored."""
    if not text:
        return (), {}
    found = json.loads(text)
    return tuple(found["lines"]), dict(found["facts"])


def clean(text: str, secrets: Iterable[str] = ()) -> tuple[str, ...]:
    """Lines that a terminal only shows and never obeys, without known secrets, at most 16 KB and 400 lines.

    Secrets go before anything is cut, so that no half of one is left at the end.
    """
    plain = _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))
    plain = redact(plain, secrets)
    capped = plain.encode()[:MOST_BYTES].decode("utf-8", "ignore")
    lines = capped.rstrip().splitlines()
    kept = [line.expandtabs(4).rstrip() for line in lines[:MOST_LINES]]
    if len(capped) < len(plain) or len(lines) > MOST_LINES:
        kept.append("[the rest was cut]")
    return tuple(kept)


def cleaned(outcome: Outcome, secrets: Iterable[str]) -> Outcome:
    """The outcome with its lines and its words cleaned."""
    known = tuple(secrets)
    facts = {name: _word(value, known) for name, value in outcome.facts.items()}
    return Outcome(outcome.ok, clean("\n".join(outcome.lines), known), facts, outcome.timed_out)


def _word(value: Fact, secrets: tuple[str, ...]) -> Fact:
    return " ".join(clean(value, secrets)) if isinstance(value, str) else value
