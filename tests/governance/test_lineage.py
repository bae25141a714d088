from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.clock import HOUR, SimClock
from core.datasets.ingest import Declared, take
from core.datasets.source import open_source
from core.desk import Desk
from core.endpoints import deploy, rows, verbs
from core.errors import BadInput, CheckFailed, NotFound
from core.governance.lineage import of_dataset, of_version
from core.governance.orphans import orphans
from core.governance.tree import Node, lines
from core.registry import aliases, approval, gate
from core.registry.retire import retire
from core.registry.versions import load_artefact, take_over, version, versions
from core.work import plan
from tests.gates.scene import REPORT, by, evaluate
from tests.gates.scene import version as train

Run = Callable[..., tuple[int, str, str]]


def serve(desk: Desk, number: int) -> None:
    one = deploy.request(desk, "prod", "m", number)
    with desk.write() as tx:
        tx.execute(rows.SET_APPLIED, (desk.now_us(), one.id))
        tx.execute("UPDATE outbox SET state = 'done' WHERE deployment = ?", (one.id,))
        take_over(desk, tx, "m", number)


@pytest.fixture
def served(desk: Desk, clock: SimClock, tmp_path: Path) -> Desk:
    """Two versions from one snapshot; the first was served and had an incident, the second is served now."""
    (tmp_path / "d.csv").write_text("at,x,late\n2013-03-30,1,0\n2013-03-31,2,1\n")
    taken = take(desk, open_source(tmp_path / "d.csv"), "d", Declared("at", "late", (), None)).snapshot
    verbs.add(desk, "prod", "http://127.0.0.1:1", "env:TOCSIN_TEST_TOKEN")
    train(desk)
    train(desk)
    with desk.write() as tx:
        tx.execute("UPDATE model_version SET snapshot_id = ?", (taken.id,))
    approval.approve(by(desk, "bo"), "m", 1, reason="looked")
    evaluate(desk, 1, **REPORT)
    serve(desk, 1)
    clock.advance(HOUR)
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO incident(key, title, severity, state, model, endpoint, family, impact_us, impact_origin, "
            "detected_us) "
            "VALUES ('k', 'AUC fell', 2, 'closed', 'm', 'prod', 'quality', ?, 'alert', ?)",
            (desk.now_us(), desk.now_us()),
        )
    clock.advance(HOUR)
    serve(desk, 2)
    return desk


def words(node: Node) -> list[str]:
    return [f"{node.kind} {node.name}", *(word for one in node.below for word in words(one))]


def test_a_versions_lineage_goes_from_its_file_to_its_incident(served: Desk, tmp_path: Path) -> None:
    told = words(of_version(served, "m", 1))
    for thing in ("snapshot d/1", "measured evaluation 1 (holdout)", "approved by bo", "deploy prod", "incident INC-1"):
        assert thing in told
    assert any(word.startswith("file") and "d.csv" in word for word in told)
    assert "incident INC-1" not in words(of_version(served, "m", 2))


def test_a_data_sets_lineage_names_what_stands_on_it(served: Desk) -> None:
    told = words(of_dataset(served, "d", 1))
    assert told == ["data set d", "snapshot d/1", "version m v1", "version m v2", "served on prod"]
    with pytest.raises(NotFound):
        of_dataset(served, "d", 2)
    with pytest.raises(NotFound):
        of_dataset(served, "nothing")


def test_a_tree_can_be_drawn_without_box_characters() -> None:
    root = Node("a", "1", {}, (Node("b", "2", {"n": 3, "none": None}, (Node("c", "3"),)), Node("d", "4")))
    assert [*lines(root)] == ["a 1", "├─ b 2 (n 3)", "│  └─ c 3", "└─ d 4"]
    assert all(line.isascii() for line in lines(root, ascii_only=True))


def test_what_is_served_queued_or_named_is_not_retired(served: Desk) -> None:
    with pytest.raises(CheckFailed, match="m v2 is served on prod"):
        retire(served, "m", reason="old")
    aliases.point(served, "m", "safe", 1)
    with pytest.raises(CheckFailed, match="m@safe"):
        retire(served, "m", 1, reason="old")
    aliases.remove(served, "m", "safe")
    deploy.rollback(served, "prod", "m", reason="worse")
    with pytest.raises(CheckFailed, match="waits to be served on prod"):
        retire(served, "m", 1, reason="old")
    assert [one.stage for one in versions(served.store, "m")] == ["archived", "production"]


def test_a_retired_version_keeps_its_file_and_is_never_deployed_again(served: Desk) -> None:
    with pytest.raises(BadInput, match="reason"):
        retire(served, "m", 1, reason="")
    assert [one.version for one in retire(served, "m", 1, reason="old")] == [1]
    assert retire(served, "m", 1, reason="old") == []
    assert load_artefact(served, "m", 1).version == 1
    with pytest.raises(CheckFailed, match="retired"):
        deploy.request(served, "prod", "m", 1)
    assert gate.in_force(served.store, "m") is None


def test_orphans_are_found_where_they_are(served: Desk) -> None:
    assert orphans(served) == []
    artefact = version(served.store, "m", 1).artefact
    retire(served, "m", 1, reason="old")
    verbs.add(served, "spare", "http://127.0.0.1:2", "env:TOCSIN_TEST_TOKEN")
    served.blobs.put(load_artefact(served, "m", 1).numbered(77).to_bytes())
    with served.write() as tx:
        tx.execute("UPDATE model_version SET stage = 'retired'")
        plan.add_schedule(tx, served.now_us(), "nightly", "drift", {"model": "m"}, "every 1h")
    assert [one.kind for one in orphans(served)] == ["served-retired", "unused-blob", "idle-endpoint", "schedule"]
    assert artefact[:12] not in [one.name for one in orphans(served)]


def test_lineage_retirement_and_orphans_from_the_command_line(served: Desk, tocsin: Run) -> None:
    out = tocsin("model", "lineage", "m@1", "--ascii")[1]
    assert out.isascii()
    assert "`- " in out
    assert json.loads(tocsin("model", "lineage", "m", "1", "--json")[1])["name"] == "m v1"
    assert json.loads(tocsin("dataset", "lineage", "d/1", "--json")[1])["below"][0]["name"] == "d/1"
    assert tocsin("dataset", "lineage", "d/x")[0] == 2
    assert tocsin("model", "orphans")[0] == 0
    assert tocsin("model", "retire", "m", "2", "--reason", "old", "--yes")[0] == 1
    assert tocsin("model", "retire", "m", "1", "--reason", "old", "--dry-run")[1] == "would retire m v1\n"
    assert tocsin("model", "retire", "m", "1", "--reason", "old", "--yes")[0] == 0
    assert tocsin("model", "retire", "m", "1", "--reason", "old", "--yes")[1] == "m is retired already\n"
