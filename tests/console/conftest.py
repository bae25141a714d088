from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.clock import DAY, HOUR, MINUTE, SimClock, parse_time
from core.counts import histogram, series
from core.counts.series import SeriesKey
from core.desk import Desk

SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
MODEL, ENDPOINT = "flight-delay", "local"
NOW = parse_time("2013-04-16T03:04:00Z")
DEPLOYED = parse_time("2013-04-15T15:00:00Z")


def seed_models(desk: Desk) -> None:
    """A model with two versions, two endpoints, and version 1 served for thirteen days."""
    with desk.write() as tx:
        for number, at in ((1, NOW - 40 * DAY), (2, NOW - DAY)):
            columns = json.dumps(["sched_dep_time", "carrier"])
            facts = {"type": "integer", "missing": 3, "distinct": 1200, "min": 1, "max": 2359, "p50": 1340}
            profile = json.dumps({"rows": 79_000, "columns": {"sched_dep_time": facts}})
            tx.execute(
                """INSERT INTO snapshot(dataset, number, sha256, blob, source, rows, columns, profile, time_column,
                time_from_us, time_to_us, created_us) VALUES ('flights', ?, ?, 'b', 'flights.parquet', 79000, ?, ?,
                'time_hour', ?, ?, ?)""",
                (number, f"{number:064x}", columns, profile, at - 90 * DAY, at, at),
            )
        tx.execute("INSERT INTO model VALUES (?, 'binary', 'arr_delay>=15', 0, ?)", (MODEL, NOW - 40 * DAY))
        for version, stage, at in ((1, "archived", NOW - 40 * DAY), (2, "production", NOW - DAY)):
            metrics = json.dumps({"auc": 0.694 + version / 1000, "logloss": 0.52, "n": 28_000})
            tx.execute(
                "INSERT INTO model_version VALUES (?, ?, ?, ?, ?, NULL, 'c', '{}', '{}', ?, ?)",
                (MODEL, version, stage, f"{version:064x}", version, metrics, at),
            )
        tx.execute(
            """INSERT INTO endpoint(name, adapter, url, token_ref, added_us, seen_us)
            VALUES (?, 'embedded', 'http://x', 'env:T', ?, ?)""",
            (ENDPOINT, NOW - 30 * DAY, NOW - 12_000_000),
        )
        for version, previous, at in ((1, None, DEPLOYED - 14 * DAY), (2, 1, DEPLOYED)):
            tx.execute(
                """INSERT INTO deployment(endpoint, model, version, previous, kind, state, requested_us, applied_us)
                VALUES (?, ?, ?, ?, 'deploy', 'applied', ?, ?)""",
                (ENDPOINT, MODEL, version, previous, at - MINUTE, at),
            )
            data = {"previous": previous, "reason": "retrained" if previous else "first"}
            desk.record(tx, "deploy.applied", model=MODEL, version=version, endpoint=ENDPOINT, data=data, at_us=at)
        tx.execute("INSERT INTO heartbeat VALUES ('daemon', ?, 1, '')", (NOW - 3_000_000,))


def seed_counts(desk: Desk) -> None:
    """Traffic and latency of the last day, hour by hour."""
    with desk.write() as tx:
        for hour in range(24):
            start = NOW - NOW % HOUR - (24 - hour) * HOUR
            version = 2 if start >= DEPLOYED else 1
            key = SeriesKey("requests", MODEL, version, ENDPOINT)
            series.add(tx, key, start, [40, 0, 0, 0])
            vec = [0] * histogram.BINS
            vec[histogram.latency_bin(9_000 + 400 * hour)] = 40
            series.add(tx, SeriesKey("latency", MODEL, version, ENDPOINT), start, vec)


def seed_quality_slo(desk: Desk) -> None:
    """A quality objective whose last hours are bad."""
    with desk.write() as tx:
        spec = json.dumps({"at_least": "0.55", "min_labels": 200, "trailing_us": 96 * HOUR})
        tx.execute(
            """INSERT INTO slo(name, model, endpoint, measure, target, window_us, spec, created_us)
            VALUES ('useful predictions', ?, ?, 'quality', '0.8', ?, ?, ?)""",
            (MODEL, ENDPOINT, 30 * DAY, spec, NOW - 20 * DAY),
        )
        for hour in range(48):
            start = NOW - NOW % HOUR - (48 - hour) * HOUR
            value = 0.70 if start < DEPLOYED else 0.62 - 0.012 * ((start - DEPLOYED) // HOUR)
            tx.execute("INSERT INTO slice VALUES (1, ?, ?, ?, 600)", (start, int(value >= 0.55), value))


def seed_incident(
    desk: Desk, number: int = 1, *, model: str = MODEL, severity: int = 1, at: int = NOW - 6 * MINUTE
) -> None:
    """An open quality incident with a page, two suspects and its events."""
    title = f"{model} on {ENDPOINT}: useful predictions burns its budget 5x too fast"
    with desk.write() as tx:
        tx.execute(
            """INSERT INTO incident(id, key, title, severity, state, model, endpoint, family, class, class_evidence,
            impact_us, impact_origin, detected_us, notified_us, runbook)
            VALUES (?, ?, ?, ?, 'triage', ?, ?, 'quality', 'model', ?, ?, 'first bad hour', ?, ?, 'bad-deploy')""",
            (
                number,
                f"DEMO|{model}|{ENDPOINT}|quality|{number}",
                title,
                severity,
                model,
                ENDPOINT,
                "v2 was deployed before the impact; live inputs did not change with it",
                at - 5 * HOUR,
                at,
                at,
            ),
        )
        tx.execute(
            """INSERT INTO alert(fingerprint, slo, rule, family, severity, state, model, endpoint, summary, data,
            started_us, seen_us, incident, repeats) VALUES (?, NULL, 'over 200 %', 'quality', 'page', 'firing', ?, ?,
            'useful predictions burns its budget 5x too fast', '{}', ?, ?, ?, 4)""",
            (f"f{number}", model, ENDPOINT, at, at, number),
        )
        desk.record(
            tx, "incident.opened", model=model, endpoint=ENDPOINT, incident=number, data={"title": title}, at_us=at
        )
        evidence = [
            "deployed 7h before the impact",
            "served inputs are not those it was trained on: sched_dep_time PSI 4.1",
        ]
        for rank, kind, text, when, said in (
            (1, "deploy", "deploy flight-delay v1→v2 on local", DEPLOYED, evidence),
            (2, "drift", "weather drifted: temp PSI 0.31", DEPLOYED - 20 * HOUR, ["quality was unaffected by it"]),
        ):
            tx.execute(
                "INSERT INTO suspect VALUES (?, ?, NULL, ?, ?, ?, ?, ?)",
                (number, rank, kind, text, 1.0 / rank, when, json.dumps(said)),
            )
        data = {"suspects": [], "class": "model", "helps": "rollback to v1 (healthy 14 d)"}
        desk.record(tx, "incident.suspects", model=model, endpoint=ENDPOINT, incident=number, data=data, at_us=at)


def seed_jobs(desk: Desk, many: int = 3) -> None:
    """Runs in all states, and two schedules."""
    states = ("succeeded", "failed", "claimed", "planned")
    with desk.write() as tx:
        tx.execute(
            "INSERT INTO schedule(name, kind, args, trigger, catch_up, next_us, created_us) VALUES "
            "('nightly drift', 'drift', '{}', '0 4 * * *', 'latest', ?, ?)",
            (NOW + 56 * MINUTE, NOW - DAY),
        )
        tx.executemany(
            """INSERT INTO run(id, due_us, request, kind, args, state, attempt, next_us, started_us, ended_us, progress,
            error) VALUES (?, ?, ?, 'train', ?, ?, 1, ?, ?, ?, ?, ?)""",
            [
                (
                    number,
                    NOW - (many - number) * MINUTE,
                    f"r{number}",
                    json.dumps({"model": MODEL, "dataset": "flights"}),
                    states[number % 4],
                    NOW,
                    NOW - (many - number) * MINUTE,
                    NOW if number % 4 < 2 else None,
                    0.4,
                    "the label has one class" if number % 4 == 1 else None,
                )
                for number in range(1, many + 1)
            ],
        )


@pytest.fixture
def clock() -> SimClock:
    return SimClock(NOW)


@pytest.fixture
def night(desk: Desk) -> Desk:
    """Three in the morning: a bad deploy, an open incident, suspects, counts and jobs."""
    for seed in (seed_models, seed_counts, seed_quality_slo, seed_incident, seed_jobs):
        seed(desk)
    return desk


@pytest.fixture
def quiet(desk: Desk) -> Desk:
    """The same home with nothing wrong."""
    for seed in (seed_models, seed_counts, seed_quality_slo, seed_jobs):
        seed(desk)
    return desk


@pytest.fixture
def many_jobs(desk: Desk) -> Desk:
    """A hundred thousand runs."""
    seed_jobs(desk, 100_000)
    return desk


@pytest.fixture
def add_incident() -> Callable[..., None]:
    """Opens one more incident."""
    return seed_incident


@pytest.fixture
def add_job() -> Callable[[Desk, int], None]:
    """Queues a run of a given number, as another process would."""

    def add(desk: Desk, number: int) -> None:
        with desk.write() as tx:
            tx.execute(
                """INSERT INTO run(id, due_us, request, kind, args, state, next_us)
                VALUES (?, ?, ?, 'drift', '{}', 'planned', ?)""",
                (number, NOW, f"r{number}", NOW),
            )

    return add


@pytest.fixture
def matches_snapshot() -> Callable[[str, str], None]:
    """Compares a frame with its file; `TOCSIN_UPDATE_SNAPSHOTS=1 pytest tests/console` writes the files anew."""

    def check(name: str, frame: str) -> None:
        path = SNAPSHOTS / f"{name}.txt"
        if os.environ.get("TOCSIN_UPDATE_SNAPSHOTS") == "1":
            path.write_text(frame + "\n")
        assert path.exists(), f"no snapshot {path.name}: run with TOCSIN_UPDATE_SNAPSHOTS=1 and look at it"
        assert frame + "\n" == path.read_text(), f"{name} looks different; if that is meant, update the snapshots"

    return check


@pytest.fixture
def frame_of() -> Callable[[Any], str]:
    """What a running app shows, as plain text."""

    def frame(app: Any) -> str:
        screen = app.screen
        strips = screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    return frame
