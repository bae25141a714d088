"""What a job tells while it runs: how far it is, the points of its curves, and lines for its log."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """How far a job is, as a share from 0 to 1, and what it does. A job's own process also keeps points and a log."""

    def __call__(self, share: float, text: str = "", /) -> None: ...


def point(progress: Progress, step: int, **values: float) -> None:
    """Keep values of a step (a round, a trial) with the run, by name; a plain function keeps none."""
    keep = getattr(progress, "point", None)
    if keep is not None:
        keep(step, values)


def log(progress: Progress, line: str) -> None:
    """A line for the run's log; a plain function has none."""
    write = getattr(progress, "log", None)
    if write is not None:
        write(line)
