"""The list of snapshots, and one of them."""

from __future__ import annotations

from typing import ClassVar

from console.pages import datasets as page
from console.screens.listing import Listing, Rows, titles
from console.screens.sheet import Hints, Sheet
from console.subject import Subject
from console.view import Line, columns
from console.widgets.table import Source
from core.briefing import datasets
from core.briefing.datasets import SnapshotPage, SnapshotRow


class SnapshotRows(Rows):
    """The snapshots, for a table."""

    def count(self) -> int:
        return datasets.count(self.desk, self.match)

    def window(self, offset: int, limit: int) -> list[SnapshotRow]:
        return datasets.window(self.desk, offset, limit, self.match)

    def position(self, row_id: int) -> int:
        return datasets.position(self.desk, row_id, self.match)

    def id_of(self, row: SnapshotRow) -> int:
        return row.id

    def header(self, width: int) -> Line:
        return titles(columns(page.TITLES, page.WIDTHS, right=(1, 2)))

    def cells(self, row: SnapshotRow, width: int) -> Line:
        return page.row_line(row, self.desk.now_us())


class DatasetsScreen(Listing):
    """Every snapshot, newest first."""

    NAME = "datasets"
    OPENS = "dataset"
    EMPTY: ClassVar[tuple[str, ...]] = ("No data yet.", "tocsin dataset add FILE --dataset NAME brings some in.")

    def make_source(self) -> Source:
        return SnapshotRows(self.desk)

    def subject(self) -> Subject | None:
        row: SnapshotRow | None = self.table.current
        return Subject("dataset", str(row.id), text=f"{row.dataset}/{row.number}") if row else None


class DatasetScreen(Sheet):
    """One snapshot: its columns against the contract, what was quarantined, which models it made."""

    NAME = "dataset"

    def read(self) -> SnapshotPage:
        number = int(self.target) if self.target.isdigit() else datasets.latest(self.desk, self.target)
        return datasets.snapshot(self.desk, number)

    def page(self, found: SnapshotPage, width: int, height: int) -> list[Line]:
        return page.body(found, width - 1)

    def hints(self) -> Hints:
        return (("j/k", "scroll"), ("5", "all data"))

    def subject(self) -> Subject | None:
        if not isinstance(self.found, SnapshotPage):
            return None
        row = self.found.row
        return Subject("dataset", str(row.id), text=f"{row.dataset}/{row.number}")
