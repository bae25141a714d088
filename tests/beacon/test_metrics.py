from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from core.beacon.metrics import Metric, metrics, text
from core.beacon.server import Beacon
from core.clock import DAY, MINUTE, SECOND, SimClock
from core.daemon import Daemon
from core.desk import Desk
from core.errors import BadInput
from core.slo import verbs
from core.work import plan
from tests.slo.conftest import Serve, count, served

__all__ = ["count", "served"]

LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([-+0-9.eInfNa]+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parsed(document: str) -> Samples:
    """The samples of a text in Prometheus' format; every line has to be one, of a type told before."""
    assert document.endswith("\n")
    typed: set[str] = set()
    samples: Samples = {}
    for line in document.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind == "gauge"
            assert name not in typed
            typed.add(name)
        elif not line.startswith("# HELP "):
            match = LINE.fullmatch(line)
            assert match, line
            name, labels, value = match.groups()
            assert name in typed
            assert LABEL.sub("", labels or "") == "", line
            pairs = tuple(
                (key, re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], raw))
                for key, raw in LABEL.findall(labels or "")
            )
            assert (name, pairs) not in samples
            samples[name, pairs] = float(value)
    return samples


@pytest.fixture
def beacon(desk: Desk) -> Iterator[Beacon]:
    running = Beacon(desk, 0)
    yield running
    running.close()


def get(beacon: Beacon, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{beacon.port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_metrics_are_the_home_s_state(served: Desk, count: Serve, clock: SimClock, beacon: Beacon) -> None:
    desk = served
    verbs.save(desk, verbs.draft(desk, "answers", "flights", "gate", "availability", "99%", "30d"))
    count(clock.now_us(), 60, [98, 2])
    clock.advance(60 * MINUTE)
    daemon = Daemon(desk)
    daemon.beat()
    with desk.write() as tx:
        plan.request_run(tx, desk.now_us(), "train", {}, "one")
        tx.execute("INSERT INTO outbox(endpoint,key,action,body,state,next_us,created_us) VALUES"
                   "('gate','a','x','{}','waiting',0,0),('gate','b','x','{}','claimed',0,0),"
                   "('gate','c','x','{}','dead',0,0)")  # fmt: skip
        tx.execute("INSERT INTO alert(fingerprint,rule,family,severity,state,model,endpoint,summary,data,started_us,"
                   "seen_us) VALUES ('f','r','x','page','firing','m','e','s','{}',0,0)")  # fmt: skip
        tx.execute("INSERT INTO incident(key,title,severity,state,model,endpoint,family,impact_us,impact_origin,"
                   "detected_us) VALUES ('k','t',1,'triage','m','e','x',0,'o',0)")  # fmt: skip
    clock.advance(3 * SECOND)
    status, document = get(beacon, "/metrics?x=1")
    daemon.close()
    assert status == 200
    samples = parsed(document)
    assert samples["tocsin_daemon_heartbeat_age_seconds", ()] == 3.0
    assert samples["tocsin_daemon_standby", ()] == 0.0
    assert samples["tocsin_jobs", (("state", "planned"),)] == 1.0
    assert samples["tocsin_jobs", (("state", "dead"),)] == 0.0
    assert samples["tocsin_outbox_messages", (("state", "waiting"),)] == 2.0
    assert samples["tocsin_outbox_messages", (("state", "dead"),)] == 1.0
    assert samples["tocsin_incidents_open", ()] == 1.0
    assert samples["tocsin_alerts_firing", (("severity", "page"),)] == 1.0
    assert samples["tocsin_store_bytes", ()] >= desk.home.store_path.stat().st_size
    slo = (("slo", "answers"), ("model", "flights"), ("endpoint", "gate"), ("measure", "availability"))
    assert samples["tocsin_slo_burn", slo] == pytest.approx(2.0, rel=0.1)
    assert samples["tocsin_slo_budget_left", slo] < 1


def test_an_empty_home_has_metrics_and_none_is_made_up(desk: Desk) -> None:
    samples = parsed(text(metrics(desk)))
    assert not any(name == "tocsin_daemon_heartbeat_age_seconds" for name, _ in samples)
    assert samples["tocsin_jobs", (("state", "planned"),)] == 0.0


def test_labels_with_quotes_and_line_ends_survive_the_format() -> None:
    odd = 'a "b" \\ c\nd'
    assert parsed(text([Metric("m", "of odd names", (({"slo": odd}, 1.5),))])) == {("m", (("slo", odd),)): 1.5}


def test_health_is_200_while_the_daemon_beats_and_503_when_it_no_longer_does(
    desk: Desk, clock: SimClock, beacon: Beacon
) -> None:
    assert get(beacon, "/healthz")[0] == 503
    daemon = Daemon(desk)
    daemon.beat()
    status, body = get(beacon, "/healthz")
    assert (status, json.loads(body)["ok"]) == (200, True)
    clock.advance(DAY)
    assert get(beacon, "/healthz")[0] == 503
    daemon.close()
    assert get(beacon, "/else")[0] == 404


def test_a_port_that_is_taken_is_told(desk: Desk, beacon: Beacon) -> None:
    with pytest.raises(BadInput, match=f"port {beacon.port} cannot be used"):
        Beacon(desk, beacon.port)
