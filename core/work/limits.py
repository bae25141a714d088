"""What one job may use before it is ended: memory, CPU time and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.clock import SECOND, parse_span, span
from core.settings import Jobs

HINT = "give its schedule more (--memory, --cpu, --wall), or change `jobs` in settings.toml"
# Between the signal that a job can act on and the one that ends it, in seconds of CPU.
LAST_SECONDS = 5


@dataclass(frozen=True)
class Limits:
    """Megabytes of address space, and seconds of CPU time and of real time; None where there is no limit.

    Each process has the memory and the CPU time to itself; the time is that of the whole job.
    """

    memory_mb: int | None = None
    cpu_seconds: int | None = None
    wall_seconds: int | None = None

    @classmethod
    def of(cls, memory: int | None, cpu: str | None, wall: str | None) -> Limits:
        """What options say. Raises BadInput for what is no span of time."""
        return cls(memory, *(None if text is None else max(1, parse_span(text) // SECOND) for text in (cpu, wall)))

    @classmethod
    def over(cls, run: Mapping[str, int], jobs: Jobs) -> Limits:
        """A run's own limits, and the settings' where it has none; a setting of nought is no limit."""
        return cls(**{name: run.get(name) or getattr(jobs, name) or None for name in cls.__dataclass_fields__})

    def to_json(self) -> dict[str, int]:
        """Those that are set, as a schedule and its runs keep them."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def rlimits(self) -> dict[str, tuple[int, int]]:
        """The kernel's limits by name, soft and hard: bytes of address space, seconds of CPU."""
        found = {}
        if self.memory_mb is not None:
            found["AS"] = (self.memory_mb << 20, self.memory_mb << 20)
        if self.cpu_seconds is not None:
            found["CPU"] = (self.cpu_seconds, self.cpu_seconds + LAST_SECONDS)
        return found

    def spent(self, cpu_ms: int) -> bool:
        """Whether a process that was killed had used its CPU time up."""
        return self.cpu_seconds is not None and cpu_ms >= 1000 * self.cpu_seconds

    def told_memory(self) -> str:
        """Why a job was ended that asked for too much memory."""
        why = (
            f"it needs more than {self.memory_mb} MB of memory, its limit"
            if self.memory_mb
            else "the machine had no more"
        )
        return f"out of memory: {why}"

    def hint_memory(self) -> str:
        """What to do about it."""
        return HINT if self.memory_mb else "give the machine more, run fewer jobs at once, or set a limit (--memory)"

    def told_cpu(self) -> str:
        """Why a job was ended that used its CPU time up."""
        return f"it used more than {span((self.cpu_seconds or 0) * SECOND)} of CPU time"

    def told_wall(self) -> str:
        """Why a job was ended that took too long."""
        return f"it ran longer than {span((self.wall_seconds or 0) * SECOND)}"
