"""A training's progress: so many fits of equal weight, each told round by round with its loss."""

from __future__ import annotations

from collections.abc import Mapping

from core.training.fit import Report
from core.work.progress import Progress, point

BEGINS, ENDS = 0.05, 0.95


class Stages:
    """The share of progress of `fits` fits one after another."""

    def __init__(self, progress: Progress, fits: int) -> None:
        self._progress = progress
        self._share = (ENDS - BEGINS) / fits
        self._done = 0

    def fit(self, name: str, text: str) -> Report:
        """The report of the next fit: `text` says what it is, `name` begins the names of its points."""
        begins = BEGINS + self._done * self._share
        self._done += 1
        self._progress(begins, text)
        last: dict[str, float] = {}

        def report(done: int, rounds: int, losses: Mapping[str, float]) -> None:
            if losses:
                last.update(losses)
                point(self._progress, done, **{f"{name}.{what}": value for what, value in losses.items()})
            shown = last.get("held", last.get("fit"))
            loss = "" if shown is None else f" · loss {shown:.4f}"
            self._progress(begins + self._share * done / rounds, f"{text} · round {done} of {rounds}{loss}")

        return report
