from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.access import roles
from core.datasets import quarantine, rows
from core.datasets.finding import ABSENT, Finding, errors_told
from core.datasets.ingest import add
from core.datasets.load import load
from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotAllowed, NotFound

Writer = Callable[..., Path]
Loans = Callable[..., str]
Said = tuple[int, str, str]


# Misspells a field when it is first opened, and mends it with an edit when it is told so.
EDITOR = """
import pathlib, sys
place = pathlib.Path(sys.argv[1])
text = place.read_text()
told = text.startswith("//")
new = text.replace("formatt", "format").replace('"strict": false', '"strict": true')
place.write_text(new if told else text.replace('"format"', '"formatt"'))
"""


@pytest.fixture
def refused(desk: Desk, write: Writer, loans: Loans) -> Path:
    """A data set with one snapshot, and a file in quarantine that has a foreign grade in every tenth row."""
    add(desk, write(loans(), "april.csv"), dataset="loans", time_column="at", label="default")
    lines = loans(100, seed=2, start=200).splitlines()
    changed = [
        line.replace(",A,", ",Z,").replace(",B,", ",Z,") if n % 10 == 0 else line for n, line in enumerate(lines)
    ]
    path = write("\n".join(changed) + "\n", "may.csv")
    with pytest.raises(CheckFailed):
        add(desk, path, dataset="loans")
    return path


def test_a_refused_file_keeps_a_report_that_names_its_rows(desk: Desk, refused: Path) -> None:
    report = rows.quarantined(desk.store, 1).report
    found = next(finding for finding in report if finding.rule == "levels")
    lines = refused.read_text().splitlines()
    assert found.severity == "error"
    assert [one.row for one in found.examples] == [n for n, line in enumerate(lines) if ",Z," in line][:10]


def test_a_release_takes_the_kept_bytes_in_once_and_says_who_and_why(desk: Desk, refused: Path) -> None:
    content = refused.read_bytes()
    refused.unlink()
    added = quarantine.release(desk, 1, "the lender has a new grade")
    assert added.snapshot.number == 2
    assert load(desk, added.snapshot).num_rows == content.count(b"\n") - 1
    waived = added.snapshot.waived
    assert waived is not None
    assert (waived["by"], waived["reason"], waived["quarantine"]) == ("ana", "the lender has a new grade", 1)
    assert "known levels" in waived["broken"][0]
    with pytest.raises(CheckFailed, match="released"):
        quarantine.release(desk, 1, "again")
    assert [snapshot.number for snapshot in rows.snapshots(desk.store, "loans")] == [1, 2]
    (told,) = desk.store.read("SELECT count(*) AS n FROM event WHERE kind = 'dataset.released'")
    assert told["n"] == 1


def test_an_operator_may_drop_and_only_an_approver_release(desk: Desk, refused: Path) -> None:
    with desk.write() as tx:
        tx.execute("INSERT INTO actor(name, role, granted_by, granted_us) VALUES ('ana', 'operator', 'root', 0)")
    with pytest.raises(NotAllowed):
        quarantine.release(desk, 1, "please")
    assert rows.latest_or_none(desk.store, "loans").number == 1  # type: ignore[union-attr]
    assert quarantine.drop(desk, 1, "a test file").ended["how"] == "dropped"
    assert roles.LEAST["dataset.released"] == "approver"
    with pytest.raises(CheckFailed, match="dropped"):
        quarantine.drop(desk, 1, "again")


def test_a_reason_is_needed_and_an_entry(desk: Desk, refused: Path) -> None:
    with pytest.raises(BadInput):
        quarantine.release(desk, 1, "  ")
    with pytest.raises(NotFound):
        quarantine.release(desk, 7, "why")


def test_the_commands_show_release_and_drop(tocsin: Callable[..., Said], refused: Path) -> None:
    code, out, _ = tocsin("dataset", "quarantine", "show", "1", "--json")
    found = json.loads(out)["findings"]
    assert code == 0
    assert {"rule", "column", "count", "share", "examples"} <= found[0].keys()
    assert tocsin("dataset", "quarantine", "show", "1")[1].count("rows that break levels grade") == 1
    assert tocsin("dataset", "quarantine", "release", "1", "--reason", "known", "--dry-run")[0] == 0
    code, out, _ = tocsin("dataset", "quarantine", "release", "1", "--reason", "known", "--yes", "--json")
    assert (code, json.loads(out)["snapshot"]) == (0, 2)
    assert tocsin("dataset", "quarantine", "drop", "1", "--reason", "late", "--yes")[0] == 1
    assert json.loads(tocsin("dataset", "quarantine", "list", "--json")[1]) == []


def test_strict_refuses_for_a_warning(tocsin: Callable[..., Said], write: Writer, loans: Loans) -> None:
    path = str(write(loans(), "a.csv"))
    assert tocsin("dataset", "add", "loans", path, "--strict")[0] == 1
    assert tocsin("dataset", "add", "loans", path)[0] == 0
    assert tocsin("dataset", "validate", "loans", path)[0] == 0
    assert tocsin("dataset", "validate", "loans", path, "--strict", "--json")[0] == 1


def test_every_edit_of_a_contract_is_a_version_with_who_and_why(
    tocsin: Callable[..., Said], write: Writer, loans: Loans, monkeypatch: pytest.MonkeyPatch
) -> None:
    tocsin("dataset", "add", "loans", str(write(loans(), "a.csv")))
    monkeypatch.setenv("VISUAL", f"{sys.executable} {write(EDITOR, 'editor.py')}")
    code, _, err = tocsin("dataset", "contract", "edit", "loans", "--reason", "be strict")
    assert code == 0
    assert "formatt" in err
    history = json.loads(tocsin("dataset", "contract", "history", "loans", "--json")[1])
    assert [(one["version"], one["reason"], one["changes"]) for one in history] == [(1, "", 0), (2, "be strict", 1)]
    found = json.loads(tocsin("dataset", "contract", "diff", "loans", "1", "2", "--json")[1])
    assert found == [{"column": None, "field": "strict", "old": False, "new": True}]


def test_many_missing_columns_are_named_together() -> None:
    missing = [Finding(name, "error", ABSENT) for name in "abcde"]
    others = [Finding("x", "error", "is empty"), Finding("y", "warning", "is odd")]
    assert errors_told([*others, *missing]) == "x: is empty; a, b, c and 2 more columns are missing"
    assert errors_told([*others, *missing[:2]]) == "x: is empty; a: is missing; b: is missing"
