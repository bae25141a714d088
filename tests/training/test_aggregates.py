from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.clock import DAY, HOUR, parse_time
from core.datasets import load, rows
from core.desk import Desk
from core.errors import BadInput, NotFound
from core.features import declared, saved
from core.features.events import event_times
from core.features.join import complete
from core.registry import versions
from core.training.artefact import Artefact
from core.training.booster import score_table
from core.training.job import train

Add = Callable[..., str]
VIEW = """name = "flight"
stale_after = "1d"
[[column]]
name = "x"
expression = "x"
[[column]]
name = "worse"
expression = "if(carrier_late > 0.4, x, 0)"
[[aggregate]]
name = "carrier_late"
from = "flights"
key = ["carrier"]
value = "delay >= 8"
how = "mean"
over = "2d"
known = "landed"
"""


def save(desk: Desk, tmp_path: Path, text: str = VIEW) -> str:
    path = tmp_path / "view.toml"
    path.write_text(text)
    return saved.add(desk, declared.read(path))[0].text


@pytest.fixture
def data(add: Add) -> str:
    landed = pa.array(parse_time("2013-01-01") + np.arange(900) * HOUR + 90 * 60_000_000, pa.timestamp("us", "UTC"))
    return add(landed=landed)


def fit(desk: Desk, **args: Any) -> Artefact:
    request = {"model": "flights", "dataset": "flights", "label": "delay>=8", "rounds": 5, "view": "flight", **args}
    result = train(desk, request, lambda share, text="": None)
    return versions.load_artefact(desk, "flights", result["version"])


def test_a_model_learns_from_what_other_rows_were_known_to_be(desk: Desk, data: str, tmp_path: Path) -> None:
    save(desk, tmp_path)
    artefact = fit(desk)
    assert [feature.name for feature in artefact.features] == ["x", "carrier", "carrier_late"]
    assert [column.name for column in artefact.view] == ["x", "worse", "carrier_late"]
    assert artefact.lookups is not None
    assert (artefact.lookups.text, artefact.lookups.stale_after_us) == ("flight@1", DAY)
    assert Artefact.from_bytes(artefact.to_bytes()) == artefact
    parameters = versions.version(desk.store, "flights", 1).parameters
    assert (parameters["view"], parameters["sources"]) == ("flight@1", {"flights": 1})


def test_a_snapshot_is_completed_with_what_was_known_and_no_more(desk: Desk, data: str, tmp_path: Path) -> None:
    save(desk, tmp_path)
    artefact = fit(desk)
    table = load.load(desk, rows.snapshot(desk.store, "flights"))
    times = event_times(table, "at", "flights")
    whole = complete(desk, artefact.lookups, table, times, {})
    late = whole.column("carrier_late").to_pylist()
    carriers, delays = table.column("carrier").to_pylist(), table.column("delay").to_pylist()
    for row in (0, 1, 50, 899):
        # Landed an hour and a half after its time: the row before is not known yet, the one before that is.
        known = [i for i in range(max(0, row - 49), row - 1) if carriers[i] == carriers[row] and delays[i] is not None]
        wanted = sum(delays[i] >= 8 for i in known) / len(known) if known else None
        assert late[row] == wanted
    assert len(score_table(artefact, whole)) == 900
    plain = table.drop_columns(["x"])
    assert complete(desk, None, plain, times, {}) is plain


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('key = ["carrier"]', 'key = ["delay"]', "reads 'delay', which is the label"),
        ('key = ["carrier"]', 'key = ["nosuch"]', "flights has no column 'nosuch'"),
        ('name = "carrier_late"', 'name = "minute"', "the data has a column of that name"),
        ('over = "2d"', 'over = "1s"', "is missing in every labelled row"),
    ],
)
def test_a_view_that_does_not_fit_is_told_before_it_fits(
    desk: Desk, data: str, tmp_path: Path, old: str, new: str, words: str
) -> None:
    save(desk, tmp_path, VIEW.replace("carrier_late >", "x >").replace(old, new))
    with pytest.raises(BadInput) as said:
        fit(desk)
    assert words in said.value.message


def test_a_source_that_is_not_there_is_not_found(desk: Desk, data: str, tmp_path: Path) -> None:
    save(desk, tmp_path, VIEW.replace('from = "flights"', 'from = "nosuch"'))
    with pytest.raises(NotFound):
        fit(desk)


def test_a_model_without_aggregates_says_nothing_of_them(desk: Desk, data: str, tmp_path: Path) -> None:
    save(desk, tmp_path, VIEW[: VIEW.index('[[column]]\nname = "worse"')])
    artefact = fit(desk)
    assert artefact.lookups is None
    assert "lookups" not in json.loads(artefact.to_bytes())
