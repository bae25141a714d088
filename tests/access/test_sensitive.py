from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.cli.main import run
from core.access.sensitive import MASKED, WAYS, Vault
from core.actors import verbs as access
from core.clock import DAY, SimClock
from core.datasets import rows as datasets
from core.datasets.contract import Column, Contract
from core.desk import Desk
from core.endpoints import sensitive
from core.endpoints.adapter import Batch
from core.endpoints.ingest import add_batches
from core.errors import BadInput, CheckFailed, NotAllowed, NotFound
from core.home import Home
from core.ledger import timeline
from core.monitor import samples, skew
from tests.serving.tiny import register

PLACE = ("sample", "name", "m/1")
CANARY = "Ada Lovelace 1815"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    return Vault(Home(tmp_path_factory.mktemp("vault")).prepare())


def declare(desk: Desk, ways: dict[str, str | None], model: str = "m") -> None:
    """A data set `d` whose contract declares these columns, and a model trained on it."""
    columns = tuple(Column(name, "text", "feature", sensitive=way) for name, way in ways.items())
    with desk.write() as tx:
        datasets.insert_contract(tx, "d", Contract(columns), desk.now_us())
        if datasets.by_content(tx, "d", "f") is None:
            values = dict.fromkeys(("time_column", "time_from_us", "time_to_us", "contract_id"))
            plain = {"dataset": "d", "sha256": "f", "blob": "", "source": "", "rows": 0, "columns": {}, "profile": {}}
            made = datasets.insert_snapshot(tx, {**plain, **values, "created_us": 0})
            tx.execute("UPDATE model_version SET snapshot_id = ? WHERE model = ?", (made.id, model))


def take(desk: Desk, *inputs: dict[str, Any], prefix: str = "r") -> None:
    rows = [(f"{prefix}{n}", desk.now_us() + n, "m", 1, 0.5, each) for n, each in enumerate(inputs)]
    with desk.write() as tx:
        add_batches(tx, Vault(desk.home), "prod", [Batch(1, 0, [], [], rows)])


def back(desk: Desk) -> list[dict[str, Any]]:
    now = desk.now_us()
    return [one.inputs for one in reversed(samples.window(desk.store, "m", "prod", 1, now, now + DAY))]


def stored(desk: Desk) -> list[dict[str, Any]]:
    return [json.loads(row["inputs"]) for row in desk.store.read("SELECT inputs FROM sample ORDER BY id")]


def on_disk(home: Home) -> bytes:
    return b"".join(path.read_bytes() for path in home.path.rglob("*") if path.is_file())


@pytest.fixture(autouse=True)
def _model(desk: Desk) -> None:
    register(desk, 1)


@given(value=VALUES)
def test_what_is_sealed_opens_as_it_was(vault: Vault, value: Any) -> None:
    key = vault.current()
    text = vault.seal(key, PLACE, value)
    assert vault.open(key, PLACE, text) == value
    assert vault.seal(key, PLACE, value) != text


@given(value=VALUES, place=st.tuples(st.text(), st.text(), st.text()), other=st.tuples(st.text(), st.text(), st.text()))
def test_what_is_sealed_opens_nowhere_else(vault: Vault, value: Any, place: Any, other: Any) -> None:
    key = vault.current()
    text = vault.seal(key, place, value)
    if other != place:
        with pytest.raises(CheckFailed, match="does not open"):
            vault.open(key, other, text)
    with pytest.raises(CheckFailed):
        vault.open(vault.add(), place, text)


@given(value=VALUES, at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_one_changed_byte_is_noticed(vault: Vault, value: Any, at: int, flip: int) -> None:
    import base64

    key = vault.current()
    raw = bytearray(base64.b64decode(vault.seal(key, PLACE, value)))
    raw[at % len(raw)] ^= flip
    with pytest.raises(CheckFailed):
        vault.open(key, PLACE, base64.b64encode(raw).decode())


@given(text=st.text())
def test_what_was_never_sealed_is_refused(vault: Vault, text: str) -> None:
    with pytest.raises(CheckFailed):
        vault.open(vault.current(), PLACE, text)


@given(left=VALUES, right=VALUES)
def test_tokens_are_equal_for_equal_values_of_one_column_alone(vault: Vault, left: Any, right: Any) -> None:
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert (vault.token("c", left) == vault.token("c", right)) == same
    assert vault.token("c", left) != vault.token("d", left)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4), min_size=1, max_size=4),
    ways=st.dictionaries(st.sampled_from("abcd"), st.sampled_from(WAYS), max_size=4),
    turns=st.integers(0, 2),
)
def test_only_what_is_declared_changes_and_encrypted_inputs_come_back_through_rotations(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], ways: dict[str, str], turns: int
) -> None:
    with opened(tmp_path_factory.mktemp("home")) as desk:
        register(desk, 1)
        declare(desk, dict(ways))
        take(desk, *rows)
        for _ in range(turns):
            sensitive.rotate(desk)
        for given_, shown, kept in zip(rows, back(desk), stored(desk), strict=True):
            assert shown.keys() == given_.keys() == kept.keys()
            for name, value in given_.items():
                way = None if value is None else ways.get(name)
                if way in (None, "encrypt"):
                    assert shown[name] == value
                assert kept[name] == value if way is None else way != "encrypt" or kept[name] is None
                if way == "mask":
                    assert shown[name] == MASKED


@contextmanager
def opened(folder: Path) -> Iterator[Desk]:
    desk = Desk.open(Home(folder).prepare(), actor="ana", clock=SimClock(DAY))
    with closing(desk.store):
        yield desk


def test_a_sensitive_value_is_nowhere_on_disk_and_the_keys_are_outside_the_store(desk: Desk) -> None:
    declare(desk, {"a": "mask", "b": "token", "c": "encrypt", "d": None})
    take(desk, {"a": CANARY, "b": CANARY, "c": CANARY, "d": "plain"})
    assert CANARY.encode() not in on_disk(desk.home)
    key = (desk.home.path / "keys" / "data-1.key").read_bytes()
    assert key not in desk.home.store_path.read_bytes()
    assert (desk.home.path / "keys" / "data-1.key").stat().st_mode & 0o077 == 0
    shown = back(desk)[0]
    assert (shown["a"], shown["c"], shown["d"]) == (MASKED, CANARY, "plain")
    assert shown["b"].startswith("tok_")


def test_a_column_declared_later_is_protected_from_then_on_and_missing_stays_missing(desk: Desk) -> None:
    declare(desk, {"a": None})
    take(desk, {"a": "x"})
    declare(desk, {"a": "mask"})
    take(desk, {"a": "x"}, {"a": None}, {}, prefix="s")
    assert stored(desk) == [{"a": "x"}, {"a": MASKED}, {"a": None}, {}]


def test_a_sealed_value_moved_to_another_row_does_not_open(desk: Desk) -> None:
    declare(desk, {"a": "encrypt"})
    take(desk, {"a": "poor"}, {"a": "rich"})
    with desk.write() as tx:
        tx.execute("UPDATE sample SET sealed = (SELECT sealed FROM sample WHERE request_id = 'r1')")
    with pytest.raises(CheckFailed, match="moved from another row"):
        back(desk)


def test_rotation_seals_all_anew_deletes_the_older_key_and_leaves_an_event(desk: Desk) -> None:
    declare(desk, {"a": "encrypt"})
    rows = [{"a": f"v{n}"} for n in range(1100)]
    take(desk, *rows)
    before = {row["sealed"] for row in desk.store.read("SELECT sealed FROM sample")}
    done = sensitive.rotate(desk)
    assert (done.key, done.samples, done.forgotten) == (2, 1100, [1])
    after = desk.store.read("SELECT sealed, sealed_key FROM sample")
    assert {row["sealed_key"] for row in after} == {2}
    assert before.isdisjoint(row["sealed"] for row in after)
    assert back(desk) == rows
    assert Vault(desk.home).numbers() == [2]
    assert timeline(desk.store, kinds=["secret."])[-1].data == {"key": 2}


def test_a_rotation_that_died_loses_nothing_and_the_next_one_ends_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(desk, {"a": "encrypt"})
    take(desk, *[{"a": n} for n in range(600)])
    once = iter([True])
    reseal = sensitive._reseal_some

    def dies(*args: Any) -> int:
        if next(once, False):
            return reseal(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(sensitive, "_reseal_some", dies)
    with pytest.raises(KeyboardInterrupt):
        sensitive.rotate(desk)
    assert Vault(desk.home).numbers() == [1, 2]
    assert [row["a"] for row in back(desk)] == list(range(600))
    monkeypatch.undo()
    assert sensitive.rotate(desk).samples == 600
    assert Vault(desk.home).numbers() == [3]
    assert [row["a"] for row in back(desk)] == list(range(600))


def test_without_the_key_the_samples_say_which_one_is_missing(desk: Desk) -> None:
    declare(desk, {"a": "encrypt"})
    take(desk, {"a": "x"})
    (desk.home.path / "keys" / "data-1.key").unlink()
    with pytest.raises(NotFound, match=r"data-1\.key"):
        back(desk)


def test_versions_are_not_scored_on_inputs_that_were_not_kept(desk: Desk) -> None:
    declare(desk, {"a": "token"})
    take(desk, {"a": "x"})
    with desk.write() as tx:
        tx.execute("INSERT INTO label(model, request_id, value, at_us) VALUES ('m', 'r0', 1, 0)")
    with pytest.raises(CheckFailed, match="keep no values of a"):
        skew.would_help(desk, "m", "prod", 1, 1, desk.now_us() + DAY)


def test_a_contract_names_only_ways_there_are() -> None:
    column = {"name": "a", "type": "text", "use": "feature"}
    assert Contract.from_json({"columns": [{**column, "sensitive": "token"}]}).columns[0].sensitive == "token"
    assert Contract.from_json({"columns": [column]}).columns[0].sensitive is None
    with pytest.raises(BadInput, match="sensitive"):
        Contract.from_json({"columns": [{**column, "sensitive": "hash"}]})


def test_only_an_admin_rotates(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    access.grant(desk, "ana", "admin")
    access.grant(desk, "olu", "operator")
    with pytest.raises(NotAllowed):
        sensitive.rotate(replace(desk, actor="olu"))
    assert Vault(desk.home).numbers() == []
    monkeypatch.setenv("TOCSIN_ACTOR", "ana")
    assert run(["--home", str(desk.home.path), "secret", "rotate", "--dry-run"]) == 0
    assert run(["--home", str(desk.home.path), "secret", "rotate", "--yes"]) == 0
    assert Vault(desk.home).numbers() == [1]
