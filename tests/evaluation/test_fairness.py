from __future__ import annotations

import pytest

from core.desk import Desk
from core.errors import BadInput
from tests.evaluation.test_job import Run, run


def test_groups_are_judged_from_the_least_rows_on_and_smaller_ones_named(trained: Desk) -> None:
    (found,) = run(trained, by=["carrier"], least=180)["fairness"]  # type: ignore[misc, attr-defined]
    names = [one["group"]["carrier"] for one in [*found["groups"], *found["unjudged"]]]
    assert sorted(names) == ["AA", "DL", "UA", "ZZ"]
    assert all(one["n"] >= 180 for one in found["groups"])
    assert all(one["n"] < 180 for one in found["unjudged"])
    assert found["unjudged"], "the draw has one group below 180"


def test_every_rate_is_the_one_counted_by_hand_and_the_gap_is_that_between_the_ends(trained: Desk) -> None:
    (found,) = run(trained, by=["carrier"], least=50)["fairness"]  # type: ignore[misc, attr-defined]
    for name in ("selection_rate", "tpr", "fpr", "calibration"):
        values = [one[name]["value"] for one in found["groups"]]
        assert found["gaps"][name]["value"] == pytest.approx(max(values) - min(values))
        assert found["gaps"][name]["low"] <= found["gaps"][name]["value"] <= found["gaps"][name]["high"]
    worst = min(found["groups"], key=lambda one: one["tpr"]["value"])
    assert worst["group"] == {"carrier": "ZZ"}, "of which nothing can be said"


def test_intersections_split_every_group(trained: Desk) -> None:
    found = run(trained, by=["carrier", "carrier,late"], least=1)["fairness"]
    assert [len(one["groups"]) for one in found] == [4, 8]  # type: ignore[attr-defined]
    both = found[1]["groups"][0]  # type: ignore[index]
    assert both["group"] == {"carrier": "AA", "late": "0"}
    assert both["tpr"] == {"value": None, "low": None, "high": None}, "there are no positives among the negatives"


@pytest.mark.parametrize(("by", "words"), [("nothing", "no column"), ("noise", "groups"), (",", "no column")])
def test_a_column_that_makes_no_groups_is_refused(trained: Desk, by: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        run(trained, by=[by])


def test_the_command_prints_groups_and_gaps(trained: Desk, tocsin: Run) -> None:
    code, out, err = tocsin("evaluate", "flights", "--by", "carrier", "--least", "180")
    assert code == 0, err
    assert "greatest gaps: selection rate" in out
    assert "not judged" in out
