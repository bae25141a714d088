from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from core.clock import DAY, MINUTE, parse_time
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.features.columns import Feature, ViewColumn
from core.measures.bins import level_bins, number_bins
from core.measures.ranking import SCORE_BINS, score_bin
from core.registry.versions import Draft, Version, register
from core.training.artefact import Artefact, FeatureReference, Reference

MODEL, ENDPOINT = "late", "edge"
START = parse_time("2013-04-01T00:00:00Z")
Columns = Mapping[str, Sequence[Any]]


def entry_of(values: Sequence[Any], overdispersion: float = 1.0) -> FeatureReference:
    """The training reference of one column: numbers, or texts."""
    text = any(isinstance(value, str) for value in values)
    bins = level_bins(sorted({v for v in values if v is not None})) if text else number_bins(np.asarray(values, float))
    counts = bins.count(list(values) if text else np.asarray(values, float))
    plain = bins.to_json()
    return FeatureReference(
        plain["kind"], tuple(plain.get("edges", ())), tuple(plain.get("levels", ())), tuple(counts), overdispersion
    )


@dataclass
class Lab:
    """A home in which versions are registered, deployed and asked without a process or a network."""

    desk: Desk

    def version(
        self, columns: Columns, *, auc: float = 0.7, booster: str = "", days: int = 90, scatter: float = 1.0
    ) -> Version:
        """Register a version trained on these columns."""
        entries = {name: entry_of(values, scatter) for name, values in columns.items()}
        rows = len(next(iter(columns.values())))
        artefact = Artefact(
            model=MODEL,
            version=0,
            task="binary",
            label="late",
            features=tuple(Feature(name, entry.kind, entry.levels) for name, entry in entries.items()),
            view=tuple(ViewColumn(name, "identity", name) for name in entries),
            reference=Reference(rows, entries, tuple([0] * SCORE_BINS), (rows - rows // 4, rows // 4), days),
            threshold=0.5,
            importance=dict.fromkeys(entries, 1.0),
            booster=booster or f"max_feature_idx={len(entries) - 1}\n",
        )
        return register(self.desk, Draft(artefact, None, "t/1", None, "c", {}, {}, {"auc": auc}))

    def deploy(self, version: int, at_us: int) -> None:
        """Note that the endpoint has applied a version."""
        with self.desk.write() as tx:
            tx.execute(
                "INSERT INTO endpoint(name, adapter, url, token_ref, added_us) VALUES (?, 'embedded', '', '', ?) "
                "ON CONFLICT DO NOTHING",
                (ENDPOINT, at_us),
            )
            tx.execute(
                "INSERT INTO deployment(endpoint, model, version, kind, state, requested_us, applied_us) "
                "VALUES (?, ?, ?, 'deploy', 'applied', ?, ?)",
                (ENDPOINT, MODEL, version, at_us, at_us),
            )

    def ask(self, version: int, columns: Columns, at_us: int, span_us: int = DAY) -> None:
        """Count requests with these inputs, spread evenly over a span."""
        from core.registry.versions import load_artefact

        reference = load_artefact(self.desk, MODEL, version).reference
        with self.desk.write() as tx:
            for name, values in columns.items():
                for part, minute in enumerate(_minutes(at_us, span_us)):
                    some = list(values[part::12])
                    numbers = reference.features[name].kind == "number"
                    counts = reference.features[name].bins.count(np.asarray(some, float) if numbers else some)
                    series.add(tx, SeriesKey("feature", MODEL, version, ENDPOINT, name), minute, counts)

    def score(self, version: int, scores: Sequence[float], at_us: int, span_us: int = DAY, prefix: str = "r") -> None:
        """Answer with these scores, spread evenly over a span: counts and the rows that labels are joined to."""
        step = span_us // max(len(scores), 1)
        times = [at_us + place * step for place in range(len(scores))]
        with self.desk.write() as tx:
            tx.executemany(
                "INSERT INTO prediction(model, request_id, endpoint, version, at_us, score) VALUES (?, ?, ?, ?, ?, ?)",
                [(MODEL, f"{prefix}{n}", ENDPOINT, version, times[n], float(s)) for n, s in enumerate(scores)],
            )
            for part, minute in enumerate(_minutes(at_us, span_us)):
                vec = [0] * SCORE_BINS
                for score in scores[part::12]:
                    vec[score_bin(score)] += 1
                series.add(tx, SeriesKey("score", MODEL, version, ENDPOINT), minute, vec)


def _minutes(at_us: int, span_us: int) -> list[int]:
    return [(at_us + part * span_us // 12) // MINUTE * MINUTE for part in range(12)]


@pytest.fixture
def lab(desk: Desk) -> Lab:
    return Lab(desk)


@pytest.fixture
def draw() -> Callable[[int], np.random.Generator]:
    return np.random.default_rng
