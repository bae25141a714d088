from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.clock import parse_time
from core.datasets import load, rows
from core.datasets.verbs import set_contract
from core.desk import Desk
from core.errors import BadInput, NotFound
from core.features import declared, saved
from core.features.view import apply, compile_view
from core.ledger import timeline
from core.measures.comparison import judge
from core.monitor.drift import of_counts, scatter_of
from core.registry import versions
from core.registry.card import card
from core.registry.compare import compare
from core.serving.model import ServedModel
from core.training.artefact import Artefact
from core.training.booster import score_table
from core.training.job import train
from tests.features import plugins

Add = Callable[..., str]
VIEW = """name = "flight"
[[column]]
name = "x"
expression = "x"
[[column]]
name = "evening"
expression = "if(hour(seen, 'America/New_York') >= 17, 1, 0)"
[[column]]
name = "pair"
expression = "join(carrier, if(x > 0, 'up', 'down'))"
[[column]]
name = "wave"
expression = "cycle_sin(minute, 1440) * clip(x, -1, 1)"
"""
FUNCTIONS = """
[[column]]
name = "rush"
function = "rush"
inputs = ["minute", "carrier"]
[[column]]
name = "half"
function = "half"
inputs = ["x"]
"""


def save(desk: Desk, tmp_path: Path, text: str = VIEW) -> str:
    path = tmp_path / "view.toml"
    path.write_text(text)
    return saved.add(desk, declared.read(path))[0].text


def fit(desk: Desk, view: str = "flight", **args: Any) -> Artefact:
    request = {"model": "flights", "dataset": "flights", "label": "delay>=8", "rounds": 5, "view": view, **args}
    result = train(desk, request, lambda share, text="": None)
    return versions.load_artefact(desk, "flights", result["version"])


@pytest.fixture
def data(desk: Desk, add: Add) -> str:
    """A data set whose contract lets `seen`, a time, be read."""
    times = pa.array(parse_time("2013-01-01T00:30:00Z") + np.arange(900) * 3_600_000_000, pa.timestamp("us", "UTC"))
    add(seen=times, secret=[float(i % 7) for i in range(900)])
    contract = rows.contract(desk.store, "flights").contract
    uses = {"seen": "feature", "secret": "leak", "delay": "label"}
    columns = tuple(replace(column, use=uses.get(column.name, column.use)) for column in contract.columns)
    set_contract(desk, "flights", replace(contract, columns=columns))
    return "flights"


def requests(desk: Desk, artefact: Artefact) -> list[dict[str, Any]]:
    """The training rows as requests would send them."""
    table = load.load(desk, rows.snapshot(desk.store, "flights"))
    times = table.column("seen").cast(pa.string())
    table = table.set_column(table.column_names.index("seen"), "seen", times)
    names = [feature.name for feature in artefact.features]
    found: list[dict[str, Any]] = table.select(names).to_pylist()
    return found


def test_a_model_trained_on_a_view_serves_what_it_was_trained_on(desk: Desk, data: str, tmp_path: Path) -> None:
    assert save(desk, tmp_path) == "flight@1"
    artefact = fit(desk)
    assert {feature.name for feature in artefact.features} == {"x", "seen", "carrier", "minute"}
    assert [column.op for column in artefact.view] == ["identity", "expression", "expression", "expression"]
    pair = artefact.view[2]
    assert pair.kind == "category"
    assert set(pair.levels) == {f"{a}|{b}" for a in ("UA", "AA", "DL") for b in ("up", "down")}
    table = load.load(desk, rows.snapshot(desk.store, "flights"))
    asked, row = requests(desk, artefact), compile_view(artefact)
    one_by_one = np.array([row(inputs)[0] for inputs in asked])
    assert np.array_equal(apply(artefact.view, artefact.features, table), one_by_one, equal_nan=True)
    assert 0 < one_by_one[:, 1].mean() < 1
    served = ServedModel(artefact)
    for inputs in asked[:50]:
        served.places(inputs)
    scores = [served.answer(inputs)[0]["score"] for inputs in asked[:50]]
    assert scores == score_table(artefact, table.slice(0, 50)).tolist()


def test_the_view_is_on_record_in_parameters_ledger_card_and_comparison(desk: Desk, data: str, tmp_path: Path) -> None:
    save(desk, tmp_path)
    fit(desk)
    save(desk, tmp_path, VIEW.replace("17", "18"))
    fit(desk, "flight")
    fit(desk, "flight@1")
    used = [version.parameters["view"] for version in versions.versions(desk.store, "flights")]
    assert used == ["flight@1", "flight@2", "flight@1"]
    assert [event.data["view"] for event in reversed(timeline(desk.store, kinds=["model.registered"]))] in (
        used,
        used[::-1],
    )
    found = {difference.what: difference for difference in compare(desk, "flights", 1, 2).differences}
    assert "18" in found["view evening"].right
    assert "flight@1" in card(desk, "flights", 1)


def test_what_a_view_may_not_read_is_refused_by_name(desk: Desk, data: str, tmp_path: Path) -> None:
    for name, why in [
        ("secret", "a leak, known only after the event"),
        ("delay", "the label"),
        ("at", "the time of the event"),
        ("nosuch", "not in the data"),
    ]:
        text = VIEW + f'[[column]]\nname = "more"\nexpression = "missing({name})"\n'
        view = save(desk, tmp_path, text)
        with pytest.raises(BadInput) as said:
            fit(desk, view)
        assert f"{view}: column 'more' reads '{name}'" in said.value.message
        assert why in said.value.message
    with pytest.raises(NotFound):
        fit(desk, "nosuch")
    with pytest.raises(BadInput, match="a view names its columns"):
        fit(desk, "flight", encode={"minute": 1440})


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("x + carrier", "column 'more': position 5: this is a text"),
        ("log1p(-2 - x * x)", "column 'more': it is missing in every labelled row"),
        ("seen", "column 'more': 'seen' holds times"),
    ],
)
def test_a_column_that_cannot_be_learnt_says_why(
    desk: Desk, data: str, tmp_path: Path, expression: str, words: str
) -> None:
    with pytest.raises(BadInput) as said:
        fit(desk, save(desk, tmp_path, VIEW + f'[[column]]\nname = "more"\nexpression = "{expression}"\n'))
    assert words in said.value.message


def test_a_model_file_without_computed_columns_is_as_it_was(desk: Desk, data: str) -> None:
    artefact = fit(desk, "", exclude=["seen"])
    entries = json.loads(artefact.to_bytes())["view"]
    assert all(set(entry) == {"name", "op", "column", "period"} for entry in entries)


def test_a_view_changed_in_a_model_file_is_damage(desk: Desk, data: str, tmp_path: Path) -> None:
    save(desk, tmp_path)
    plain = fit(desk).to_bytes().decode()
    for old, new in [("join(carrier", "join(nosuch"), (">= 17, 1, 0)", ">= 17, 'a', 'b')"), ("hour(seen", "eval(seen")]:
        assert old in plain
        with pytest.raises(BadInput, match="damaged model file"):
            Artefact.from_bytes(plain.replace(old, new).encode())


def test_a_plugin_function_is_trained_and_served_alike(desk: Desk, data: str, tmp_path: Path, plugin: Path) -> None:
    save(desk, tmp_path, VIEW + FUNCTIONS)
    artefact = fit(desk)
    rush, half = artefact.view[-2:]
    assert (rush.kind, half.kind, rush.sha256) == ("category", "number", half.sha256)
    assert set(rush.levels) == {"early", "UA-late", "AA-late", "DL-late"}
    table = load.load(desk, rows.snapshot(desk.store, "flights"))
    row = compile_view(artefact)
    one_by_one = np.array([row(inputs)[0] for inputs in requests(desk, artefact)])
    assert np.array_equal(apply(artefact.view, artefact.features, table), one_by_one, equal_nan=True)


def test_another_source_of_a_function_is_another_version_and_refuses_the_old_model(
    desk: Desk, data: str, tmp_path: Path, plugin: Path
) -> None:
    first = save(desk, tmp_path, VIEW + FUNCTIONS)
    artefact = fit(desk)
    plugins.install(plugin, plugins.SOURCE.replace("EDGE = 600", "EDGE = 700"))
    with pytest.raises(BadInput, match="the installed feature function 'rush' has the source"):
        ServedModel(artefact)
    with pytest.raises(BadInput, match="column 'rush': the installed feature function 'rush' has the source"):
        fit(desk, first)
    assert save(desk, tmp_path, VIEW + FUNCTIONS) == "flight@2"
    assert Artefact.from_bytes(artefact.to_bytes()) == artefact


def test_a_function_that_fails_is_named_with_what_it_was_given(
    desk: Desk, data: str, tmp_path: Path, plugin: Path
) -> None:
    text = VIEW + '[[column]]\nname = "bad"\nfunction = "broken"\ninputs = ["minute"]\n'
    with pytest.raises(BadInput, match=r"column 'bad': the feature function 'broken' failed on \[.*ZeroDivisionError"):
        fit(desk, save(desk, tmp_path, text))
    with pytest.raises(NotFound, match="there is no feature function 'nosuch'"):
        save(desk, tmp_path, text.replace("broken", "nosuch"))


def test_an_endpoint_refuses_a_model_whose_function_it_does_not_have(
    desk: Desk, data: str, tmp_path: Path, plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.endpoints import deploy, verbs
    from core.endpoints.deliver import deliver
    from tests.serving.tiny import TOKEN, serving

    monkeypatch.setenv("TOCSIN_TEST_TOKEN", TOKEN)
    save(desk, tmp_path, VIEW + FUNCTIONS)
    fit(desk)
    with serving(tmp_path / "shelf", desk.clock) as served:
        plugins.install(plugin, plugins.SOURCE.replace("EDGE = 600", "EDGE = 700"))
        verbs.add(desk, "prod", served.url, "env:TOCSIN_TEST_TOKEN")
        deploy.request(desk, "prod", "flights", 1, reason="try")
        [refused] = deliver(desk)
        assert refused.state == "failed"
        assert "the installed feature function 'rush' has the source" in refused.error
        plugins.install(plugin)
        deploy.request(desk, "prod", "flights", 1, reason="try again")
        assert [one.state for one in deliver(desk)] == ["applied"]


def test_a_time_that_is_read_does_not_drift_by_itself_but_its_absence_does(
    desk: Desk, data: str, tmp_path: Path
) -> None:
    save(desk, tmp_path)
    reference = fit(desk).reference
    entry = reference.features["seen"]
    assert (entry.levels, sum(entry.counts)) == ((), 890)
    live = [[f"2014-01-0{day}T05:00:00Z" for day in range(1, 8)] * 50, [None] * 350]
    found = [of_counts("seen", entry, entry.bins.count(each), scatter_of(reference, entry)) for each in live]
    later, gone = judge(found, 0.01)
    assert (later.psi < 0.01, later.significant, later.drifted) == (True, False, False)
    assert (gone.missing_rate, gone.missing_jumped) == (1.0, True)
