from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.cli.main import run

Write = Callable[..., Path]
Loans = Callable[..., str]
Said = tuple[int, str, str]


@pytest.fixture
def tocsin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command on a home of its own: exit code, stdout, stderr."""

    def call(*argv: object) -> Said:
        code = run(["--home", str(tmp_path / "home"), "dataset", *map(str, argv)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def data(said: Said) -> Any:
    assert said[0] == 0, said
    return json.loads(said[1])


def test_a_file_is_added_listed_shown_and_profiled(tocsin: Callable[..., Said], loans_file: Path) -> None:
    added = data(tocsin("add", "loans", loans_file, "--time", "at", "--label", "default", "--json"))
    assert (added["snapshot"], added["rows"], added["new"]) == (1, 200, True)
    assert added["from"] == "2013-04-01T06:00:00Z"
    assert data(tocsin("list", "--json"))[0]["sha256"] == added["sha256"]
    shown = data(tocsin("show", "loans", "--json"))
    assert (shown["contract"], len(shown["snapshots"])) == (1, 1)
    columns = data(tocsin("profile", "loans", "--json"))["profile"]["columns"]
    assert columns["at"]["max"] == "2013-04-28T06:00:00Z"
    assert set(columns["grade"]["levels"]) == {"A", "B", "C"}
    for words in (("list",), ("show", "loans"), ("profile", "loans"), ("contract", "show", "loans")):
        code, out, _ = tocsin(*words)
        assert code == 0
        assert "loans" in out
    assert "all" in tocsin("profile", "loans")[1]


def test_the_same_file_twice_is_told(tocsin: Callable[..., Said], loans_file: Path) -> None:
    tocsin("add", "loans", loans_file)
    code, out, _ = tocsin("add", "loans", loans_file)
    assert code == 0
    assert "nothing new" in out


def test_a_dry_run_tells_and_writes_nothing(tocsin: Callable[..., Said], loans_file: Path, write: Write) -> None:
    code, out, err = tocsin("add", "loans", loans_file, "--dry-run")
    assert (code, "would add 200 rows" in out, "note: has no value" in err) == (0, True, True)
    assert data(tocsin("list", "--json")) == []
    tocsin("add", "loans", loans_file)
    code, _, err = tocsin("add", "loans", write("id\n1\n2\n", "bad.csv"), "--dry-run")
    assert (code, "income, grade" in err) == (1, True)
    assert data(tocsin("quarantine", "list", "--json")) == []


def test_a_refused_file_ends_in_one_and_is_listed_in_quarantine(
    tocsin: Callable[..., Said], loans_file: Path, write: Write, loans: Loans
) -> None:
    tocsin("add", "loans", loans_file)
    bad = write(loans(seed=2, income=100_000, start=200), "bad.csv")
    code, out, _ = tocsin("validate", "loans", bad, "--json")
    assert code == 1
    assert [finding["column"] for finding in json.loads(out)["findings"] if finding["severity"] == "error"] == [
        "income"
    ]
    code, _, err = tocsin("add", "loans", bad)
    assert code == 1
    assert err.splitlines()[-2].startswith("error: ")
    assert err.splitlines()[-1].startswith("hint: ")
    (entry,) = data(tocsin("quarantine", "list", "--json"))
    assert (entry["dataset"], entry["released"]) == ("loans", None)
    assert "income" in tocsin("quarantine", "list")[1]


def test_a_contract_is_printed_edited_and_set(
    tocsin: Callable[..., Said], loans_file: Path, write: Write, loans: Loans
) -> None:
    tocsin("add", "loans", loans_file)
    spec = data(tocsin("contract", "show", "loans", "--json"))
    spec["columns"][2]["max"] = 900.0
    edited = write(json.dumps(spec), "contract.json")
    code, _, err = tocsin("contract", "set", "loans", edited, "--dry-run")
    assert (code, "the latest snapshot would be refused: income: is above 900" in err) == (0, True)
    assert data(tocsin("show", "loans", "--json"))["contract"] == 1
    code, out, _ = tocsin("contract", "set", "loans", edited)
    assert (code, "version 2 is in force" in out) == (0, True)
    assert tocsin("validate", "loans", write(loans(seed=2, start=200), "later.csv"))[0] == 1
    code, out, _ = tocsin("contract", "infer", "loans")
    assert (code, "version 3 is in force" in out) == (0, True)
    assert tocsin("validate", "loans", write(loans(seed=2, start=200), "later.csv"))[0] == 0
    assert data(tocsin("contract", "show", "loans", "--version", 2, "--json")) == spec


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("show", "nothing"), 3, "no data set 'nothing'"),
        (("profile", "nothing"), 3, "no data set"),
        (("contract", "show", "nothing"), 3, "no contract of data set"),
        (("add", "loans", "nowhere.csv"), 3, "no file"),
        (("add", "loans", ".", "--delimiter", "ab"), 2, "cannot separate"),
        (("add", "loans", "."), 2, "is a folder"),
    ],
)
def test_errors_are_two_lines_and_an_exit_code(
    tocsin: Callable[..., Said], words: tuple[str, ...], code: int, says: str
) -> None:
    ended, out, err = tocsin(*words)
    assert (ended, out, len(err.splitlines())) == (code, "", 2)
    assert says in err


def test_a_contract_file_that_is_no_json_is_refused(tocsin: Callable[..., Said], write: Write) -> None:
    code, _, err = tocsin("contract", "set", "loans", write("columns: []", "contract.yaml"))
    assert code == 2
    assert "neither JSON nor TOML" in err


def test_a_folder_is_watched_listed_and_let_go(tocsin: Callable[..., Said], loans_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text("x")
    assert tocsin("watch", "loans", folder)[0] == 3
    tocsin("add", "loans", loans_file)
    assert "would be watched" in tocsin("watch", "loans", folder, "--dry-run")[1]
    assert data(tocsin("watch", "--list", "--json")) == []
    assert tocsin("watch", "loans", folder, "--quiet", "10s")[0] == 0
    listed = {"dataset": "loans", "folder": str(folder), "quiet_seconds": 10.0, "waiting": 1}
    assert data(tocsin("watch", "--list", "--json")) == [listed]
    assert "10s" in tocsin("watch", "--list")[1]
    assert tocsin("watch", "loans", folder, "--remove")[0] == 2
    assert "would no longer" in tocsin("watch", "loans", folder, "--remove", "--dry-run")[1]
    assert tocsin("watch", "loans", folder, "--remove", "--yes")[0] == 0
    assert tocsin("watch", "loans", folder, "--remove", "--yes")[0] == 3
    assert "no folder is watched" in tocsin("watch", "--list")[1]
    assert tocsin("watch", "loans")[0] == 2
