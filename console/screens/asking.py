"""The question before a verb that cannot be taken back: bound to its subject when the key was pressed."""

from __future__ import annotations

from collections.abc import Sequence

from console.screens.danger import Danger, facts
from console.view import Line, line


class Asking(Danger):
    """Says what would be done to what, and with `d` step by step how; True only for `y`."""

    def __init__(
        self, title: str, verb: str, environment: str, told: Sequence[tuple[str, str]], steps: Sequence[str]
    ) -> None:
        super().__init__(verb)
        self.asked = title
        self.environment = environment
        self.told = told
        self.steps = steps

    def question(self, dry: bool) -> list[Line]:
        """What would be done."""
        title = line((self.asked, "bold"), "  ", (f" {self.environment} ", "alarm"))
        first = line(("  Dry run: this is what y would do", "bold"))
        steps = [first, *(line(f"   {number} {step}") for number, step in enumerate(self.steps, 1)), ()] if dry else []
        return [title, (), *facts(("environment", self.environment), *self.told), (), *steps]
