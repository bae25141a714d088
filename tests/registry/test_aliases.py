from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.desk import Desk
from core.errors import BadInput, NotFound
from core.ledger import timeline
from core.registry import aliases
from core.registry.versions import promote
from tests.serving.tiny import register

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _catalogue(desk: Desk) -> None:
    for number in (1, 2, 3):
        register(desk, number)


def test_an_alias_names_its_version_wherever_one_is_named(desk: Desk) -> None:
    assert aliases.point(desk, "m", "champion", 2)
    assert aliases.named(desk.store, "m@champion") == ("m", 2)
    assert aliases.named(desk.store, "m", "champion") == ("m", 2)
    assert aliases.named(desk.store, "m", "v3") == aliases.named(desk.store, "m@3") == ("m", 3)
    assert aliases.named(desk.store, "m") == aliases.named(desk.store, "m@latest") == ("m", None)
    aliases.point(desk, "m", "champion", 3)
    assert not aliases.point(desk, "m", "champion", 3)
    assert aliases.named(desk.store, "m@champion") == ("m", 3)
    told = [(event.version, event.data["before"]) for event in timeline(desk.store, kinds=["model.alias"])]
    assert told == [(2, None), (3, 2)]


def test_the_champion_is_what_is_in_production_until_somebody_names_another(desk: Desk) -> None:
    assert aliases.champion(desk.store, "m") is None
    promote(desk, "m", 1, "production")
    assert aliases.named(desk.store, "m@champion") == aliases.named(desk.store, "m@production") == ("m", 1)
    aliases.point(desk, "m", "champion", 2)
    champion = aliases.champion(desk.store, "m")
    assert champion is not None
    assert champion.version == 2


def test_a_name_that_could_be_a_number_or_stands_for_something_is_no_alias(desk: Desk) -> None:
    for name in ("3", "v3", "latest", "production", "Champion", "a b", ""):
        with pytest.raises(BadInput):
            aliases.point(desk, "m", name, 1)
    with pytest.raises(NotFound):
        aliases.point(desk, "m", "champion", 9)
    with pytest.raises(BadInput, match="names a version"):
        aliases.named(desk.store, "m@champion", "2")
    with pytest.raises(NotFound, match="called 'best'"):
        aliases.named(desk.store, "m@best")


@given(st.text(max_size=20))
def test_any_word_names_a_version_or_is_told_as_unknown(word: str) -> None:
    class Empty:
        def one(self, *_: object) -> dict[str, int]:
            return {"1": 1}

        def read(self, *_: object) -> list[object]:
            return []

    try:
        name, number = aliases.named(Empty(), "m", word)  # type: ignore[arg-type]
    except NotFound as error:
        assert error.hint
    else:
        assert name == "m"
        assert number is None or number >= 0


def test_aliases_from_the_command_line(desk: Desk, tocsin: Run) -> None:
    assert tocsin("model", "alias", "m", "champion", "2", "--dry-run")[1] == "would let m@champion stand for v2\n"
    assert tocsin("model", "alias", "m", "champion", "2", "--yes")[0] == 0
    assert json.loads(tocsin("model", "alias", "m", "--json")[1]) == [{"model": "m", "alias": "champion", "version": 2}]
    assert json.loads(tocsin("model", "show", "m@champion", "--json")[1])["version"] == 2
    assert tocsin("model", "promote", "m@champion", "staging", "--yes")[0] == 2
    assert tocsin("model", "promote", "m", "champion", "staging", "--yes")[0] == 0
    assert "aliases" in tocsin("model", "show", "m", "--version", "champion")[1]
    assert tocsin("model", "alias", "m", "champion", "--remove", "--yes")[0] == 0
    assert tocsin("model", "show", "m@champion")[0] == 3
    assert tocsin("model", "show", "m@best")[0] == 3
