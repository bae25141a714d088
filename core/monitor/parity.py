"""Parity of serving and training code: served requests replayed through the whole-column path, equal to the last bit.

It says whether the two ways of computing a view agree, not whether the data they were fed agree: data that mean
another thing in requests than in training are skew (`core.monitor.skew`), and parity holds for them all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from core.desk import Desk
from core.errors import NotFound
from core.measures.values import is_missing
from core.monitor import samples
from core.monitor.parity_aggregates import unequal
from core.monitor.samples import Sample

if TYPE_CHECKING:
    from core.training.artefact import Artefact

SCORE = "score"


@dataclass(frozen=True)
class Difference:
    """One value that differs: a view column of a request (a category as its code), or its `score`; None is missing."""

    request_id: str
    at_us: int
    endpoint: str
    version: int
    column: str
    served: float | None
    offline: float | None


@dataclass(frozen=True)
class Parity:
    """How many `requests` were replayed, `scores` of them with their score, and what differed.

    `replayed` counts the requests by version. `not_comparable` are the view columns made of sensitive inputs, and
    `score` where samples keep no value of one.
    """

    model: str
    requests: int
    scores: int
    not_comparable: tuple[str, ...]
    differences: tuple[Difference, ...]
    replayed: Mapping[int, int]

    def of(self, version: int) -> dict[str, int]:
        """What gates ask of a version: the `rows` replayed, and how many of them are `differing` in anything."""
        differing = {(one.endpoint, one.request_id) for one in self.differences if one.version == version}
        return {"rows": self.replayed[version], "differing": len(differing)}


def parity(desk: Desk, model: str, endpoint: str | None, from_us: int, to_us: int) -> Parity:
    """Replay the samples of served requests of [from, to), at most the newest 4000 of each endpoint and version.

    Raises NotFound for an unknown model or endpoint, where there are no samples, or a version's file is gone;
    BadInput where a function that the version was trained with is not installed here.
    """
    from core.endpoints import rows
    from core.registry.versions import version

    version(desk.store, model)
    if endpoint is not None:
        rows.endpoint(desk.store, endpoint)
    parts = []
    replayed: Counter[int] = Counter()
    for place, number in samples.answered(desk.store, model, endpoint, from_us, to_us):
        parts.append(_replayed(desk, model, place, number, from_us, to_us))
        replayed[number] += parts[-1].requests
    if not parts:
        raise NotFound(f"there are no samples of requests to {model} in that time", "`--last 7d` looks further back")
    return Parity(
        model,
        sum(part.requests for part in parts),
        sum(part.scores for part in parts),
        tuple(dict.fromkeys(name for part in parts for name in part.not_comparable)),
        tuple(difference for part in parts for difference in part.differences),
        replayed,
    )


def _replayed(desk: Desk, model: str, endpoint: str, version: int, from_us: int, to_us: int) -> Parity:
    from core.endpoints.sensitive import hidden, rules
    from core.features.view import apply, compile_view
    from core.measures.scores import top
    from core.registry.versions import load_artefact
    from core.training.booster import calibrated, load_booster

    artefact = load_artefact(desk, model, version)
    found = samples.window(desk.store, model, endpoint, version, from_us, to_us)
    sensitive, lost = rules(desk.store, model), hidden(desk.store, model)
    scored = not {feature.name for feature in artefact.features}.intersection(lost)
    by = {one.name: one.key for one in artefact.lookups.aggregates} if artefact.lookups else {}
    silent = [one.name for one in artefact.view if sensitive.keys() & {*one.reads, *by.get(one.name, ())}]
    row = compile_view(artefact)
    served = [row(one.inputs)[0] for one in found]
    matrix = apply(artefact.view, artefact.features, samples.as_table(found, artefact.features))
    said = load_booster(artefact).predict(matrix, num_threads=desk.settings.threads) if scored else None
    scores = [] if said is None else top(calibrated(artefact, said)).tolist()
    told = [
        Difference(found[place].request_id, found[place].at_us, endpoint, version, column, _shown(left), _shown(right))
        for place, column, left, right in chain(
            unequal(desk, artefact.lookups, found) if artefact.lookups else (),
            _unequal(artefact, found, served, matrix.tolist(), scores),
        )
        if column not in silent
    ]
    with_score = sum(one.score is not None for one in found) if scored else 0
    return Parity(
        model, len(found), with_score, (*silent, *([] if scored else [SCORE])), tuple(told), {version: len(found)}
    )


def _unequal(
    artefact: Artefact, found: Sequence[Sample], served: Sequence[Any], offline: Sequence[Any], scores: Sequence[float]
) -> Iterator[tuple[int, str, float, float]]:
    """The places, columns and both values that are not one and the same; a missing value equals a missing one."""
    names = [column.name for column in artefact.view]
    for place, (left, right) in enumerate(zip(served, offline, strict=True)):
        yield from ((place, n, a, b) for n, a, b in zip(names, left, right, strict=True) if not _same(a, b))
    for place, (one, score) in enumerate(zip(found, scores, strict=False)):
        if one.score is not None and not _same(one.score, score):
            yield place, SCORE, one.score, score


def _same(left: float, right: float) -> bool:
    return left == right or (is_missing(left) and is_missing(right))


def _shown(value: float) -> float | None:
    return None if is_missing(value) else value
