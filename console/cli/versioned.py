"""How commands name a version: a number, `v3`, or an alias beside the model's name or after its `@`."""

from __future__ import annotations

from core.desk import Desk


def chosen(desk: Desk, model: str, word: str | None = None) -> tuple[str, int]:
    """The model and the number of the version named, the latest without a word. Raises BadInput, NotFound."""
    from core.registry import versions

    name, number = named(desk, model, word)
    return name, versions.version(desk.store, name, number).version


def named(desk: Desk, model: str, word: str | None = None) -> tuple[str, int | None]:
    """The same, with None where no version is named. Raises BadInput, NotFound for a word that stands for nothing."""
    from core.registry import aliases

    return aliases.named(desk.store, model, word)
