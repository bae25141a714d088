from __future__ import annotations

import json
from collections.abc import Callable

from core.alerts import fold
from core.clock import HOUR, MINUTE, SimClock
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.slo import verbs

Run = Callable[..., tuple[int, str, str]]


def burn(desk: Desk, clock: SimClock) -> None:
    verbs.save(desk, verbs.draft(desk, "up", "flights", "gate", "availability", "99.9%", "30d"))
    with desk.write() as tx:
        for minute in range(60):
            start = clock.now_us() + minute * MINUTE
            series.add(tx, SeriesKey("requests", "flights", 1, "gate"), start, [100, 50, 0, 0])
    clock.advance(HOUR)
    findings = verbs.evaluate(desk)
    with desk.write() as tx:
        fold.apply(desk, tx, findings)


def test_a_firing_alert_is_listed_and_shown_with_its_history(tocsin: Run, served: Desk, clock: SimClock) -> None:
    burn(served, clock)
    _, out, _ = tocsin("alert", "list")
    assert "1 h / 5 min x14.4" in out
    assert "budget gone in" in out
    listed = json.loads(tocsin("alert", "list", "--json")[1])
    page = next(one for one in listed if one["severity"] == "page")
    assert (page["objective"], page["family"], page["data"]["burn"]) == ("up", "availability", 500.0)
    code, out, _ = tocsin("alert", "show", str(page["id"]))
    assert (code, "alert.fired" in out) == (0, True)
    shown = json.loads(tocsin("alert", "show", str(page["id"]), "--json")[1])
    assert [event["kind"] for event in shown["events"]] == ["alert.fired"]


def test_where_nothing_fires_it_says_so(tocsin: Run) -> None:
    assert tocsin("alert", "list")[1] == "nothing fires\n"
    assert tocsin("alert", "list", "--all")[1] == "no alerts yet\n"
    assert tocsin("alert", "list", "--json")[1] == "[]\n"


def test_an_alert_that_does_not_exist_is_not_found(tocsin: Run) -> None:
    code, out, err = tocsin("alert", "show", "12")
    assert (code, out) == (3, "")
    assert err == "error: there is no alert 12\nhint: `tocsin alert list --all` shows them\n"
