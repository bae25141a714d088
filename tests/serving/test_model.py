from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.serving.booster import Booster, try_out
from core.serving.model import Refused, ServedModel
from tests.serving.tiny import LEVELS, artefact

NUMBERS = st.one_of(st.none(), st.integers(), st.floats(), st.sampled_from([*artefact().reference.features["a"].edges]))
TEXTS = st.one_of(st.none(), st.sampled_from(LEVELS), st.text(max_size=3))


@lru_cache
def served() -> ServedModel:
    return ServedModel(artefact())


def largest(value: Any) -> bool:
    return isinstance(value, (int, float)) and value == value and not -1.7e308 < value < 1.7e308


@given(st.fixed_dictionaries({}, optional={"a": NUMBERS, "b": NUMBERS, "c": TEXTS}))
def test_every_input_falls_where_the_references_bins_put_it(inputs: dict[str, Any]) -> None:
    if any(largest(value) for value in inputs.values()):
        return
    bins = artefact().reference.features
    assert served().places(inputs) == [bins[name].bins.index(inputs.get(name)) for name in "abc"]
    answer, missing = served().answer(inputs)
    assert 0 < answer["score"] < 1
    assert missing == any(inputs.get(name) is None or inputs[name] != inputs[name] for name in "abc")


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c", "d"]), st.one_of(st.booleans(), st.floats(), st.text(), st.lists(st.none()))
    )
)
def test_whatever_is_sent_is_placed_or_refused_by_name(inputs: dict[str, Any]) -> None:
    try:
        places = served().places(inputs)
    except Refused as refused:
        assert refused.field.removeprefix("inputs.") in inputs
        assert refused.status == 400
    else:
        assert all(0 <= place < size for place, size in zip(places, served().sizes, strict=True))


def test_one_row_scores_as_lightgbm_does_missing_values_included() -> None:
    import lightgbm

    own, theirs = Booster(artefact().booster, 3), lightgbm.Booster(model_str=artefact().booster)
    for row in ([0.5, 3.0, 1.0], [-2.0, math.nan, 0.0], [math.nan] * 3, [1e300, -1e300, 99.0]):
        assert own.score(row) == theirs.predict([row])[0]


def test_a_text_that_would_end_the_process_ends_only_its_trial() -> None:
    text = artefact().booster
    for cut in range(0, text.index("end of trees"), 300):
        with pytest.raises(BadInput):
            try_out(text[:cut], 3)
    with pytest.raises(BadInput, match="3 columns"):
        try_out(text, 4)
    try_out(text, 3)
