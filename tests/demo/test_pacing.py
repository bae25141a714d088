from __future__ import annotations

import pytest

from core.clock import DAY, HOUR, MINUTE
from core.demo.conductor import MARK, clear
from core.demo.pacing import PROVING_US, WAITING_US, Pace
from core.demo.plan import OPENING_US, TICK_US, Plan
from core.demo.processes import Process
from core.desk import Desk
from core.errors import RemoteUnreachable, StoreUnusable
from core.home import Home


def incident(desk: Desk, state: str) -> None:
    with desk.write() as tx:
        tx.execute(
            """INSERT INTO incident(key, title, severity, state, model, endpoint, family, impact_us, impact_origin,
            detected_us) VALUES ('k', 't', 2, ?, 'm', 'e', 'quality', 0, 'o', 0)""",
            (state,),
        )


@pytest.mark.parametrize(
    ("state", "speed"), [("triage", WAITING_US), ("active", WAITING_US), ("mitigated", PROVING_US), ("resolved", DAY)]
)
def test_time_runs_slowly_while_a_person_has_something_to_do(desk: Desk, state: str, speed: int) -> None:
    incident(desk, state)
    assert Pace(desk, Plan(speed=1)).speed_us() == speed


def test_without_a_person_an_incident_changes_neither_the_speed_nor_the_steps(desk: Desk) -> None:
    incident(desk, "triage")
    pace = Pace(desk, Plan(speed=0, automatic=True))
    assert (pace.speed_us(), pace.step_us()) == (0, TICK_US)


def test_somebody_who_waits_is_answered_in_small_steps(desk: Desk) -> None:
    assert Pace(desk, Plan(speed=1)).step_us() == TICK_US
    incident(desk, "triage")
    assert Pace(desk, Plan(speed=1)).step_us() == WAITING_US // 2 >= MINUTE


def test_a_plan_trains_the_bad_version_before_it_deploys_it_and_ends_after_its_days() -> None:
    plan = Plan(days=30, bad_day=15)
    assert OPENING_US < plan.retrain_us < plan.bad_us < plan.end_us == OPENING_US + 30 * DAY
    assert plan.bad_us - plan.retrain_us == 16 * HOUR


def test_only_an_earlier_demonstration_makes_room_for_a_new_one(home: Home) -> None:
    with pytest.raises(StoreUnusable) as caught:
        clear(home)
    assert caught.value.hint
    (home.path / MARK).write_text("{}")
    clear(home)
    assert not home.path.exists()


def test_a_process_that_ends_early_is_an_error_with_its_last_words(home: Home) -> None:
    process = Process(home, "broken", ["job", "show", "x"])
    with pytest.raises(RemoteUnreachable, match="the broken ended: hint"):
        process.answer()
    process.stop()
