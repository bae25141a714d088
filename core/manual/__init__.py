"""The manual: one page a topic, shipped with the program, read in the terminal by `tocsin help`."""

from __future__ import annotations

import difflib
from importlib.resources import files

from core.errors import NotFound


def pages() -> dict[str, str]:
    """Every page's name with its title, by name."""
    found = {entry.name.removesuffix(".md"): entry for entry in files(__name__).iterdir() if entry.name.endswith(".md")}
    return {name: _title(found[name].read_text("utf-8")) for name in sorted(found)}


def page(name: str) -> str:
    """A page as Markdown. Raises NotFound, which names the nearest page."""
    known = pages()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean `tocsin help {close[0]}`?" if close else "`tocsin help` lists the pages"
        raise NotFound(f"the manual has no page {name!r}", hint)
    return files(__name__).joinpath(f"{name}.md").read_text("utf-8")


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")
