"""Nouns that take a thing in place of a verb, and open it in the console: `tocsin inc 42`, `tocsin model churn`."""

from __future__ import annotations

import click


class Opens(click.Group):
    """A group whose first argument may be the name of a thing.

    `screen` is the console's screen for it; `exists` says whether a word that is no verb names one, so that a mistyped
    verb stays a mistyped verb.
    """

    screen = ""

    @staticmethod
    def exists(ctx: click.Context, word: str) -> bool:
        """Whether a word names one of them."""
        return word.isdigit()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if len(args) == 1 and args[0] not in self.commands and self.exists(ctx, args[0]):
            return "open", self._opening(args[0]), []
        return super().resolve_command(ctx, args)

    def _opening(self, target: str) -> click.Command:
        @click.command()
        @click.pass_context
        def opening(ctx: click.Context) -> None:
            from console.start import start

            start((ctx.find_root().obj or {}).get("home"), self.screen, target)

        return opening
