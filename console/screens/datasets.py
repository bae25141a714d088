"""The list of data sets, one of them in sections, and two of its snapshots beside each other."""

from __future__ import annotations

from typing import Any, ClassVar

from console.pages import datasets as page
from console.pages import diff, spread
from console.plot import bars
from console.screens.listing import Listing, Rows, titles
from console.screens.sheet import Hints
from console.screens.tabbed import Aside, Picks, Tabbed
from console.subject import Subject
from console.view import Line, columns, line
from console.widgets.table import Source, Table
from core.briefing import datasets
from core.briefing.dataset import DatasetPage, dataset
from core.briefing.datasets import DatasetRow
from core.errors import BadInput, TocsinError


class DatasetRows(Rows):
    """The data sets, for a table."""

    def count(self) -> int:
        return datasets.count(self.desk, self.match)

    def window(self, offset: int, limit: int) -> list[DatasetRow]:
        return datasets.window(self.desk, offset, limit, self.match)

    def position(self, row_id: str) -> int:
        return datasets.position(self.desk, row_id, self.match)

    def id_of(self, row: DatasetRow) -> str:
        return row.name

    def header(self, width: int) -> Line:
        return titles(columns(page.TITLES, page.WIDTHS, right=(1, 5)))

    def cells(self, row: DatasetRow, width: int) -> Line:
        return page.row_line(row, self.desk.now_us())


class DatasetsScreen(Listing):
    """Every data set by name."""

    NAME = "datasets"
    OPENS = "dataset"
    EMPTY: ClassVar[tuple[str, ...]] = ("No data yet.", "tocsin dataset add NAME FILE brings some in.")

    def make_source(self) -> Source:
        return DatasetRows(self.desk)

    def subject(self) -> Subject | None:
        row: DatasetRow | None = self.table.current
        return Subject("dataset", row.name, text=row.name) if row else None


class DatasetScreen(Tabbed):
    """One data set: snapshots, the columns of one, the contract, what a check finds, what was turned away."""

    NAME = "dataset"
    TABS = ("snapshots", "columns", "contract", "findings", "quarantine")

    def read(self) -> DatasetPage:
        return dataset(self.desk, self.target)

    def on_mount(self) -> None:
        super().on_mount()
        if "/" in self.target and not isinstance(self.found, TocsinError):
            self.show_section("columns")

    def badge(self, found: DatasetPage, tab: str) -> str:
        return str(len(found.quarantine)) if tab == "quarantine" and found.quarantine else ""

    def picks(self, found: DatasetPage, tab: str) -> Picks | None:
        at = self.desk.now_us()
        if tab == "snapshots":
            named = columns(page.SNAPSHOT_TITLES, page.SNAPSHOT_WIDTHS, right=(0, 1))
            return Picks(titles(named), found.snapshots, lambda row, _: page.snapshot_line(row, at), ("no snapshot",))
        if tab == "columns":
            named = columns(spread.TITLES, spread.WIDTHS, right=(3, 5))
            rows, shapes = found.snapshot.rows if found.snapshot else 0, self._shapes(found)
            return Picks(
                titles(named), found.columns, lambda row, _: spread.column_line(row, rows, shapes), ("no column",)
            )
        if tab == "contract":
            told = titles(spread.CONTRACT_TITLES)
            return Picks(told, found.columns, lambda row, _: spread.contract_line(row), ("no contract",))
        if tab == "quarantine":
            told = titles(page.QUARANTINE_TITLES)
            return Picks(told, found.quarantine, lambda row, _: page.quarantine_line(row, at), ("nothing waits",))
        return None

    def detail(self, found: DatasetPage, tab: str, row: Any, width: int, height: int) -> list[Line]:
        if tab == "snapshots":
            return page.snapshot_detail(found, row)
        if tab == "columns":
            rows = found.snapshot.rows if found.snapshot else 0
            drawn = spread.column_detail(row, rows, self._shapes(found), width, height - 2, bars)
            return [*drawn, *page.head(found)]
        if tab == "contract":
            return page.contract_lines(found, row.agreed if row else None, width)
        if tab == "quarantine":
            return page.quarantine_detail(row, width)
        return self._findings(found, width)

    def _shapes(self, found: DatasetPage) -> Any:
        """The histograms of the snapshot; None until they are counted, nothing where they cannot be."""
        if found.snapshot is None:
            return {}
        answer = self.ask("shapes", found.name, found.snapshot.number)
        return {} if isinstance(answer, TocsinError) else answer

    def _findings(self, found: DatasetPage, width: int) -> list[Line]:
        if found.snapshot is None or found.contract is None:
            return [line(("  There is nothing to check yet.", "dim"))]
        key = ("check", found.name, found.snapshot.number)
        held = line((f"  checked now against contract v{found.contract.version}, in force", "dim"))
        return [*page.head(found), held, (), *self.answered(key, lambda said: page.findings_lines(said, width))]

    def hints(self) -> Hints:
        own = {
            "snapshots": (("enter", "columns"), ("space", "mark"), ("d", "diff")),
            "quarantine": (("r", "release"), ("D", "drop"), ("J/K", "scroll")),
        }.get(self.at, (("j/k", "move"), ("J/K", "scroll")) if self.at != "findings" else (("j/k", "scroll"),))
        return (("tab", "section"), *own)

    def subject(self) -> Subject | None:
        if not isinstance(self.found, DatasetPage):
            return None
        if self.at == "quarantine" and self.table.current is not None:
            row = self.table.current
            return Subject("quarantine", str(row.id), text=f"{self.found.name}: {row.source}")
        return Subject("dataset", self.found.name, text=self.found.name)

    def pair(self) -> tuple[str, str]:
        """The screen that compares the two marked snapshots, and its target. Raises BadInput."""
        if self.at != "snapshots" or not isinstance(self.found, DatasetPage):
            raise BadInput("there are no snapshots here to compare", "press tab until they are shown")
        marked = sorted(row.number for row in self.found.snapshots if row.id in self.table.marked)
        if len(marked) != 2:
            raise BadInput(f"{len(marked)} snapshots are marked", "mark two with space, then press d")
        return "diff", f"{self.found.name} {marked[0]} {marked[1]}"

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """A snapshot opens on its columns."""
        if self.at == "snapshots" and isinstance(self.found, DatasetPage):
            self.go("dataset", f"{self.found.name}/{message.row.number}")


class DiffScreen(Aside):
    """Two snapshots beside each other; what is compared is worked out in a process of its own."""

    NAME = "diff"

    def read(self) -> tuple[str, int, int]:
        name, old, new = (["", "", "", *self.target.split()])[-3:]
        if not (name and old.isdecimal() and new.isdecimal()):
            raise BadInput(f"{self.target!r} names no two snapshots", "mark two of a data set and press d")
        dataset(self.desk, f"{name}/{old}")
        dataset(self.desk, f"{name}/{new}")
        return name, int(old), int(new)

    def page(self, found: tuple[str, int, int], width: int, height: int) -> list[Line]:
        name, old, new = found
        title = line(
            (f"{name}/{old}", "bold"),
            " → ",
            (f"{name}/{new}", "bold"),
            (f"  tocsin dataset diff {name}/{old} {name}/{new}", "dim"),
        )
        return [title, (), *self.answered(("diff", name, old, new), diff.body)]

    def hints(self) -> Hints:
        return (("j/k", "scroll"), ("5", "all data"))

    def subject(self) -> Subject | None:
        return Subject("dataset", self.found[0]) if isinstance(self.found, tuple) else None
