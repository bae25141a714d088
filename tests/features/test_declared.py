from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.desk import Desk
from core.errors import BadInput, NotFound
from core.features import declared, saved

VIEW = """name = "flight"
[[column]]
name = "evening"
expression = "if(hour >= 17, 1, 0)"
[[aggregate]]
name = "origin_late_1d"
from = "flights"
key = ["origin"]
value = "arr_delay >= 15"
how = "mean"
over = "1d"
delay = "6h"
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def _write(text: str) -> Path:
        path = tmp_path / "view.toml"
        path.write_text(text)
        return path

    return _write


def test_a_view_file_is_read_with_its_aggregates(write: Callable[[str], Path]) -> None:
    view = declared.read(write(VIEW))
    assert view.column[0].expression == "if(hour >= 17, 1, 0)"
    (late,) = view.aggregate
    assert (late.source, late.key, late.over_us, late.delay_us) == (
        "flights",
        ("origin",),
        86_400_000_000,
        6 * 3_600_000_000,
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "flight"', 'name = "Flight!"', "name: 'Flight!'"),
        ("expression", "expresion", "expresion"),
        ('how = "mean"', 'how = "median"', "$.aggregate[0].how"),
        ('over = "1d"', 'over = "1 day"', "aggregate 'origin_late_1d': field 'over': '1 day' is not a span"),
        ('name = "origin_late_1d"', 'name = "evening"', "column 'evening': the name is there twice"),
        ('expression = "if(hour >= 17, 1, 0)"', "", "column 'evening': it needs an expression"),
        ('expression = "if(hour >= 17, 1, 0)"', 'function = "rush"', "column 'evening': inputs are missing"),
        ('key = ["origin"]', 'key = "origin"', "$.aggregate[0].key"),
        ('delay = "6h"', 'delay = "6h"\nknown = "at"', "known and delay both say"),
        ('value = "arr_delay >= 15"', 'value = "arr_delay >="', "field 'value': position"),
        ('name = "flight"', 'name = "flight"\nstale_after = "soon"', "field 'stale_after': 'soon' is not a span"),
        ("[[column]]", "[[column", "view.toml"),
        ("(hour >= 17, 1, 0)", "(hour >> 17, 1, 0)", "column 'evening': position 4: this is not of the language"),
    ],
)
def test_what_does_not_fit_is_named(write: Callable[[str], Path], old: str, new: str, words: str) -> None:
    with pytest.raises(BadInput) as said:
        declared.read(write(VIEW.replace(old, new)))
    assert words in said.value.message


def test_the_same_content_twice_is_one_version(desk: Desk, write: Callable[[str], Path]) -> None:
    first, new = saved.add(desk, declared.read(write(VIEW)))
    again, twice = saved.add(desk, declared.read(write("# told otherwise\n" + VIEW)))
    other, _ = saved.add(desk, declared.read(write(VIEW.replace("17", "18"))))
    assert (new, twice, first, other.version) == (True, False, again, 2)
    assert saved.saved_view(desk.store, "flight") == other
    assert saved.saved_view(desk.store, "flight@1") == first
    kinds = [row["kind"] for row in desk.store.read("SELECT kind FROM event")]
    assert kinds.count("feature.saved") == 2


def test_canonical_json_reads_back(write: Callable[[str], Path]) -> None:
    pinned = declared.pin(declared.read(write(VIEW)))
    assert declared.from_json(pinned.to_json()) == pinned
    assert pinned.sha256 == declared.from_json(pinned.to_json()).sha256


def test_unknown_views_are_not_found(desk: Desk) -> None:
    for text in ("flight", "flight@3"):
        with pytest.raises(NotFound):
            saved.saved_view(desk.store, text)
    with pytest.raises(BadInput):
        saved.saved_view(desk.store, "flight@new")


def test_the_commands_save_list_and_show(tocsin: Run, write: Callable[[str], Path]) -> None:
    file = str(write(VIEW))
    assert tocsin("feature", "add", file, "--dry-run")[1].startswith("would save feature view flight")
    assert tocsin("feature", "add", file, "--yes")[1].startswith("saved flight@1")
    assert tocsin("feature", "add", file, "--yes")[1] == "flight@1 is this view already\n"
    (found,) = json.loads(tocsin("feature", "list", "--json")[1])
    assert (found["name"], found["version"], found["columns"][0]["name"]) == ("flight", 1, "evening")
    assert (
        "mean of arr_delay >= 15 over 1d by origin from flights, known after 6h"
        in tocsin("feature", "show", "flight")[1]
    )
    assert tocsin("feature", "show", "nosuch")[0] == 3
