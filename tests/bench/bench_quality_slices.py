"""How a quality objective's window is to be chosen: false pages, delay and pages after the rollback, on the flights.

Version 1 (January to March) and a bad version 2 (clock in minutes, served HHMM) score the real flights. For each way to
judge an hour, version 1 alone is watched for 270 days, and version 2 is deployed at eleven in the morning on each of 17
days in April and rolled back at the first page. The page rules are those of `core.slo` for a target of 80 %.
Run: python tests/bench/bench_quality_slices.py   (half a minute)
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.clock import DAY, HOUR, iso
from core.demo import plan as story
from core.demo.flights import LABEL, LABEL_COLUMN, LEAKS, TIME_COLUMN, Flights, Traffic, flights, training_file
from core.desk import Desk
from core.home import Home
from core.measures.ranking import SCORE_BINS, auc

BUDGET = 0.2
# (long, short, factor) in hours: over 200 %, and the tiers 6 h / 30 min and 1 h / 5 min clamped and raised to a slice.
RULES = ((24, 2, 2.0), (6, 1, 3.999), (1, 1, 3.999))
LEAST_BAD = 3


@dataclass(frozen=True)
class Way:
    """How an hour is judged: hours looked back, labels needed since the switch, and whether to look back beyond it."""

    trailing: int
    labels: int
    beyond: bool
    at_least: float = 0.55


@dataclass(frozen=True)
class Year:
    """Every flight with a label: when it was asked and when it landed, its label, and each version's score bin."""

    at: Any
    landed: Any
    late: Any
    bins: dict[int, Any]


def year(folder: Path) -> Year:
    """Train both versions as the demonstration does, and score every flight with both."""
    import numpy as np
    import pyarrow as pa

    from core.datasets.ingest import add
    from core.registry.versions import load_artefact
    from core.training.booster import score_table
    from core.training.job import train

    data: Flights = flights()
    desk = Desk.open(Home(folder / "home"), actor="bench")
    until = iso(story.OPENING_US + 13 * DAY)[:10]
    clocks = {"sched_dep_time": 1440, "sched_arr_time": 1440}
    for run, (unit, to, encode) in enumerate((("hhmm", story.TRAINED_TO, {}), ("minutes", until, clocks)), 1):
        path = training_file(folder, to, unit, data=data)  # type: ignore[arg-type]
        add(desk, path, dataset="flights", time_column=TIME_COLUMN, label=LABEL_COLUMN, leaks=LEAKS)
        args = {"model": "m", "dataset": "flights", "label": LABEL, "encode": encode, "seed": 7, "run_id": run}
        train(desk, args, lambda share, text="": None)
    traffic = Traffic(data=data)
    labels = {label.id: label for label in traffic.labels(0, 1 << 62)}
    asked = [request for request in traffic.requests(0, 1 << 62) if request.id in labels]
    table = pa.Table.from_pylist([request.inputs for request in asked])
    bins = {}
    for version in (1, 2):
        scores = score_table(load_artefact(desk, "m", version), table, threads=2)
        bins[version] = np.minimum((scores * SCORE_BINS).astype(int), SCORE_BINS - 1)
    known = [labels[request.id] for request in asked]
    return Year(
        np.array([request.at_us for request in asked]),
        np.array([label.at_us for label in known]),
        np.array([label.value for label in known]),
        bins,
    )


def judged(found: Year, way: Way, version: int, since: int, gap: tuple[int, int], end: int) -> bool | None:
    """Whether the hour that ends at `end` was good; `gap` is when the other version served."""
    import numpy as np

    first, last = np.searchsorted(found.at, [end - way.trailing * HOUR, end])
    at = found.at[first:last]
    here = found.landed[first:last] <= end
    fresh = here & (at >= since)
    if fresh.sum() < way.labels:
        return None
    counted = here & ~((at >= gap[0]) & (at < gap[1])) if way.beyond and version == 1 else fresh
    bins, late = found.bins[version][first:last][counted], found.late[first:last][counted]
    value = auc(*(np.bincount(bins[late == kind], minlength=SCORE_BINS).tolist() for kind in (0, 1)))
    return None if value is None else value >= way.at_least


def pages(slices: list[bool | None]) -> bool:
    """Whether a page rule holds after the last slice."""

    def burn(hours: int) -> tuple[float, int]:
        counted = [one for one in slices[-hours:] if one is not None]
        bad = counted.count(False)
        return (bad / len(counted) / BUDGET if counted else 0.0), bad

    return any(
        burn(long)[0] > factor and burn(short)[0] > factor and burn(long)[1] >= LEAST_BAD
        for long, short, factor in RULES
    )


def replay(found: Year, way: Way, bad_day: int | None, days: int) -> tuple[int | None, int]:
    """Hours from the bad deploy to its page (None: never), and the pages that were not for it."""
    start = story.OPENING_US
    deploy = start + (400 if bad_day is None else bad_day) * DAY + 11 * HOUR
    version, since, gap = 1, start, (deploy, deploy)
    slices: list[bool | None] = []
    delay, others, paging = None, 0, False
    for end in range(start - start % HOUR + HOUR, start + days * DAY, HOUR):
        if version == 1 and delay is None and end > deploy:
            version, since = 2, deploy
        slices.append(judged(found, way, version, since, gap, end))
        was, paging = paging, pages(slices)
        if not paging or was:
            continue
        if version == 2:
            delay, version, since, gap = (end - deploy) // HOUR, 1, end, (deploy, end)
        else:
            others += 1
    return delay, others


def compare(found: Year, days: int, bad_days: range) -> dict[str, dict[str, Any]]:
    """Each way to judge, with its figures."""
    told = {}
    for way in (Way(96, 200, False), Way(168, 400, False), Way(168, 400, True)):
        bad = [replay(found, way, day, day + 12) for day in bad_days]
        name = f"{way.trailing} h, {way.labels} labels" + (", reaching back" if way.beyond else "")
        told[name] = {
            f"false pages in {days} days": replay(found, way, None, days)[1],
            "hours to detection": [delay for delay, _ in bad],
            "replays that page again or before": sum(others > 0 for _, others in bad),
        }
    return told


@pytest.mark.bench
def test_every_way_to_judge_is_replayed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    told = compare(year(tmp_path), 20, range(13, 15))
    with capsys.disabled():
        print(told)
    assert len(told) == 3


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        print(json.dumps(compare(year(Path(made)), 270, range(9, 26)), indent=2))
