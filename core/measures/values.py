"""One raw value: what kind it is of, whether it is there, and how it is read as a number."""

from __future__ import annotations

from typing import Any, Literal

NUMBER: Literal["number"] = "number"
CATEGORY: Literal["category"] = "category"
NAN = float("nan")


def is_missing(value: Any) -> bool:
    """Whether a raw value stands for nothing: None, or not-a-number."""
    return value is None or bool(value != value)


def as_number(value: Any) -> float:
    """A raw value as a float; not-a-number where it is missing or is no number (text is never parsed)."""
    if value.__class__ is float:
        return float(value)
    if value is None or isinstance(value, (str, bytes)):
        return NAN
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return NAN
