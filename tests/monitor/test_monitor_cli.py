from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from console.cli.main import run
from core.clock import DAY, SharedClock
from core.home import Home
from core.monitor.labels import join, record
from core.monitor.verdict import daily
from tests.monitor.conftest import MODEL, START, Lab

Tocsin = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tocsin(home: Home, capsys: pytest.CaptureFixture[str]) -> Tocsin:
    """Run a command on the home, whose shared clock stands a day after the start."""
    SharedClock.create(home.clock_path, START + DAY)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["--home", str(home.path), *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def served(lab: Lab) -> Lab:
    """A version with a day of traffic, of which x has drifted, and labels for half of it."""
    draw = np.random.default_rng(1)
    lab.version({"x": draw.normal(size=4000).tolist(), "y": draw.normal(size=4000).tolist()})
    lab.deploy(1, START - DAY)
    lab.ask(1, {"x": draw.normal(2, 1, 800).tolist(), "y": draw.normal(size=800).tolist()}, START)
    truth = (draw.random(800) < 0.3).astype(int)
    lab.score(1, (0.2 + 0.4 * truth + 0.3 * draw.random(800)).tolist(), START)
    record(lab.desk, MODEL, [(f"r{n}", int(value), START) for n, value in enumerate(truth[:400])])
    join(lab.desk)
    return lab


def parsed(text: str) -> Any:
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def test_drift_show_names_the_drifted_input(served: Lab, tocsin: Tocsin) -> None:
    code, out, _ = tocsin("drift", "show", MODEL)
    lines = {line.split()[0]: line for line in out.splitlines()[2:]}
    assert code == 0
    assert lines["x"].endswith("drifted")
    assert lines["y"].endswith("stable")
    code, out, _ = tocsin("drift", "show", MODEL, "--json", "--check")
    assert code == 1
    report = parsed(out)[0]
    assert (report["version"], report["drifted"], report["to"]) == (1, ["x"], "2013-04-02T00:00:00Z")


def test_drift_history_tells_the_verdicts(served: Lab, tocsin: Tocsin) -> None:
    assert "no finished day yet" in tocsin("drift", "history", MODEL)[1]
    served.desk.clock.set(START + DAY)  # type: ignore[attr-defined]
    daily(served.desk)
    code, out, _ = tocsin("drift", "history", MODEL, "--json")
    assert code == 0
    assert parsed(out)[0]["verdict"] == "drifted, quality unaffected"
    assert "2013-04-01" in tocsin("drift", "history", MODEL)[1]


def test_drift_compare_says_no_with_exit_code_one(tocsin: Tocsin, tmp_path: Path) -> None:
    draw = np.random.default_rng(2)
    for name, shift in (("a", 0), ("b", 0), ("c", 2)):
        table = pa.table({"x": draw.normal(shift, 1, 2000), "y": draw.normal(size=2000)})
        pyarrow.csv.write_csv(table, tmp_path / f"{name}.csv")
    a, b, c = (str(tmp_path / f"{name}.csv") for name in "abc")
    assert tocsin("drift", "compare", a, b)[0] == 0
    code, out, _ = tocsin("drift", "compare", a, c, "--json")
    assert code == 1
    found = parsed(out)
    assert found["drifted"] == ["x"]
    assert {"psi", "js", "ks", "wasserstein", "chi_square", "n", "p", "adjusted"} <= found["columns"][0].keys()


def test_snapshots_are_compared_by_name(tocsin: Tocsin, lab: Lab, tmp_path: Path) -> None:
    from core.datasets import ingest

    draw = np.random.default_rng(3)
    for number in (1, 2):
        table = pa.table({"x": draw.normal(size=500), "at": pa.array(range(500), pa.timestamp("s", "UTC"))})
        path = tmp_path / f"{number}.csv"
        pyarrow.csv.write_csv(table, path)
        ingest.add(lab.desk, path, dataset="orders", time_column="at")
    code, out, _ = tocsin("drift", "compare", "orders/1", "orders", "--json")
    assert code == 0
    assert parsed(out)["columns"][0]["name"] == "x"
    assert tocsin("drift", "compare", "orders/1", "orders/9")[0] == 3
    assert tocsin("drift", "compare", "nowhere.csv", "orders")[0] == 3


def test_quality_show_gives_the_interval_and_the_coverage(served: Lab, tocsin: Tocsin) -> None:
    code, out, _ = tocsin("quality", "show", MODEL, "--json", "--threshold", "0.5")
    assert code == 0
    found = parsed(out)[0]
    assert (found["n"], found["predictions"], found["coverage"]) == (400, 800, 0.5)
    assert found["low"] <= found["auc"] <= found["high"]
    assert found["decisions"]["recall"] > 0.9
    assert "50.0%" in tocsin("quality", "show", MODEL)[1]
    assert "precision" in tocsin("quality", "show", MODEL, "--threshold", "0.5")[1].lower()


def test_quality_history_has_a_line_a_day(served: Lab, tocsin: Tocsin) -> None:
    code, out, _ = tocsin("quality", "history", MODEL)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["DAY", "2013-04-01"]
    assert parsed(tocsin("quality", "history", MODEL, "--json")[1])[0]["version"] == 1


def test_a_model_that_is_unknown_or_not_served_is_not_found(lab: Lab, tocsin: Tocsin) -> None:
    for noun in ("drift", "quality"):
        for verb in ("show", "history"):
            code, _, err = tocsin(noun, verb, "nobody")
            assert code == 3
            assert "hint:" in err
    lab.version({"x": [1.0, 2.0] * 50})
    assert tocsin("drift", "show", MODEL)[0] == 3


def test_labels_are_imported_once_and_counted(served: Lab, tocsin: Tocsin, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,label,at\nr500,1,2013-04-01T12:00:00Z\nr501,0,\nr502,,\nnobody,true,\n")
    code, out, _ = tocsin("label", "import", MODEL, str(path), "--yes", "--json")
    assert code == 0
    assert parsed(out) == {"rows": 3, "new": 3, "joined": 2, "contradicted": 0, "dry_run": False}
    again = parsed(tocsin("label", "import", MODEL, str(path), "--yes", "--json")[1])
    assert (again["new"], again["joined"]) == (0, 0)
    found = parsed(tocsin("label", "stats", MODEL, "--json")[1])
    assert (found["labels"], found["joined"], found["waiting"]) == (403, 402, 1)


def test_a_dry_run_and_an_unconfirmed_import_change_nothing(served: Lab, tocsin: Tocsin, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,label\nr500,1\n")
    assert tocsin("label", "import", MODEL, str(path), "--dry-run")[0] == 0
    assert tocsin("label", "import", MODEL, str(path))[0] == 2
    assert parsed(tocsin("label", "stats", MODEL, "--json")[1])["labels"] == 400


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,value\na,1\n", "no column 'label'"),
        ("id,label\na,1\nb,maybe\n", "line 3: the label 'maybe'"),
        ("id,label\n,1\n", "line 2: no id"),
        ("id,label,at\na,1,yesterday\n", "line 2: 'yesterday' is not a time"),
        ("", "no column 'id'"),
    ],
)
def test_a_bad_label_file_is_refused_whole_and_names_the_line(
    served: Lab, tocsin: Tocsin, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    code, _, err = tocsin("label", "import", MODEL, str(path), "--yes")
    assert code == 2
    assert said in err
    assert parsed(tocsin("label", "stats", MODEL, "--json")[1])["labels"] == 400
