from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

Writer = Callable[..., Path]
Loans = Callable[..., str]


def loans_csv(rows: int = 200, *, seed: int = 1, income: float = 1000.0, start: int = 0) -> str:
    """A small CSV: id, time, income, grade, note (all empty) and default."""
    dice = random.Random(seed)
    lines = ["id,at,income,grade,note,default"]
    for row in range(start, start + rows):
        day = f"2013-04-{row % 28 + 1:02d}T06:00:00"
        lines.append(f"{row},{day},{dice.gauss(income, 100):.2f},{dice.choice('ABC')},,{int(dice.random() < 0.3)}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Write text or bytes into a file of that name and hand back its path."""

    def writer(content: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return writer


@pytest.fixture
def loans_file(write: Writer) -> Path:
    return write(loans_csv(), "loans.csv")


@pytest.fixture
def loans() -> Loans:
    """Makes the text of a file of loans."""
    return loans_csv
