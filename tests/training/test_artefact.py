from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.training.artefact import Artefact, Feature, FeatureReference, Reference, ViewColumn

BOOSTER = "tree\nversion=v4\nmax_feature_idx=1\n"


def artefact(version: int = 1) -> Artefact:
    x = FeatureReference("number", (0.0, 1.0, 2.5), (), (0, 0, 0, 0, 3, 4), 1.5)
    carrier = FeatureReference("category", (), ("UA", "AA"), (1, 0, 0, 0, 4, 2), 1.0)
    return Artefact(
        model="flights",
        version=version,
        task="binary",
        label="arr_delay>=15",
        features=(Feature("x", "number"), Feature("carrier", "category", ("UA", "AA"))),
        view=(ViewColumn("x", "identity", "x"), ViewColumn("carrier", "identity", "carrier")),
        reference=Reference(7, {"x": x, "carrier": carrier}, (7,) + (0,) * 255, (5, 2), 3),
        threshold=0.25,
        importance={"x": 10.5, "carrier": 1.0},
        booster=BOOSTER,
    )


def test_a_model_file_survives_the_round_trip_and_its_hash_is_that_of_its_bytes() -> None:
    content = artefact().to_bytes()
    assert Artefact.from_bytes(content) == artefact()
    assert Artefact.from_bytes(content).to_bytes() == content
    assert artefact().sha256 == hashlib.sha256(content).hexdigest()
    assert artefact().numbered(2).sha256 != artefact().sha256


def test_the_reference_carries_the_bins_that_live_values_are_counted_in() -> None:
    entry = artefact().reference.features["x"]
    assert entry.bins.index(1.7) == 5
    assert entry.bins.size == len(entry.counts)


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    def remove(plain: dict[str, Any]) -> None:
        for name in path[:-1]:
            plain = plain[name]
        del plain[path[-1]]

    return remove


@pytest.mark.parametrize(
    "damage",
    [
        without("model"),
        without("reference", "features", "x"),
        without("reference", "features", "x", "edges"),
        lambda plain: plain.update(format=9),
        lambda plain: plain.update(booster="max_feature_idx=7\n"),
        lambda plain: plain.update(booster=None),
        lambda plain: plain["reference"]["score"].pop(),
        lambda plain: plain["reference"]["features"]["x"]["counts"].pop(),
        lambda plain: plain["reference"]["features"]["x"].update(edges=[1, 0, 2]),
        lambda plain: plain["features"][0].update(kind="picture"),
        lambda plain: plain["view"][0].update(column="gone"),
        lambda plain: plain["view"][0].update(op="exec"),
    ],
)
def test_a_model_file_that_does_not_fit_itself_is_refused(damage: Callable[[dict[str, Any]], None]) -> None:
    plain = json.loads(artefact().to_bytes())
    damage(plain)
    with pytest.raises(BadInput, match="damaged model file") as caught:
        Artefact.from_bytes(json.dumps(plain).encode())
    assert caught.value.hint


@given(st.integers(0, len(artefact().to_bytes()) - 1), st.binary(max_size=4))
@settings(max_examples=300, deadline=None)
def test_a_spoiled_byte_never_gives_anything_but_a_model_or_a_refusal(place: int, junk: bytes) -> None:
    content = artefact().to_bytes()
    try:
        found = Artefact.from_bytes(content[:place] + junk + content[place + 1 :])
    except BadInput:
        return
    assert isinstance(found, Artefact)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000])
def test_no_model_file_at_all_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput, match="damaged model file"):
        Artefact.from_bytes(content)
