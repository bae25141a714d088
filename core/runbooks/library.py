"""Where runbooks are found: the home's own folder first, then those that came with the program."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from core.errors import BadInput, NotFound
from core.home import Home
from core.runbooks.book import Runbook
from core.runbooks.parse import LARGEST, parse


@dataclass(frozen=True)
class Text:
    """A runbook file's text before it is read: its name without `.md`, where it is from, and its words."""

    name: str
    source: str
    text: str

    @property
    def sha256(self) -> str:
        """The hash that trust and walks are pinned to."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@lru_cache(maxsize=1)
def shipped() -> tuple[Text, ...]:
    """The runbooks that came with the program, by name."""
    folder = files("core.runbooks") / "starter"
    pages = sorted((page for page in folder.iterdir() if page.name.endswith(".md")), key=lambda page: page.name)
    return tuple(Text(page.name[:-3], f"starter/{page.name}", page.read_text("utf-8")) for page in pages)


@lru_cache(maxsize=64)
def _parsed(text: str, source: str) -> Runbook:
    return parse(text, source)


def texts(home: Home) -> tuple[list[Text], dict[str, BadInput]]:
    """Every runbook file, and by name the faults of those that cannot be read.

    The home's come first, then the shipped ones that the home has none of the same name for.
    """
    own: list[Text] = []
    faults: dict[str, BadInput] = {}
    for path in sorted(home.runbooks_path.glob("*.md")):
        try:
            own.append(_own(path))
        except BadInput as error:
            faults[path.stem] = error
    names = {one.name for one in own} | faults.keys()
    return [*own, *(one for one in shipped() if one.name not in names)], faults


def _own(path: Path) -> Text:
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"runbooks/{path.name} is larger than 256 KB", "split it")
        return Text(path.stem, f"runbooks/{path.name}", path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"runbooks/{path.name} cannot be read: {error}", "make it a readable UTF-8 file") from error


def runbooks(home: Home) -> tuple[list[Runbook], list[BadInput]]:
    """Every runbook that is sound, and the faults of those that are not."""
    found, unreadable = texts(home)
    sound: list[Runbook] = []
    faults = list(unreadable.values())
    for one in found:
        try:
            sound.append(_parsed(one.text, one.source))
        except BadInput as error:
            faults.append(error)
    return sound, faults


def runbook(home: Home, name: str) -> Runbook:
    """The runbook with an id or a file name. Raises NotFound, and BadInput where it is the one with a fault."""
    found, faults = texts(home)
    if name in faults:
        raise faults[name]
    by_file = next((one for one in found if one.name == name), None)
    if by_file is not None:
        return _parsed(by_file.text, by_file.source)
    by_id = next((one for one in runbooks(home)[0] if one.id == name), None)
    if by_id is None:
        raise NotFound(f"there is no runbook {name!r}", "`tocsin runbook list` shows them")
    return by_id


def text_of(home: Home, book: Runbook) -> str:
    """The words of the file a runbook was read from. Raises NotFound where the file has changed since."""
    for one in texts(home)[0]:
        if one.sha256 == book.sha256:
            return one.text
    raise NotFound(f"the file of runbook {book.id} has changed meanwhile", "read it again")


def applying(home: Home, family: str, model: str, version: int | None) -> Runbook | None:
    """The runbook for a family of alerts: the one that says most about what it applies to; None where none does."""
    fitting = [one for one in runbooks(home)[0] if _applies(one, family, model, version)]
    return max(fitting, key=_closeness, default=None)


def _applies(book: Runbook, family: str, model: str, version: int | None) -> bool:
    to = book.applies
    fits = family in to.alerts and (not to.model or model in to.model)
    return fits and (not to.versions or version in to.versions)


def _closeness(book: Runbook) -> tuple[int, int]:
    own = not book.source.startswith("starter/")
    return bool(book.applies.model) + bool(book.applies.versions), int(own)
