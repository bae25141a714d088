from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotFound, StoreUnusable
from core.ledger import timeline
from core.registry.card import card
from core.registry.compare import compare
from core.registry.served import served
from core.registry.versions import Draft, load_artefact, models, promote, register, take_over, version, versions
from core.training.artefact import Artefact, Feature, FeatureReference, Reference, ViewColumn

METRICS = {
    "auc": 0.7,
    "auc_low": 0.68,
    "auc_high": 0.72,
    "logloss": 0.5,
    "brier": 0.16,
    "base_rate": 0.25,
    "n": 100,
    "positives": 25,
    "fit_rows": 300,
    "rows": 400,
    "unlabelled": 3,
    "holdout_from_us": 0,
    "holdout_days": 3.0,
}
PARAMETERS = {"snapshot": "flights/1", "holdout_from_us": 0, "rounds": 100, "encode": {}}


def draft(
    *, run_id: int | None = None, label: str = "late", view: Sequence[ViewColumn] = (), **parameters: Any
) -> Draft:
    columns = tuple(view) or (ViewColumn("x", "identity", "x"),)
    entry = FeatureReference("number", (0.0, 1.0), (), (40, 0, 0, 0, 360), 2.5)
    artefact = Artefact(
        model="flights",
        version=0,
        task="binary",
        label=label,
        features=(Feature("x", "number"),),
        view=columns,
        reference=Reference(400, {"x": entry}, (0,) * 256, (300, 100), 12),
        threshold=0.3,
        importance={column.name: 1.0 for column in columns},
        booster=f"max_feature_idx={len(columns) - 1}\n",
    )
    return Draft(artefact, None, "flights/1", run_id, "c0de", {"python": "3.11"}, {**PARAMETERS, **parameters}, METRICS)


def serve(desk: Desk, endpoint: str, number: int) -> None:
    """An endpoint that has applied a version, as a delivery leaves it."""
    now = desk.now_us()
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO endpoint(name, adapter, url, token_ref, added_us) VALUES (?, 'embedded', '', '', ?) "
            "ON CONFLICT DO NOTHING",
            (endpoint, now),
        )
        tx.execute(
            "INSERT INTO deployment(endpoint, model, version, kind, state, requested_us, applied_us) "
            "VALUES (?, 'flights', ?, 'deploy', 'applied', ?, ?)",
            (endpoint, number, now, now),
        )
        take_over(desk, tx, "flights", number)


def stages(desk: Desk) -> list[str]:
    return [found.stage for found in versions(desk.store, "flights")]


def test_versions_are_numbered_in_order_and_the_number_is_part_of_the_file(desk: Desk) -> None:
    first, second = register(desk, draft()), register(desk, draft())
    assert (first.version, second.version) == (1, 2)
    assert first.artefact != second.artefact
    assert load_artefact(desk, "flights", 2).version == 2
    assert load_artefact(desk, "flights").sha256 == second.artefact


def test_two_runs_that_race_for_a_number_get_two(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    put, raced = desk.blobs.put, []

    def put_while_another_registers(content: bytes) -> str:
        if not raced:
            raced.append(True)
            register(desk, draft(run_id=1))
        return put(content)

    monkeypatch.setattr(desk.blobs, "put", put_while_another_registers)
    late = register(desk, draft(run_id=2))
    assert late.version == 2
    assert [found.run_id for found in versions(desk.store)] == [1, 2]
    assert load_artefact(desk, "flights", 2).version == 2


def test_a_run_registers_once(desk: Desk) -> None:
    assert register(desk, draft(run_id=4)) == register(desk, draft(run_id=4))
    assert len(timeline(desk.store, kinds=["model.registered"])) == 1


def test_a_refused_version_leaves_nothing_in_the_registry(desk: Desk) -> None:
    register(desk, draft())
    with pytest.raises(BadInput, match="predicts 'late'"):
        register(desk, draft(label="cancelled"))
    assert len(versions(desk.store)) == 1
    assert len(timeline(desk.store)) == 1


def test_production_holds_one_version_and_the_one_before_is_archived(desk: Desk) -> None:
    for _ in range(2):
        register(desk, draft())
    promote(desk, "flights", 1, "production")
    promote(desk, "flights", 2, "production")
    assert stages(desk) == ["archived", "production"]
    assert models(desk.store)[0].production == 2
    told = [(e.version, e.data["from"], e.data["stage"]) for e in timeline(desk.store, kinds=["model.promoted"])]
    assert told == [(1, "candidate", "production"), (1, "production", "archived"), (2, "candidate", "production")]


def test_promoting_to_the_stage_it_is_in_changes_nothing(desk: Desk) -> None:
    register(desk, draft())
    promote(desk, "flights", 1, "production")
    promote(desk, "flights", 1, "production")
    assert len(timeline(desk.store, kinds=["model.promoted"])) == 1


def test_what_an_endpoint_serves_stays_in_production_beside_the_newer_one(desk: Desk) -> None:
    for _ in range(2):
        register(desk, draft())
    serve(desk, "a", 1)
    serve(desk, "b", 1)
    assert stages(desk) == ["production", "candidate"]
    serve(desk, "a", 2)
    assert stages(desk) == ["production", "production"]
    assert [(each.endpoint, each.version) for each in served(desk.store, "flights")] == [("a", 2), ("b", 1)]
    with pytest.raises(CheckFailed, match="served on b"):
        promote(desk, "flights", 1, "archived")
    serve(desk, "b", 2)
    assert stages(desk) == ["archived", "production"]


def test_a_version_moves_along_its_stages_only(desk: Desk) -> None:
    register(desk, draft())
    assert promote(desk, "flights", 1, "staging").stage == "staging"
    promote(desk, "flights", 1, "production")
    with pytest.raises(BadInput, match="is production and cannot become candidate"):
        promote(desk, "flights", 1, "candidate")
    with pytest.raises(BadInput, match="not promoted out of service"):
        promote(desk, "flights", 1, "retired")
    with pytest.raises(BadInput, match="no stage"):
        promote(desk, "flights", 1, "best")


def test_unknown_models_and_versions_are_not_found_with_a_hint(desk: Desk) -> None:
    for ask in (lambda: version(desk.store, "nobody"), lambda: versions(desk.store, "nobody")):
        with pytest.raises(NotFound, match="nobody") as caught:
            ask()
        assert caught.value.hint
    register(desk, draft())
    with pytest.raises(NotFound, match="no version 9"):
        version(desk.store, "flights", 9)
    with pytest.raises(NotFound):
        promote(desk, "flights", 9, "production")


def test_a_damaged_or_missing_model_file_is_told_and_not_used(desk: Desk) -> None:
    path = desk.blobs.path(register(desk, draft()).artefact)
    path.write_bytes(path.read_bytes().replace(b"late", b"soon"))
    with pytest.raises(StoreUnusable, match="damaged"):
        load_artefact(desk, "flights")
    path.unlink()
    with pytest.raises(NotFound, match="missing"):
        load_artefact(desk, "flights")


def test_a_registry_without_models_is_empty(desk: Desk) -> None:
    assert models(desk.store) == []
    assert versions(desk.store) == []


def test_a_card_says_what_how_good_from_what_and_what_happened(desk: Desk) -> None:
    register(desk, draft())
    promote(desk, "flights", 1, "production")
    text = card(desk, "flights")
    for said in ("`late`", "0.7000 (0.6800 to 0.7200)", "flights/1", "| x | number | 100.0% | 10.0% | 2.5 |", "c0de"):
        assert said in text
    assert "model.promoted by ana" in text


def test_comparing_tells_every_difference_and_whether_the_rows_were_the_same(desk: Desk) -> None:
    waves = [ViewColumn(f"x.{op}", f"cyclic_{op}", "x", 1440.0) for op in ("sin", "cos")]
    register(desk, draft())
    register(desk, draft(view=waves, rounds=50))
    found = compare(desk, "flights", 1, 2)
    assert found.metrics["auc"] == (0.7, 0.7)
    told = {difference.what: (difference.left, difference.right) for difference in found.differences}
    assert told["rounds"] == ("100", "50")
    assert told["view x.sin"] == ("absent", "cyclic_sin over 1440")
    assert "same hold-out rows" in found.caution
    register(desk, draft(snapshot="flights/2"))
    assert "different rows" in compare(desk, "flights", 1, 3).caution
