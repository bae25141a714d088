from __future__ import annotations

import json
import math

import pytest

from core.desk import Desk
from core.evaluation.explain import explain
from core.evaluation.overall import explanations
from core.evaluation.shapley import shapley
from core.training.booster import load_booster
from core.training.find import load_artefact
from tests.evaluation.conftest import fit
from tests.evaluation.test_job import Run, run
from tests.evaluation.test_weak import scored


def test_base_and_contributions_add_up_to_what_the_booster_says(trained: Desk) -> None:
    from core.features.view import apply

    fit(trained, encode={"x": 3})
    artefact, table = load_artefact(trained, "flights"), scored(trained).table.slice(0, 50)
    parts, base = shapley(artefact, table)
    assert parts.shape == (50, 3), "both columns of a cycle belong to one input"
    said = load_booster(artefact).predict(apply(artefact.view, artefact.features, table), raw_score=True)
    assert (base + parts.sum(axis=1)).tolist() == pytest.approx(said.tolist(), abs=1e-9)


def test_an_explained_score_is_the_served_one_and_is_led_by_the_input_that_matters(trained: Desk) -> None:
    found = explain(trained, "flights", None, {"x": 2.5, "carrier": "UA"})
    [part] = found.parts
    assert found.score == part.score == pytest.approx(1 / (1 + math.exp(-part.total)))
    assert part.total == pytest.approx(part.base + sum(part.contributions.values()))
    assert next(iter(part.contributions)) == "x"
    assert part.contributions["x"] > 0.5


def test_globally_x_leads_and_pushes_up(trained: Desk) -> None:
    found = explanations(scored(trained), 1)["global"]
    assert found[0]["feature"] == "x"
    assert found[0]["direction"] > 0.6
    assert sum(one["share"] for one in found) == pytest.approx(1)
    (carrier,) = (one for one in found if one["feature"] == "carrier")
    assert {carrier["up"], carrier["down"]} <= {"AA", "UA", "DL", "ZZ"}
    assert run(trained)["explanations"] == {"global": found}


def test_the_command_explains_a_row_inputs_and_a_kept_request(trained: Desk, tocsin: Run) -> None:
    code, out, err = tocsin("explain", "flights", "--row", "flights/1:7")
    assert code == 0, err
    assert "base" in out
    code, out, _ = tocsin("explain", "flights", "--inputs", '{"x": 1, "carrier": null}', "--json")
    assert json.loads(out)["contributions"][0]["input"] == "x"
    with trained.write() as tx:
        tx.execute(
            "INSERT INTO sample(model, endpoint, version, request_id, at_us, score, inputs) "
            "VALUES ('flights', 'gate', 1, 'r1', 0, 0.5, json_object('x', 1))"
        )
    code, out, _ = tocsin("explain", "flights", "--request", "r1", "--json")
    assert json.loads(out)["version"] == 1


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ([], 2),
        (["--row", "flights"], 2),
        (["--row", "flights/1:99999"], 3),
        (["--inputs", "[1]"], 2),
        (["--inputs", "{"], 2),
        (["--inputs", '{"y": 1}'], 2),
        (["--request", "gone"], 3),
        (["--inputs", "{}", "--row", "flights:1"], 2),
    ],
)
def test_what_cannot_be_explained_ends_with_two_lines(trained: Desk, tocsin: Run, args: list[str], code: int) -> None:
    found, out, err = tocsin("explain", "flights", *args)
    assert (found, out) == (code, "")
    assert err.startswith("error: ")
    assert "hint: " in err
