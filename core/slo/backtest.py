"""Which alerts an objective would have fired on recorded counts, and when."""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path

from core.clock import DAY, SECOND, iso, parse_time, span
from core.errors import BadInput, NotFound
from core.slo.budget import Counts
from core.slo.findings import HOLD_US
from core.slo.judge import Verdict, judge, spent, strongest
from core.slo.rules import ESCALATION, Objective, Severity, rules_of

COLUMNS = ("ts", "good", "total")
LATEST_US = parse_time("9999-01-01")
HINT = "a row is `2026-01-31T12:00:00Z,995,1000`: when it begins, good events, all events; oldest first"


@dataclass(frozen=True)
class Recorded:
    """The counts of one interval, which begins at `at_us` and lasts until the next row's."""

    at_us: int
    good: int
    total: int


@dataclass(frozen=True)
class Episode:
    """An alert that would have fired: by which rule, from when to when (None: still firing at the end of the file).

    `severity` is the gravest it reached, `escalated_us` when it rose to that, `summary` what it said when it fired.
    """

    condition: str
    rule: str
    severity: Severity
    fired_us: int
    resolved_us: int | None
    escalated_us: int | None
    summary: str


@dataclass(frozen=True)
class Backtest:
    """The episodes in the order they would have fired, the file's extent and step, and what was clamped."""

    episodes: tuple[Episode, ...]
    rows: int
    from_us: int
    to_us: int
    step_us: int
    told: tuple[str, ...]


def read(path: Path) -> list[Recorded]:
    """The rows of a CSV with the columns `ts,good,total`; `ts` is an ISO time or seconds since 1970.

    Raises NotFound, or BadInput naming the line.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(_rows(csv.reader(file), path.name))
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "give the path of a CSV with the columns ts,good,total") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read as CSV: {error}", HINT) from error
    if len(rows) < 2:
        raise BadInput(f"{path.name} holds {len(rows)} rows; two are the least that tell how long one lasts", HINT)
    return rows


def _rows(lines: Iterator[list[str]], name: str) -> Iterator[Recorded]:
    header = [cell.strip().lower() for cell in next(lines, [])]
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise BadInput(f"{name} has no column {', '.join(missing)}", "its first line names the columns: ts,good,total")
    places = [header.index(column) for column in COLUMNS]
    before: int | None = None
    for number, line in enumerate(lines, start=2):
        if not any(cell.strip() for cell in line):
            continue
        found = _row(line, places, f"{name} line {number}")
        if before is not None and found.at_us <= before:
            raise BadInput(f"{name} line {number}: {iso(found.at_us)} does not come after the line before", HINT)
        before = found.at_us
        yield found


def _row(line: list[str], places: list[int], where: str) -> Recorded:
    if len(line) <= max(places):
        raise BadInput(f"{where}: it has {len(line)} cells", HINT)
    ts, good, total = (line[place].strip() for place in places)
    try:
        at_us = int(ts) * SECOND if ts.isdecimal() else parse_time(ts)
        counts = int(good), int(total)
    except BadInput as error:
        raise BadInput(f"{where}: {error.message}", HINT) from error
    except ValueError:
        raise BadInput(f"{where}: {good!r} and {total!r} are not whole numbers", HINT) from None
    if not 0 <= at_us < LATEST_US:
        raise BadInput(f"{where}: {ts} is no time between 1970 and 9999", HINT)
    if min(counts) < 0:
        raise BadInput(f"{where}: a count is never negative", HINT)
    return Recorded(at_us, *counts)


def run(objective: Objective, rows: Sequence[Recorded]) -> Backtest:
    """Judge the objective at the end of every row and fold what its rules say into episodes.

    Rule windows shorter than a row are raised to its length. A row with good above total is a data-integrity episode
    and is left out. Raises BadInput for fewer than two rows, and for rows over a day apart.
    """
    if len(rows) < 2:
        raise BadInput("a backtest needs two rows at least", HINT)
    step = min(after.at_us - before.at_us for before, after in pairwise(rows))
    if step > DAY:
        raise BadInput(f"the rows are {span(step)} apart", "the rules need counts of a day or less")
    objective = replace(objective, slice_us=max(step, objective.slice_us))
    rules, told = rules_of(objective)
    folding = _Folding(max(HOLD_US, step))
    for now, since in _moments(rows, step):
        whole = spent(objective, now, rows[0].at_us, since)
        verdicts = judge(objective, rules, whole, since)
        for condition in dict.fromkeys(rule.condition for rule in rules):
            folding.see(now, condition, [v for v in verdicts if v.rule.condition == condition])
        folding.integrity(now, since(now - step).faulty)
    episodes = sorted(folding.episodes.values(), key=lambda episode: (episode.fired_us, episode.condition))
    return Backtest(tuple(episodes), len(rows), rows[0].at_us, rows[-1].at_us + step, step, told)


def _moments(rows: Sequence[Recorded], step: int) -> Iterator[tuple[int, Callable[[int], Counts]]]:
    starts = [row.at_us for row in rows]
    counts = [Counts.of(row.good, row.total) for row in rows]
    good, total, faulty = (
        [0, *accumulate(getattr(one, name) for one in counts)] for name in ("good", "total", "faulty")
    )
    for index, start in enumerate(starts):
        last = index + 1

        def since(from_us: int, last: int = last) -> Counts:
            first = min(bisect_left(starts, from_us), last)
            return Counts(good[last] - good[first], total[last] - total[first], faulty[last] - faulty[first])

        yield start + step, since


class _Folding:
    """Episodes as they open, rise and close; the same laws as the fold of live alerts."""

    def __init__(self, hold_us: int) -> None:
        self.episodes: dict[int, Episode] = {}
        self._hold_us = hold_us
        self._open: dict[str, int] = {}
        self._clear_us: dict[str, int] = {}

    def see(self, now: int, condition: str, verdicts: Sequence[Verdict]) -> None:
        top = strongest(verdicts)
        if top is not None:
            said = f"{top.long.bad} of {top.long.total} bad, burn {float(top.burn or 0):.3g}, {top.text}"
            self._firing(now, Episode(condition, top.rule.name, top.severity, now, None, None, said))
        elif condition in self._open and all(verdict.fired is False for verdict in verdicts):
            self._gone(now, condition)

    def integrity(self, now: int, faulty: int) -> None:
        if faulty:
            said = "good above total: the row is left out"
            self._firing(now, Episode("integrity", "data integrity", "ticket", now, None, None, said))
        elif "integrity" in self._open:
            self._gone(now, "integrity")

    def _firing(self, now: int, seen: Episode) -> None:
        self._clear_us.pop(seen.condition, None)
        number = self._open.setdefault(seen.condition, len(self.episodes))
        found = self.episodes.setdefault(number, seen)
        rises = seen.severity == "page" and found.severity == "ticket"
        if rises or (seen.rule == ESCALATION and found.rule != ESCALATION):
            self.episodes[number] = replace(found, rule=seen.rule, severity=seen.severity, escalated_us=now)

    def _gone(self, now: int, condition: str) -> None:
        if now - self._clear_us.setdefault(condition, now) >= self._hold_us:
            number = self._open.pop(condition)
            self.episodes[number] = replace(self.episodes[number], resolved_us=now)
            del self._clear_us[condition]
