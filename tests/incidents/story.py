"""A model that is deployed, asked and labelled without a process or a network: the rows other rooms would write."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.clock import DAY, HOUR, MINUTE, SimClock, parse_time
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.features.columns import Feature, ViewColumn
from core.measures.bins import number_bins
from core.measures.ranking import SCORE_BINS, score_bin
from core.registry.versions import Draft, load_artefact, register
from core.training.artefact import Artefact, FeatureReference, Reference

MODEL, ENDPOINT = "late", "edge"
START = parse_time("2013-04-01T00:00:00Z")
BAD = START + 13 * DAY
PAGED = BAD + 18 * HOUR
Columns = Mapping[str, Sequence[float]]


@dataclass
class Changes:
    """What folding alerts changed."""

    fired: Sequence[int] = ()
    escalated: Sequence[int] = ()
    resolved: Sequence[int] = ()


def flights(n: int, seed: int, *, minutes: bool = False, shift: float = 0.0) -> dict[str, list[float]]:
    """Departures as clock figures (or, as the bad version was trained, in minutes), and distances."""
    draw = np.random.default_rng(seed)
    hours, past = draw.integers(5, 24, n), draw.integers(0, 60, n)
    clock = hours * 60 + past if minutes else hours * 100 + past
    return {"sched_dep_time": clock.astype(float).tolist(), "distance": (draw.normal(900, 300, n) + shift).tolist()}


@dataclass
class Story:
    """The home of a story, and the steps it is told in."""

    desk: Desk
    clock: SimClock

    def version(self, columns: Columns) -> int:
        """Register a version trained on these columns."""
        entries = {name: _entry(values) for name, values in columns.items()}
        rows = len(next(iter(columns.values())))
        artefact = Artefact(
            model=MODEL,
            version=0,
            task="binary",
            label="late",
            features=tuple(Feature(name, "number", ()) for name in entries),
            view=tuple(ViewColumn(name, "identity", name) for name in entries),
            reference=Reference(rows, entries, tuple([0] * SCORE_BINS), (rows - rows // 4, rows // 4), 90),
            threshold=0.5,
            importance=dict.fromkeys(entries, 1.0),
            booster=f"max_feature_idx={len(entries) - 1}\n",
        )
        return register(self.desk, Draft(artefact, None, "t/1", None, "c", {}, {}, {"auc": 0.7})).version

    def applied(self, version: int, at_us: int, previous: int | None = None, kind: str = "deploy") -> None:
        """The endpoint has applied a version: the deployment and its event."""
        with self.desk.write() as tx:
            tx.execute(
                "INSERT INTO endpoint(name, adapter, url, token_ref, added_us) VALUES (?, 'embedded', "
                "'http://127.0.0.1:9', 'env:NO_SUCH_TOKEN', ?) ON CONFLICT DO NOTHING",
                (ENDPOINT, at_us),
            )
            values = (ENDPOINT, MODEL, version, previous, kind, at_us, at_us)
            number = tx.execute(
                "INSERT INTO deployment(endpoint, model, version, previous, kind, state, requested_us, applied_us) "
                "VALUES (?, ?, ?, ?, ?, 'applied', ?, ?)",
                values,
            ).lastrowid
            data = {"deployment": number, "previous": previous}
            self.desk.record(
                tx, f"{kind}.applied", model=MODEL, version=version, endpoint=ENDPOINT, data=data, at_us=at_us
            )

    def asked(self, version: int, columns: Columns, at_us: int, span_us: int) -> None:
        """Requests with these inputs, spread over a span: feature counts, and every one of them a sample."""
        reference = load_artefact(self.desk, MODEL, version).reference
        n = len(next(iter(columns.values())))
        rows = [{name: values[place] for name, values in columns.items()} for place in range(n)]
        with self.desk.write() as tx:
            for name, values in columns.items():
                counts = reference.features[name].bins.count(np.asarray(values, float))
                key = SeriesKey("feature", MODEL, version, ENDPOINT, name)
                series.add(tx, key, at_us // MINUTE * MINUTE, counts)
            tx.executemany(
                "INSERT INTO sample(model, endpoint, version, request_id, at_us, score, inputs) VALUES (?,?,?,?,?,?,?)",
                [
                    (
                        MODEL,
                        ENDPOINT,
                        version,
                        f"v{version}-{at_us}-{i}",
                        at_us + i * (span_us // n),
                        0.5,
                        json.dumps(row),
                    )
                    for i, row in enumerate(rows)
                ],
            )

    def judged(self, version: int, n: int, lift: float, at_us: int, seed: int = 1) -> None:
        """Labelled predictions whose scores are `lift` standard deviations apart: 1 gives an AUC of .76, 0 of .5."""
        draw = np.random.default_rng(seed)
        sides = {"neg": draw.normal(0, 1, n - n // 4), "pos": draw.normal(lift, 1, n // 4)}
        with self.desk.write() as tx:
            whole = [0] * SCORE_BINS
            for side, values in sides.items():
                vec = [0] * SCORE_BINS
                for value in values:
                    vec[score_bin(float(1 / (1 + np.exp(-value))))] += 1
                whole = [a + b for a, b in zip(whole, vec, strict=True)]
                series.add(tx, SeriesKey(f"score.{side}", MODEL, version, ENDPOINT), at_us // MINUTE * MINUTE, vec)
            series.add(tx, SeriesKey("score", MODEL, version, ENDPOINT), at_us // MINUTE * MINUTE, whole)

    def requests(self, version: int, at_us: int, total: int, errors: int) -> None:
        """One minute's requests."""
        with self.desk.write() as tx:
            vec = [total, errors, 0, 0]
            series.add(tx, SeriesKey("requests", MODEL, version, ENDPOINT), at_us // MINUTE * MINUTE, vec)

    def slo(self, measure: str, target: str = "0.8", **spec: Any) -> int:
        """An objective; returns its number."""
        body = {"trailing_us": 96 * HOUR, "min_labels": 200, **spec}
        with self.desk.write() as tx:
            return int(
                tx.execute(
                    "INSERT INTO slo(name, model, endpoint, measure, target, window_us, spec, created_us) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (f"{measure} goal", MODEL, ENDPOINT, measure, target, 30 * DAY, json.dumps(body), START),
                ).lastrowid
            )

    def slices(self, slo: int, from_us: int, goods: Sequence[int | None]) -> None:
        """Hourly slices in a row."""
        with self.desk.write() as tx:
            tx.executemany(
                "INSERT INTO slice(slo, start_us, good, value, n) VALUES (?, ?, ?, 0.5, 300)",
                [(slo, from_us + place * HOUR, good) for place, good in enumerate(goods)],
            )

    def alert(
        self,
        slo: int | None,
        family: str,
        *,
        severity: str = "page",
        rule: str = "200 %",
        condition: str = "burn",
    ) -> int:
        """A firing alert that starts now."""
        now = self.clock.now_us()
        with self.desk.write() as tx:
            return int(
                tx.execute(
                    "INSERT INTO alert(fingerprint, slo, rule, family, severity, state, model, endpoint, summary, "
                    "data, started_us, seen_us) VALUES (?, ?, ?, ?, ?, 'firing', ?, ?, ?, ?, ?, ?)",
                    (
                        f"{rule}{family}{now}",
                        *(slo, rule, family, severity, MODEL, ENDPOINT, f"{family} fell"),
                        json.dumps({"condition": condition}),
                        *(now, now),
                    ),
                ).lastrowid
            )

    def resolve(self, alert: int) -> None:
        """An alert is over."""
        with self.desk.write() as tx:
            sql = "UPDATE alert SET state = 'resolved', resolved_us = ? WHERE id = ?"
            tx.execute(sql, (self.clock.now_us(), alert))

    def attach(self, *fired: int, escalated: Sequence[int] = ()) -> list[int]:
        """Give alerts their incidents."""
        from core.incidents.attach import attach

        with self.desk.write() as tx:
            return attach(self.desk, tx, Changes(fired, escalated))

    def bad_deploy(self, *, shift: float = 0.0) -> int:
        """v1 is well for 13 d; v2, trained on minutes, gets clock figures; 18 h later a page opens an incident."""
        self.version(flights(4000, 1))
        self.version(flights(4000, 2, minutes=True))
        self.applied(1, START)
        for day in range(6, 13):
            self.asked(1, flights(120, 10 + day), START + day * DAY, DAY)
        self.judged(1, 3000, 0.75, BAD - DAY)
        self.applied(2, BAD, previous=1)
        self.asked(2, flights(120, 40, shift=shift), BAD, 18 * HOUR)
        self.judged(2, 600, -0.05, BAD + 2 * HOUR)
        slo = self.slo("quality", at_least=0.55)
        self.slices(slo, BAD - 5 * HOUR, [1] * 5 + [None] * 8 + [0] * 5)
        self.clock.set(PAGED)
        (number,) = self.attach(self.alert(slo, "quality"))
        return number


def _entry(values: Sequence[float]) -> FeatureReference:
    bins = number_bins(np.asarray(values, float))
    plain = bins.to_json()
    return FeatureReference("number", tuple(plain["edges"]), (), tuple(bins.count(np.asarray(values, float))), 1.0)
