from __future__ import annotations

import pytest

from core.clock import HOUR
from core.errors import BadInput
from core.incidents import postmortem, states
from core.incidents.investigate import investigate
from core.incidents.rows import incident
from tests.incidents.story import PAGED, Story


def test_the_blocks_tell_the_impact_the_versions_the_suspects_and_the_timeline(story: Story) -> None:
    number = story.bad_deploy()
    investigate(story.desk, number)
    states.ack(story.desk, number)
    text = postmortem.render(story.desk, number)
    assert "- time to detect: 18h" in text
    assert "Bad hours: 5 of 13" in text
    assert "Budget used: 3 % of 30 d" in text
    assert "| v1 | 0.7" in text
    assert "| v2 | 0.5" in text
    assert "1. deploy v1→v2 at 2013-04-14T00:00:00Z (unproven)" in text
    assert "| deploy.applied | v2; in place of v1 |" in text
    assert "acknowledged by ana" in text


def test_making_the_blocks_anew_keeps_every_word_that_people_wrote(story: Story) -> None:
    number = story.bad_deploy()
    text = postmortem.generate(story.desk, number)
    mine = (
        text.replace("Write here.", "We were lucky: it was a quiet Sunday.")
        + "\n- [ ] test the clock unit @ben due:2013-05-01\n"
    )
    postmortem.edit(story.desk, number, mine)
    story.applied(1, PAGED + HOUR, previous=2, kind="rollback")
    story.clock.set(PAGED + 2 * HOUR)
    again = postmortem.generate(story.desk, number)
    assert "rollback.applied" in again
    assert "rollback.applied" not in text
    assert "We were lucky: it was a quiet Sunday." in again
    assert again.index("We were lucky") > again.index("## Timeline")
    assert postmortem.render(story.desk, number) == postmortem.render(story.desk, number)


def test_a_block_that_people_removed_stays_removed(story: Story) -> None:
    number = story.bad_deploy()
    text = postmortem.render(story.desk, number)
    start, end = text.index("<!-- tocsin:begin steps"), text.index("<!-- tocsin:end steps -->")
    postmortem.edit(story.desk, number, text[:start] + text[end + len("<!-- tocsin:end steps -->") :])
    assert "Runbook steps" not in postmortem.generate(story.desk, number)


def test_actions_show_up_until_they_are_ticked(story: Story) -> None:
    number = story.bad_deploy()
    text = postmortem.render(story.desk, number)
    postmortem.edit(
        story.desk, number, text + "\n- [ ] parity test @ben due:2013-05-01\n- [x] roll back @ana\n- [ ] tell\n"
    )
    actions = postmortem.open_actions(story.desk)
    assert [(one.text, one.owner, one.due) for one in actions] == [
        ("parity test", "ben", "2013-05-01"),
        ("tell", "", ""),
    ]
    kept = incident(story.desk.store, number).postmortem or ""
    postmortem.edit(story.desk, number, kept.replace("- [ ] parity", "- [x] parity"))
    assert [one.text for one in postmortem.open_actions(story.desk)] == ["tell"]


def test_a_text_that_is_empty_or_lost_a_marker_is_refused_and_nothing_is_kept(story: Story) -> None:
    number = story.bad_deploy()
    text = postmortem.render(story.desk, number)
    for broken in ("  \n", text.replace("<!-- tocsin:end alerts -->", "")):
        with pytest.raises(BadInput):
            postmortem.edit(story.desk, number, broken)
    assert incident(story.desk.store, number).postmortem is None


def test_writing_the_postmortem_of_a_resolved_incident_moves_it_on(story: Story) -> None:
    number = story.bad_deploy()
    states.move(story.desk, number, "resolved")
    postmortem.generate(story.desk, number)
    assert incident(story.desk.store, number).state == "postmortem"
    states.move(story.desk, number, "closed")
