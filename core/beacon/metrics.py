"""The state of a home as Prometheus metrics, in its text format (version 0.0.4)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.clock import SECOND
from core.desk import Desk
from core.slo import rows as slo_rows
from core.slo.status import measure
from core.work.beat import heartbeat

JOBS = "SELECT state, count(*) AS n FROM run GROUP BY state"
OUTBOX = """SELECT CASE state WHEN 'dead' THEN 'dead' ELSE 'waiting' END AS state, count(*) AS n FROM outbox
WHERE state IN ('waiting', 'claimed', 'dead') GROUP BY 1"""
INCIDENTS = "SELECT count(*) AS n FROM incident WHERE state IN ('triage', 'active', 'mitigated', 'monitoring')"
ALERTS = "SELECT severity AS state, count(*) AS n FROM alert WHERE state = 'firing' GROUP BY severity"
JOB_STATES = ("planned", "claimed", "succeeded", "failed", "cancelled", "dead")


@dataclass(frozen=True)
class Metric:
    """One gauge: its name, what it means, and its samples, each a number with its labels. No samples: nothing known."""

    name: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def metrics(desk: Desk) -> list[Metric]:
    """Every gauge of this home, now; spans in seconds, sizes in bytes."""
    beat = heartbeat(desk)
    age = None if beat.age_us is None else beat.age_us / SECOND
    return [
        _plain("tocsin_daemon_heartbeat_age_seconds", "Since the daemon last beat.", age),
        _plain("tocsin_daemon_standby", "1 where a second daemon waits to take over.", float(beat.standby)),
        _counted(desk, "tocsin_jobs", "Jobs by state.", JOBS, "state", JOB_STATES),
        _counted(desk, "tocsin_outbox_messages", "Messages to endpoints.", OUTBOX, "state", ("waiting", "dead")),
        _plain("tocsin_incidents_open", "Incidents that are open.", float(desk.store.read(INCIDENTS)[0]["n"])),
        _counted(desk, "tocsin_alerts_firing", "Alerts that fire.", ALERTS, "severity", ("page", "ticket")),
        _plain("tocsin_store_bytes", "Size of the store's file and its write-ahead log.", float(_store_bytes(desk))),
        *_objectives(desk),
    ]


def text(found: Iterable[Metric]) -> str:
    """Metrics as a scraper reads them."""
    lines: list[str] = []
    for metric in found:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} gauge"]
        lines += [f"{metric.name}{_labels(labels)} {value!r}" for labels, value in metric.samples]
    return "\n".join(lines) + "\n"


def _plain(name: str, means: str, value: float | None) -> Metric:
    return Metric(name, means, () if value is None else (({}, value),))


def _counted(desk: Desk, name: str, means: str, sql: str, label: str, states: tuple[str, ...]) -> Metric:
    # A state without rows is a 0, not an absence: an alert on its rise needs the number before.
    counts = {str(row["state"]): float(row["n"]) for row in desk.store.read(sql)}
    return Metric(name, means, tuple(({label: state}, counts.get(state, 0.0)) for state in states))


def _objectives(desk: Desk) -> list[Metric]:
    burns: list[tuple[Mapping[str, str], float]] = []
    lefts: list[tuple[Mapping[str, str], float]] = []
    for slo in slo_rows.slos(desk.store):
        labels = {"slo": slo.name, "model": slo.model, "endpoint": slo.endpoint, "measure": slo.measure}
        status = measure(desk.store, slo, desk.now_us())
        lefts.append((labels, float(status.left)))
        if status.pace is not None:
            burns.append((labels, float(status.pace)))
    return [
        Metric("tocsin_slo_burn", "Burn of the gravest rule that fires, else of the last day.", tuple(burns)),
        Metric("tocsin_slo_budget_left", "Share of the budget that is left; below 0 it is overspent.", tuple(lefts)),
    ]


def _store_bytes(desk: Desk) -> int:
    path = desk.home.store_path
    return sum(os.path.getsize(file) for file in (path, path.with_name(f"{path.name}-wal")) if file.exists())


def _labels(labels: Mapping[str, str]) -> str:
    pairs = [f'{name}="{_escaped(value)}"' for name, value in labels.items()]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
