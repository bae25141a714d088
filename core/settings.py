"""Settings of a home: one TOML file, every field known, every error naming the field."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from core.errors import BadInput, NotAllowed
from core.home import Home

NotNegative = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Money = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class AutoRollback(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """When a page whose first suspect is a deploy may be rolled back without a person.

    `shadow` records what it would have done; `cooldown_hours` is the least time between two of them on one model.
    """

    mode: Literal["off", "shadow", "on"] = "off"
    cooldown_hours: Positive = 24
    suspect_within_hours: Positive = 72


class Retention(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How long each grain of counts is kept, in days; coarser grains hold the same sums, so nothing is lost to age.

    Above `max_mb` megabytes in use the oldest minutes go first, then hours, then samples; 0 is no budget.
    """

    minute_days: Positive = 14
    hour_days: Positive = 400
    prediction_days: Positive = 45
    sample_days: Positive = 14
    max_mb: Annotated[int, msgspec.Meta(ge=0)] = 0


class Jobs(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a job may use where its schedule does not say; nought is no limit. `log_mb` is the most a log grows to."""

    memory_mb: NotNegative = 0
    cpu_seconds: NotNegative = 0
    wall_seconds: NotNegative = 0
    log_mb: Positive = 16


class Quota(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the jobs of one model may use in a UTC day, in CPU seconds and in money; nought is no limit.

    `models` and `money_models` name exceptions. Money is in units of `currency`, at `price_per_cpu_hour`.
    """

    cpu_seconds: NotNegative = 0
    models: dict[str, NotNegative] = {}
    money: Money = 0
    money_models: dict[str, Money] = {}
    price_per_cpu_hour: Money = 0
    currency: Annotated[str, msgspec.Meta(min_length=1, max_length=8)] = "EUR"

    def __post_init__(self) -> None:
        if (self.money or any(self.money_models.values())) and not self.price_per_cpu_hour:
            raise ValueError("a quota of money needs `price_per_cpu_hour`")

    def cost_micros(self, cpu_ms: int) -> int | None:
        """What CPU time costs, in millionths of the currency; None where nobody has named a price."""
        return cpu_ms * round(self.price_per_cpu_hour * 1e6) // 3_600_000 if self.price_per_cpu_hour else None

    def amount(self, micros: int) -> str:
        """A sum of money in words: `0.0123 EUR`."""
        return f"{micros / 1e6:.4f} {self.currency}"


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What an operator may choose for a home."""

    environment: Annotated[str, msgspec.Meta(min_length=1, max_length=12)] = "PROD"
    read_only: bool = False
    actor: str = ""
    threads: Positive = 2
    store_key_ref: str = ""
    queued_asks_again_minutes: Positive = 15
    dead_man_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s/]+\S*)?$")] = ""
    auto_rollback: AutoRollback = AutoRollback()
    retention: Retention = Retention()
    jobs: Jobs = Jobs()
    quota: Quota = Quota()


def load(home: Home) -> Settings:
    """The settings of a home, defaults where there is no file. Raises BadInput naming the field and what it may be.

    A file that has not changed is not read again: a transaction may ask.
    """
    path = home.settings_path
    try:
        found = path.stat()
        return _read(path, found.st_ino, found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error}", "check its permissions") from error


def require_writable(home: Home) -> None:
    """Raises NotAllowed for a home that is set to read-only; one that does not exist yet is not."""
    settings = load(home)
    if settings.read_only:
        raise read_only_error(settings)


def read_only_error(settings: Settings) -> NotAllowed:
    """What is raised in place of a change where the environment is set to read-only."""
    return NotAllowed(
        f"{settings.environment} is set to read-only", "set read_only = false in the home's settings.toml"
    )


@lru_cache(maxsize=8)
def _read(path: Path, *identity: int) -> Settings:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Settings)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: {error}", "`tocsin help settings` lists the fields") from error
