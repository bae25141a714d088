"""What a replay of the flights year shall be: how long, when the bad deploy comes, and what is set up before it."""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import DAY, HOUR, parse_time

MODEL = "flight-delay"
DATASET = "flights"
ENDPOINT = "local"
ACTOR = "demo"

# The replay begins with midnight of 1 April 2013 in New York; what came before is training data.
OPENING_US = parse_time("2013-04-01T04:00:00Z")
TRAINED_TO = "2013-04-01"
HOLDOUT_FROM = "2013-03-01"
TICK_US = HOUR
FAULTS = ("skew", "none")


@dataclass(frozen=True)
class Plan:
    """A replay: `speed` is simulated days a second (0: as fast as this machine can), `bad_day` counts from 0."""

    days: int = 30
    bad_day: int = 15
    seed: int = 7
    fault: str = "skew"
    speed: float = 1.0
    automatic: bool = False

    @property
    def end_us(self) -> int:
        """When the replay ends."""
        return OPENING_US + self.days * DAY

    @property
    def retrain_us(self) -> int:
        """When version 2 is trained: the evening before it is deployed."""
        return self.bad_us - 16 * HOUR

    @property
    def bad_us(self) -> int:
        """When version 2 is deployed: at eleven in the morning, New York time, as such things are."""
        return OPENING_US + self.bad_day * DAY + 11 * HOUR


SETTINGS = """# Settings of the demonstration home.
environment = "DEMO"

[auto_rollback]
mode = "{mode}"
"""


@dataclass(frozen=True)
class Objective:
    """An SLO of the demonstration: what `tocsin slo add` would be told."""

    name: str
    measure: str
    target: str
    critical: bool = False
    threshold_ms: int | None = None
    at_least: float | None = None
    trailing: str = "7d"
    min_labels: int = 400


# The quality objective: in at least 80 % of the hours, the AUC over the week before is 0.55 or better, from 400 labels
# of the version that serves. On the year after training that raises one false page for version 1, and finds the bad
# version within 14 to 29 hours on most days (in a mild week later or not at all: it then does little harm).
OBJECTIVES = (
    Objective("answers", "availability", "0.999", critical=True),
    Objective("fast answers", "latency", "0.95", threshold_ms=300),
    Objective("complete inputs", "missing", "0.97"),
    Objective("useful predictions", "quality", "0.8", at_least=0.55),
)
