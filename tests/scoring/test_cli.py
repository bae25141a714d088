from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.desk import Desk
from core.scoring import rows

Run = Callable[..., tuple[int, str, str]]


def test_a_dry_run_says_what_would_be_scored_and_does_nothing(trained: Desk, tocsin: Run) -> None:
    code, out, _ = tocsin("score", "flights@1", "flights", "--compare", "2", "--dry-run")
    assert code == 0
    assert out == "would score 900 rows of flights/1 by flights version 1 and version 2\n"
    assert rows.scores(trained.store) == []


def test_scored_listed_shown_and_compared(trained: Desk, tocsin: Run, tmp_path: Path) -> None:
    trained.home.settings_path.write_text("[quota]\nprice_per_cpu_hour = 0.5\n")
    out_path = tmp_path / "out.parquet"
    code, out, err = tocsin("score", "flights@1", "flights", "--compare", "2", "--out", str(out_path), "--json")
    assert code == 0, err
    result = json.loads(out.splitlines()[-1])
    assert (result["rows"], result["out"], result["currency"]) == (900, str(out_path), "EUR")
    assert result["cost_per_1000_rows"] > 0
    assert out_path.read_bytes() == trained.blobs.read(result["output"])
    code, out, _ = tocsin("score", "list", "--json")
    assert [one["version"] for one in json.loads(out)] == [2, 1]
    code, out, _ = tocsin("score", "show", "1")
    assert code == 0
    assert str(trained.blobs.path(result["output"])) in out
    code, out, _ = tocsin("score", "compare", "1", "2")
    assert code == 0
    assert out.splitlines()[1].split()[:3] == ["1", "flights", "v1"]
    assert "decisions change" in out
    code, out, _ = tocsin("score", "compare", "1", "2", "--json")
    assert json.loads(out) == result["comparison"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("flights@x", "flights"), 2, "names no number"),
        (("flights@7", "flights"), 3, "no version 7"),
        (("flights", "flights/7"), 3, "no snapshot 7"),
        (("flights", "flights", "--keep", "gone"), 2, "no column 'gone'"),
        (("flights", "flights", "--resume"), 3, "nothing like that was begun"),
        (("flights", "flights", "--out", "/nowhere/at/all.parquet"), 2, "no place for a file"),
        (("show", "4"), 3, "no scoring 4"),
        (("compare", "4", "5"), 3, "no scoring 4"),
    ],
)
def test_what_cannot_be_done_is_said_in_two_lines(
    trained: Desk, tocsin: Run, words: tuple[str, ...], code: int, said: str
) -> None:
    found, _, err = tocsin("score", *words)
    assert found == code
    assert said in err
    assert len(err.splitlines()) == 2
    assert rows.scores(trained.store) == []


def test_a_file_in_the_way_is_replaced_only_where_that_is_asked_for(trained: Desk, tocsin: Run, tmp_path: Path) -> None:
    out = tmp_path / "mine.parquet"
    out.write_bytes(b"mine")
    code, _, err = tocsin("score", "flights", "flights", "--out", str(out))
    assert (code, out.read_bytes()) == (2, b"mine")
    assert "exists" in err
    assert tocsin("score", "flights", "flights", "--out", str(out), "--yes")[0] == 0
    assert out.read_bytes()[:4] == b"PAR1"
