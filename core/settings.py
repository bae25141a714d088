"""Settings of a home: one TOML file, every field known, every error naming the field."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from core.errors import BadInput
from core.home import Home

NotNegative = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


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
    """CPU seconds that the jobs of one model may use in a UTC day; nought is no limit. `models` names exceptions."""

    cpu_seconds: NotNegative = 0
    models: dict[str, NotNegative] = {}


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
    """The settings of a home, defaults where there is no file. Raises BadInput naming the field and what it may be."""
    try:
        text = home.settings_path.read_bytes()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise BadInput(f"{home.settings_path} cannot be read: {error}", "check its permissions") from error
    try:
        return msgspec.toml.decode(text, type=Settings)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadInput(f"{home.settings_path}: {error}", "`tocsin help settings` lists the fields") from error
