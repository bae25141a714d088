"""Names for versions: `flights@champion` is the version that the alias stands for, wherever a version is asked for."""

from __future__ import annotations

from core.desk import Desk
from core.errors import BadInput, NotFound
from core.registry.versions import Version, production, require_model, version
from core.store import Store, Tx
from core.training.plan import NAME

ALL = "SELECT name, version FROM alias WHERE model = ? ORDER BY name"
ONE = "SELECT version FROM alias WHERE model = ? AND name = ?"
SET = "INSERT INTO alias(model, name, version) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version"
REMOVE = "DELETE FROM alias WHERE model = ? AND name = ?"
CHAMPION = "champion"
# Words that always stand for something, and so name nothing else.
RESERVED = ("latest", "production")


def aliases(store: Store | Tx, model: str) -> dict[str, int]:
    """A model's aliases and their versions, by name."""
    return {str(row["name"]): int(row["version"]) for row in store.read(ALL, (model,))}


def point(desk: Desk, model: str, name: str, number: int) -> bool:
    """Let an alias stand for a version; returns whether that changed anything.

    Raises NotFound for an unknown version, BadInput for a retired one, and for a name that is a number or reserved.
    """
    if not NAME.fullmatch(name) or name.lstrip("v").isdecimal() or name in RESERVED:
        raise BadInput(f"{name!r} cannot be an alias", f"use a word such as champion; {', '.join(RESERVED)} are taken")
    with desk.write() as tx:
        if version(tx, model, number).stage == "retired":
            raise BadInput(f"{model} v{number} is retired", "point the alias at another version")
        before = aliases(tx, model).get(name)
        if before == number:
            return False
        tx.execute(SET, (model, name, number))
        desk.record(tx, "model.alias", model=model, version=number, data={"alias": name, "before": before})
    return True


def remove(desk: Desk, model: str, name: str) -> int:
    """Take an alias away; returns the version it stood for. Raises NotFound."""
    with desk.write() as tx:
        before = aliases(tx, model).get(name)
        if before is None:
            raise _unknown(tx, model, name)
        tx.execute(REMOVE, (model, name))
        desk.record(tx, "model.alias", model=model, data={"alias": name, "before": before})
    return before


def champion(store: Store | Tx, model: str) -> Version | None:
    """The version that others are compared with: the alias `champion`, else the one in production; None without."""
    chosen = aliases(store, model).get(CHAMPION)
    return version(store, model, chosen) if chosen is not None else production(store, model)


def named(store: Store | Tx, model: str, word: str | int | None = None) -> tuple[str, int | None]:
    """The model and number that `MODEL`, `MODEL@WORD` or a word beside it name; None for the latest.

    A word is a number (`3`, `v3`), an alias, `production` or `latest`; `champion` without an alias of that name is
    what is in production. Raises BadInput for two words, NotFound for a word that stands for nothing.
    """
    name, at, within = model.partition("@")
    if at and word is not None:
        raise BadInput(f"{model!r} names a version and {word!r} another", "name the version once")
    word = within if at else word
    return name, word if word is None or isinstance(word, int) else _number(store, name, word)


def _number(store: Store | Tx, model: str, word: str) -> int | None:
    digits = word[1:] if word.startswith("v") else word
    if digits.isdecimal() and digits.isascii() and len(digits) < 18:
        return int(digits)
    require_model(store, model)
    if word == "latest":
        return None
    found = aliases(store, model).get(word)
    if found is None and word in ("production", CHAMPION):
        current = production(store, model)
        found = current.version if current else None
    if found is None:
        raise _unknown(store, model, word)
    return found


def _unknown(store: Store | Tx, model: str, word: str) -> NotFound:
    known = ", ".join(aliases(store, model)) or "none yet"
    return NotFound(f"{model} has no version called {word!r}", f"its aliases: {known}; `tocsin model alias` sets one")
