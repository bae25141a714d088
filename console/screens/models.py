"""The list of models, and one of them."""

from __future__ import annotations

from typing import ClassVar

from console.pages import models as page
from console.plot import plot
from console.screens.listing import Listing, Rows, titles
from console.screens.sheet import Hints, Sheet
from console.subject import Subject
from console.view import Line, columns
from console.widgets.table import Source
from core.briefing import models
from core.briefing.models import ModelPage, ModelRow, model


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


class ModelScreen(Sheet):
    """One model: what serves, budgets, quality with its deploys, drift, versions, changes."""

    NAME = "model"

    def read(self) -> ModelPage:
        return model(self.desk, self.target)

    def page(self, found: ModelPage, width: int, height: int) -> list[Line]:
        return page.body(found, width - 1, plot)

    def hints(self) -> Hints:
        if not isinstance(self.found, ModelPage):
            return ()
        return ((("R", "rollback"),) if self.found.rollback else ()) + (("l", "log"), ("j/k", "scroll"))

    def subject(self) -> Subject | None:
        return _subject(self.found.row) if isinstance(self.found, ModelPage) else None


def _subject(row: ModelRow) -> Subject:
    return Subject("model", row.name, row.name, row.served[0].endpoint if row.served else "", "", row.name)
