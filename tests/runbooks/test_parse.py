from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.home import Home
from core.runbooks.conditions import Condition
from core.runbooks.library import applying, runbook, runbooks, shipped
from core.runbooks.parse import parse

FRONT = "---\nid: mine\nversion: 1\nowner: ana\nreviewed: 2026-01-01\ninputs:\n  model: {}\n---\n# Mine\n\n"


def book(*blocks: str, front: str = FRONT) -> str:
    """A runbook's text of the YAML of its steps."""
    return front + "\n".join(f"## A step\n\nBecause.\n\n```step\n{block}\n```\n" for block in blocks)


def test_the_starter_runbooks_are_sound_and_the_bad_deploy_walk_has_the_promised_order(home: Home) -> None:
    found, faults = runbooks(home)
    assert faults == []
    assert {one.id for one in found} == {"bad-deploy", "endpoint-down"}
    steps = [(one.id, one.type) for one in runbook(home, "bad-deploy").steps]
    assert steps == [
        ("what-fires", "check"),
        ("first-suspect", "check"),
        ("old-version", "check"),
        ("roll-back", "action"),
        ("applied", "check"),
        ("recovered", "check"),
        ("postmortem", "action"),
        ("escalate-or-not", "decision"),
    ]


def test_title_why_and_line_come_from_the_markdown_around_a_step() -> None:
    step = parse(book("id: one\ntype: manual"), "mine.md").steps[0]
    assert (step.title, step.why, step.line, step.next_pass) == ("A step", "Because.", 15, "end")


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("id: one\ntype: check\nrun: deploy rollback {model} --on x", "make it an action"),
        ("id: one\ntype: check\nrun: rm -rf /", "cannot run `rm -rf`"),
        ("id: one\ntype: check\nrun: inc show {who}", "{who} is no input"),
        ("id: one\ntype: check\nrun: inc show 1\nargv: [ls]", "exactly one of"),
        ("id: one\ntype: check\nrun: inc show 'a", "cannot be read"),
        ("id: one\ntype: manual\nnext: {pass: nowhere}", "no step 'nowhere'"),
        ("id: one\ntype: manual\nargv: [ls]", "cannot run anything"),
        ("id: one\ntype: guess", "needs an id and a type"),
        ("id: one\ntype: manual\nshell: ls", "no field 'shell'"),
        ("id: one\ntype: decision", "choices if and only if"),
        ("id: one\ntype: decision\nchoices: [{name: a, next: end, when: ['__import__(1)']}]", "is no condition"),
        ("id: one\ntype: check\nrun: inc show 1\ntimeout: 5s", "only argv can keep"),
        ("id: one\ntype: action\nargv: [ls]\nrisk: total", "risk 'total' is not known"),
        ("id: one\ntype: manual\nwhy: [", "this is no YAML"),
    ],
)
def test_every_fault_is_named_with_its_file_and_line_and_a_next_step(block: str, told: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(book(block), "mine.md")
    assert refused.value.message.startswith("mine.md: line ")
    assert told in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# no front matter",
        "---\nid: x\n",
        "---\nid: Bad Id\nversion: 1\nowner: a\nreviewed: b\n---\n```step\nid: a\ntype: manual\n```",
        "---\nid: x\nversion: 0\nowner: a\nreviewed: b\n---\n```step\nid: a\ntype: manual\n```",
        FRONT,
        FRONT + "```step\nid: a\n",
        book("id: one\ntype: manual", "id: one\ntype: manual"),
        "x" * 300_000,
    ],
)
def test_a_file_that_is_no_runbook_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput):
        parse(text, "mine.md")


@given(st.text(max_size=400))
def test_no_text_at_all_gives_anything_but_a_runbook_or_bad_input(text: str) -> None:
    for candidate in (text, FRONT + "```step\n" + text + "\n```\n", f"---\n{text}\n---\n```step\nid: a\n```"):
        try:
            parse(candidate, "any.md")
        except BadInput as error:
            assert error.message.startswith("any.md: ")


def test_conditions_compare_numbers_as_numbers_and_what_nobody_found_holds_never() -> None:
    facts = {"auc": 0.61, "class": "model", "offered": True, "n": 10}
    assert Condition.parse("auc >= 0.6").holds(facts)
    assert not Condition.parse("n < 9").holds(facts)
    assert Condition.parse("class == model").holds(facts)
    assert Condition.parse("class in data, model").holds(facts)
    assert Condition.parse("offered == true").holds(facts)
    assert not Condition.parse("missing != 1").holds(facts)
    with pytest.raises(BadInput):
        Condition.parse("class > model")


def test_the_homes_own_runbook_stands_before_a_shipped_one_of_the_same_name(home: Home) -> None:
    home.runbooks_path.mkdir()
    text = shipped()[0].text.replace("owner: on-call", "owner: us")
    (home.runbooks_path / "bad-deploy.md").write_text(text)
    assert runbook(home, "bad-deploy").owner == "us"
    assert len(runbooks(home)[0]) == 2


def test_the_runbook_that_says_most_about_what_it_applies_to_is_chosen(home: Home) -> None:
    home.runbooks_path.mkdir()
    front = FRONT.replace("inputs:", "applies: {alerts: [quality], model: [late], versions: [2]}\ninputs:")
    (home.runbooks_path / "mine.md").write_text(book("id: one\ntype: manual", front=front))
    chosen = [
        applying(home, "quality", "late", 2),
        applying(home, "quality", "late", 1),
        applying(home, "cost", "a", 1),
    ]
    assert [one.id if one else None for one in chosen] == ["mine", "bad-deploy", None]


def test_one_faulty_file_hides_no_other_runbook(home: Home) -> None:
    home.runbooks_path.mkdir()
    (home.runbooks_path / "broken.md").write_bytes(b"---\nnothing")
    (home.runbooks_path / "binary.md").write_bytes(b"\xff\xfe\x00")
    found, faults = runbooks(home)
    assert {one.id for one in found} == {"bad-deploy", "endpoint-down"}
    assert len(faults) == 2
