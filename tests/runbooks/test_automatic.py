from __future__ import annotations

from dataclasses import replace

import pytest

from core import ledger
from core.clock import HOUR
from core.endpoints import deploy
from core.incidents import states
from core.incidents.investigate import investigate
from core.runbooks.automatic import Rolled, consider
from core.settings import AutoRollback, Settings
from tests.incidents.story import BAD, ENDPOINT, MODEL, PAGED, Story


def set_to(story: Story, mode: str, **rule: int) -> None:
    """Choose the settings."""
    rules = AutoRollback(mode=mode, **rule)  # type: ignore[arg-type]
    story.desk = replace(story.desk, settings=Settings(auto_rollback=rules))


def paged(story: Story, mode: str, **rule: int) -> int:
    """A bad deploy's incident under these settings."""
    set_to(story, mode, **rule)
    number = story.bad_deploy()
    investigate(story.desk, number)
    return number


def withheld(story: Story) -> list[str]:
    """The reasons written for not rolling back."""
    return [event.data["reason"] for event in ledger.timeline(story.desk.store, kinds=("rollback.withheld",))]


def asked(story: Story) -> int:
    """How many rollbacks were asked for."""
    return sum(one.kind == "rollback" for one in deploy.history(story.desk.store, ENDPOINT, MODEL))


def test_a_page_whose_first_suspect_is_a_deploy_is_rolled_back_once(story: Story) -> None:
    number = paged(story, "on")
    assert consider(story.desk) == Rolled(number, 2, 1)
    (one, *_) = deploy.history(story.desk.store, ENDPOINT, MODEL)
    assert (one.kind, one.version, one.automatic, one.incident) == ("rollback", 1, True, number)
    assert "INC-1: rollback to v1 (healthy 13 d)" in one.reason
    story.clock.advance(48 * HOUR)
    assert consider(story.desk) is None
    assert asked(story) == 1


def test_it_is_off_by_default(story: Story) -> None:
    paged(story, "off")
    assert consider(story.desk) is None
    assert (asked(story), withheld(story)) == (0, [])


def test_in_shadow_the_ledger_says_once_what_would_have_been_done(story: Story) -> None:
    paged(story, "shadow")
    for _ in range(3):
        assert consider(story.desk) is None
    assert (asked(story), withheld(story)) == (0, ["shadow: would have rolled back to v1"])


def test_while_the_kill_switch_is_on_nothing_is_rolled_back_and_after_it_is(story: Story) -> None:
    number = paged(story, "on")
    story.desk.home.kill_switch_path.touch()
    for _ in range(3):
        assert consider(story.desk) is None
    assert (asked(story), withheld(story)) == (0, ["the kill switch is on"])
    story.desk.home.kill_switch_path.unlink()
    assert consider(story.desk) == Rolled(number, 2, 1)


def test_a_cool_down_holds_back_a_second_one_on_the_same_model(story: Story) -> None:
    paged(story, "on", cooldown_hours=24)
    with story.desk.write() as tx:
        tx.execute(
            "INSERT INTO deployment(endpoint, model, version, kind, state, automatic, requested_us) "
            "VALUES (?, ?, 1, 'rollback', 'superseded', 1, ?)",
            (ENDPOINT, MODEL, PAGED - 20 * HOUR),
        )
    assert consider(story.desk) is None
    assert withheld(story) == ["cool-down: one was made within 1d"]
    story.clock.set(PAGED + 5 * HOUR)
    assert consider(story.desk) is not None


def test_a_deploy_too_long_before_the_impact_is_left_to_a_person(story: Story) -> None:
    number = paged(story, "on", suspect_within_hours=1)
    with story.desk.write() as tx:
        tx.execute("UPDATE incident SET impact_us = ? WHERE id = ?", (BAD + 2 * HOUR, number))
    assert consider(story.desk) is None
    assert withheld(story) == ["the deploy was more than 1 h before the impact"]


@pytest.mark.parametrize("state", ["mitigated", "monitoring", "resolved", "cancelled"])
def test_an_incident_that_is_past_mitigation_is_left_alone(story: Story, state: str) -> None:
    number = paged(story, "on")
    states.move(story.desk, number, state)
    assert consider(story.desk) is None
    assert asked(story) == 0


def test_a_ticket_or_a_resolved_page_rolls_nothing_back(story: Story) -> None:
    paged(story, "on")
    story.resolve(1)
    assert consider(story.desk) is None
    assert asked(story) == 0


def test_without_a_deploy_among_the_suspects_nothing_is_rolled_back_or_said(story: Story) -> None:
    paged(story, "on")
    with story.desk.write() as tx:
        tx.execute("DELETE FROM suspect")
    assert consider(story.desk) is None
    assert (asked(story), withheld(story)) == (0, [])


def test_an_old_version_that_lacks_inputs_is_withheld_with_the_reason(story: Story) -> None:
    paged(story, "on")
    with story.desk.write() as tx:
        tx.execute("UPDATE sample SET inputs = json_remove(inputs, '$.distance')")
    assert consider(story.desk) is None
    assert withheld(story) == ["no rollback: v1 needs distance, which today's inputs lack"]
