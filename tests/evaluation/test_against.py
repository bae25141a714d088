from __future__ import annotations

from collections.abc import Callable

import pytest

from core.desk import Desk
from core.errors import BadInput
from tests.evaluation.conftest import fit
from tests.evaluation.test_job import Run, run


def test_a_version_does_not_differ_from_itself(trained: Desk) -> None:
    found = run(trained, against=1)["against"]
    assert all(one["value"] == one["low"] == one["high"] == 0 for one in found["difference"].values())  # type: ignore[index]
    assert found["difference"]["auc"]["p"] == 1  # type: ignore[index]
    assert "do not tell" in found["means"]  # type: ignore[index]


def test_a_version_that_lacks_the_best_input_is_found_worse_on_the_same_rows(trained: Desk) -> None:
    fit(trained, exclude=["x"])
    found = run(trained, version=2, against=1)["against"]
    assert found["version"] == 1  # type: ignore[index]
    auc = found["difference"]["auc"]  # type: ignore[index]
    assert auc["high"] < 0
    assert auc["p"] < 1e-6
    assert auc["delong_high"] < 0
    assert "Version 2 ranks worse than version 1" in found["means"]  # type: ignore[index]
    swapped = run(trained, version=1, against=2)["against"]["difference"]["auc"]  # type: ignore[index]
    assert swapped["value"] == -auc["value"]


def test_a_rival_that_has_seen_the_rows_is_not_compared_on_them(trained: Desk, add: Callable[..., None]) -> None:
    add(4000, "2013-01-15", 5)
    fit(trained)
    with pytest.raises(BadInput, match="was fitted on some of these rows"):
        run(trained, version=1, against=2, snapshot="flights/2")
    assert run(trained, version=2, against=1)["against"]["version"] == 1, "its rows all came before"  # type: ignore[index]


def test_the_command_says_what_the_comparison_means(trained: Desk, tocsin: Run) -> None:
    fit(trained, exclude=["x"])
    code, out, err = tocsin("evaluate", "flights", "--against", "1")
    assert code == 0, err
    assert "ranks worse" in out


def test_card_and_comparison_show_the_newest_report(trained: Desk) -> None:
    from core.registry.card import card
    from core.registry.compare import compare

    assert "## Evaluation" not in card(trained, "flights")
    fit(trained, exclude=["x"])
    assert compare(trained, "flights", 1, 2).paired == ""
    run(trained, version=2, against=1, by=["carrier"])
    assert "ranks worse than version 1" in compare(trained, "flights", 1, 2).paired
    told = card(trained, "flights", 2)
    assert "(holdout)" in told
    assert "| average precision |" in told
    assert "selection rate gap" in told
