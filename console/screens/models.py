"""The list of models, and one of them."""

from __future__ import annotations

from typing import Any, ClassVar

from console.pages import models as page
from console.pages import versions
from console.plot import plot
from console.screens.listing import Listing, Rows, titles
from console.screens.sheet import Hints
from console.screens.tabbed import Picks, Tabbed
from console.subject import Subject
from console.view import Line, columns
from console.widgets.table import Source, Table
from core.briefing import models
from core.briefing.models import ModelPage, ModelRow, VersionRow, model
from core.errors import BadInput


class ModelRows(Rows):
    """The models, for a table."""

    def count(self) -> int:
        return models.count(self.desk, self.match)

    def window(self, offset: int, limit: int) -> list[ModelRow]:
        return models.window(self.desk, offset, limit, self.match)

    def position(self, row_id: str) -> int:
        return models.position(self.desk, row_id, self.match)

    def id_of(self, row: ModelRow) -> str:
        return row.name

    def header(self, width: int) -> Line:
        return titles(columns(page.TITLES, page.WIDTHS))

    def cells(self, row: ModelRow, width: int) -> Line:
        return page.row_line(row, self.desk.now_us())


class ModelsScreen(Listing):
    """What is registered, what is served, how it does."""

    NAME = "models"
    OPENS = "model"
    EMPTY: ClassVar[tuple[str, ...]] = ("No model yet.", "tocsin train MODEL --dataset NAME --label COLUMN makes one.")

    def make_source(self) -> Source:
        return ModelRows(self.desk)

    def hints(self) -> Hints:
        return (("enter", "open"), ("R", "rollback"), ("/", "filter"), ("l", "log"))

    def subject(self) -> Subject | None:
        row: ModelRow | None = self.table.current
        return _subject(row) if row else None


class ModelScreen(Tabbed):
    """One model: what serves, budgets, quality with its deploys, drift, changes; and its versions."""

    NAME = "model"
    TABS = ("overview", "versions")

    def read(self) -> ModelPage:
        return model(self.desk, self.target)

    def picks(self, found: ModelPage, tab: str) -> Picks | None:
        if tab == "overview":
            return None
        told, at = titles(columns(versions.TITLES, versions.WIDTHS)), self.desk.now_us()
        empty = ("no version yet",)
        return Picks(told, found.versions, lambda row, _: versions.version_line(row, at), empty)

    def detail(self, found: ModelPage, tab: str, row: Any, width: int, height: int) -> list[Line]:
        if tab == "overview":
            return page.body(found, width, plot)
        return versions.version_detail(row, self.desk.now_us(), width)

    def hints(self) -> Hints:
        if not isinstance(self.found, ModelPage):
            return ()
        if self.at == "versions":
            return (("tab", "overview"), ("enter", "gates"), ("v", "approve"), ("space", "mark"), ("d", "compare"))
        back = (("R", "rollback"),) if self.found.rollback else ()
        return (("tab", "versions"), *back, ("l", "log"), ("j/k", "scroll"))

    def subject(self) -> Subject | None:
        if not isinstance(self.found, ModelPage):
            return None
        row: VersionRow | None = self.table.current if self.at == "versions" else None
        if row is None:
            return _subject(self.found.row)
        name = self.found.row.name
        endpoint = next((one.endpoint for one in self.found.row.served), "")
        return Subject("version", str(row.id), name, endpoint, text=f"{name} v{row.id}")

    def pair(self) -> tuple[str, str]:
        """The screen that compares the two marked versions, and its target. Raises BadInput."""
        if self.at != "versions" or not isinstance(self.found, ModelPage):
            raise BadInput("there are no versions here to compare", "press tab until they are shown")
        marked = sorted(self.table.marked)
        if len(marked) != 2:
            raise BadInput(f"{len(marked)} versions are marked", "mark two with space, then press d")
        return "compare", f"{self.found.row.name} {marked[0]} {marked[1]}"

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """A version opens on its gates."""
        if isinstance(self.found, ModelPage):
            self.go("version", f"{self.found.row.name} {message.row_id}")


def _subject(row: ModelRow) -> Subject:
    return Subject("model", row.name, row.name, row.served[0].endpoint if row.served else "", "", row.name)
