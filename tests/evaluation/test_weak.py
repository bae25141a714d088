from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from core.desk import Desk
from core.evaluation.conditions import conditions
from core.evaluation.plan import Asked
from core.evaluation.robustness import robustness
from core.evaluation.rows import Scored, gather_rows
from core.evaluation.weakest import weakest


def scored(desk: Desk) -> Scored:
    return gather_rows(desk, Asked.of({"model": "flights"}), lambda _: None)


def made(rows: Scored, seed: int, n: int = 6000, *, weak: bool = False) -> Scored:
    """Rows drawn anew whose labels follow the scores alone; with `weak` not those of UA with a low x."""
    draw = np.random.default_rng(seed)
    x, carrier = draw.normal(size=n), draw.choice(["UA", "AA", "DL", "ZZ"], n)
    table = pa.table({"x": x, "noise": draw.normal(size=n), "carrier": carrier.tolist()})
    scores = draw.beta(2, 2, n)
    chance = np.where((carrier == "UA") & (x < 0) & weak, 0.5, scores)
    times = np.sort(draw.integers(0, 60, n)) * 86_400_000_000
    labels = (draw.uniform(size=n) < chance).astype(float)
    return replace(rows, table=table, scores=scores, labels=labels, times=times)


def test_in_noise_alone_a_slice_is_found_no_oftener_than_stated(trained: Desk) -> None:
    rows, found = scored(trained), 0
    for seed in range(100):
        found += bool(weakest(made(rows, seed, 3000), 100))
    assert found <= 11, f"{found} of 100 draws of noise had a slice; 5 are stated, 11 is its 99 % point"


def test_a_planted_slice_of_two_conditions_is_found(trained: Desk) -> None:
    found = weakest(made(scored(trained), 1, 12_000, weak=True), 100)
    assert found
    assert all("carrier=UA" in one["where"] or "x" in one["where"] for one in found)
    pairs = [one for one in found if "carrier=UA and x<" in one["where"] or "and carrier=UA" in one["where"]]
    assert pairs
    assert pairs[0]["low"] <= 0.5 <= pairs[0]["high"]
    assert all(one["p"] < 0.05 for one in found)


def test_the_conditions_of_an_input_share_out_its_rows(trained: Desk) -> None:
    rows = made(scored(trained), 3)
    rows = replace(rows, table=rows.table.set_column(0, "x", pa.array([None, -99.0, 99.0, *[0.0] * 5997])))
    known = {one.text: one.mask for one in conditions(rows)}
    levels = [mask for text, mask in known.items() if text.startswith("carrier")]
    assert (np.sum(levels, axis=0) == 1).all()
    cuts = [text for text in known if text.startswith("x<")]
    assert len(cuts) == 7
    for text in cuts:
        assert (known[text] ^ known[text.replace("<", ">=")] ^ known["x is missing"]).all()
        assert known[text].tolist()[:3] == [False, True, False], "missing, far below, far above"


def test_too_few_rows_have_no_weak_slice(trained: Desk) -> None:
    assert weakest(made(scored(trained), 0, 150), 100) == []


def test_losing_the_best_input_hurts_most_and_more_noise_more(trained: Desk) -> None:
    found = robustness(scored(trained), 100, 1, lambda _: None)
    assert found["missing"][0]["feature"] == "x"
    assert found["missing"][0]["low"] > 0.05
    noise = {one["noise"]: one["drop"] for one in found["noise"] if one["feature"] == "x"}
    assert noise[0.5] > noise[0.1]
    for kind in ("missing", "noise", "out_of_range"):
        assert {one["feature"] for one in found[kind]} == {"x", "noise", "carrier"}
        assert all(one["low"] <= one["drop"] <= one["high"] for one in found[kind])
        assert all(one["auc"] == pytest.approx(found["auc"] - one["drop"]) for one in found[kind])


def test_the_stretch_with_the_strangest_inputs_comes_first(trained: Desk, add: Callable[..., None]) -> None:
    rows = made(scored(trained), 2)
    x = rows.table.column("x").to_numpy().copy()
    x[3000:3500] += 3
    rows = replace(rows, table=rows.table.set_column(0, "x", pa.array(x)))
    found = robustness(rows, 400, 1, lambda _: None)["shifted"]
    assert len(found) == 3
    assert found[0]["psi"] > 2 * found[1]["psi"]
