from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.cli.main import run
from core.desk import Desk
from core.errors import BadInput
from core.search import find, take_in_logs
from core.work import plan

INCIDENT = """INSERT INTO incident(key, title, severity, state, model, endpoint, family, impact_us, impact_origin,
detected_us)
VALUES (?, ?, 1, 'closed', 'churn', 'e', 'quality', 0, 'detected', 5)"""


def told(desk: Desk) -> None:
    """One incident with a note and a postmortem, and one failed job with a log."""
    with desk.write() as tx:
        tx.execute(INCIDENT, ("a", "Quality of churn fell"))
        desk.record(tx, "incident.noted", incident=1, data={"text": "the Uhr läuft in minutes"})
        desk.record(tx, "deploy.applied", data={"text": "nobody searches this"})
        job = plan.request_run(tx, 0, "train", {}, "r")
        tx.execute("UPDATE incident SET postmortem = 'The clock was in HHMM.' WHERE id = 1")
        tx.execute("UPDATE run SET state = 'failed', ended_us = 9, attempt = 1 WHERE id = ?", (job,))
    (desk.home.logs_path / "job-1.log").write_bytes(b"reading rows\n\xff\0 MemoryError: no room for the clock\n")


def test_words_are_found_in_incidents_postmortems_notes_and_logs(desk: Desk) -> None:
    told(desk)
    assert take_in_logs(desk) == 1
    assert [(hit.kind, hit.number) for hit in find(desk.store, "quality")] == [("incident", 1)]
    assert [(hit.kind, hit.number, hit.at_us) for hit in find(desk.store, "LAUFT minut")] == [
        ("note", 1, desk.now_us())
    ]
    assert {(hit.kind, hit.number) for hit in find(desk.store, "clock")} == {("incident", 1), ("log", 1)}
    assert [hit.text for hit in find(desk.store, "memoryerror", kinds=["log"])] == [
        "reading rows � MemoryError: no room for the clock"
    ]
    assert find(desk.store, "searches") == []
    assert find(desk.store, "clock nowhere") == []


def test_a_log_is_taken_in_once_and_anew_when_its_job_ran_again(desk: Desk) -> None:
    told(desk)
    assert [take_in_logs(desk), take_in_logs(desk)] == [1, 0]
    (desk.home.logs_path / "job-1.log").write_text("all is well")
    with desk.write() as tx:
        tx.execute("UPDATE run SET attempt = 2, state = 'succeeded'")
    assert take_in_logs(desk) == 1
    assert find(desk.store, "MemoryError") == []
    assert [hit.text for hit in find(desk.store, "well")] == ["all is well"]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=40))
def test_no_text_is_read_as_a_query_language(desk: Desk, text: str) -> None:
    try:
        find(desk.store, text.encode("utf-8", "ignore").decode())
    except BadInput as error:
        assert error.message == "there is no word to find"


def test_the_command_finds_says_so_and_names_what_it_cannot(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    told(desk)
    at = ["--home", str(desk.home.path)]
    assert run([*at, "find", "clock", "--in", "log", "--json"]) == 0
    (hit,) = json.loads(capsys.readouterr().out)
    assert (hit["kind"], hit["number"]) == ("log", 1)
    assert run([*at, "find", "clock"]) == 0
    assert "INC-1" in capsys.readouterr().out
    assert run([*at, "find", "zebra"]) == 0
    assert capsys.readouterr().out == "nothing holds these words\n"
    assert run([*at, "find", "--", "-"]) == 2
    assert run([*at, "find", "clock", "--in", "moon"]) == 2
    desk.home.settings_path.write_text("read_only = true\n")
    assert run([*at, "find", "clock"]) == 0
