"""One version of a model: gates, card, lineage; and two versions side by side."""

from __future__ import annotations

from typing import Any

from console.pages import versions as page
from console.screens.listing import titles
from console.screens.sheet import Hints
from console.screens.tabbed import Aside, Picks, Tabbed
from console.subject import Subject
from console.view import Line, columns, line
from core.briefing import version
from core.briefing.version import VersionPage
from core.errors import BadInput


class VersionScreen(Tabbed):
    """One version of a model."""

    NAME = "version"
    TABS = ("gates", "card", "lineage")

    def read(self) -> VersionPage:
        return version.page(self.desk, self.target)

    def badge(self, found: VersionPage, tab: str) -> str:
        failed = sum(row.state in ("fail", "unknown") and not row.optional for row in found.rules)
        return str(failed) if tab == "gates" and failed else ""

    def picks(self, found: VersionPage, tab: str) -> Picks | None:
        if tab != "gates" or not found.rules:
            return None
        named = columns(page.RULE_TITLES, page.RULE_WIDTHS, right=(2, 3))
        return Picks(titles(named), found.rules, lambda row, _: page.rule_line(row))

    def detail(self, found: VersionPage, tab: str, row: Any, width: int, height: int) -> list[Line]:
        if tab == "gates":
            return page.rule_detail(found, row, width)
        if tab == "lineage":
            return page.lineage_lines(found)
        key = ("card", found.version.model, found.version.version)
        return self.answered(key, lambda text: page.card_lines(text, width))

    def hints(self) -> Hints:
        return (("tab", "section"), ("v", "approve"), ("j/k", "move" if self.at == "gates" else "scroll"), ("l", "log"))

    def subject(self) -> Subject | None:
        if not isinstance(self.found, VersionPage):
            return None
        found = self.found.version
        return Subject("version", str(found.version), found.model, text=f"{found.model} v{found.version}")


class CompareScreen(Aside):
    """Two versions of a model; their model files are read in a process of its own."""

    NAME = "compare"

    def read(self) -> tuple[str, int, int]:
        model, left, right = (["", "", "", *self.target.split()])[-3:]
        if not (model and left.isdecimal() and right.isdecimal()):
            raise BadInput(f"{self.target!r} names no two versions", "mark two of a model and press d")
        for number in (left, right):
            version.page(self.desk, f"{model} {number}")
        return model, int(left), int(right)

    def page(self, found: tuple[str, int, int], width: int, height: int) -> list[Line]:
        model, left, right = found
        command = (f"  tocsin model compare {model} {left} {right}", "dim")
        title = line((f"{model} v{left}", "bold"), " → ", (f"v{right}", "bold"), command)
        told = self.answered(("compare", *found), lambda said: page.compare_body(said, left, right, width - 1))
        return [title, (), *told]

    def hints(self) -> Hints:
        return (("j/k", "scroll"), ("3", "models"))

    def subject(self) -> Subject | None:
        return Subject("model", self.found[0], self.found[0]) if isinstance(self.found, tuple) else None
