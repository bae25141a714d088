from __future__ import annotations

import os
import random
import signal
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import TocsinError
from tests.fuzz.mutate import spoiled
from tests.fuzz.parsers import PARSERS

IN_CI = 100
AT_NIGHT = 2_000
# Seconds for one input: far beyond what any needs, so that only a parser that does not end is caught.
LONGEST = 20.0


class Hang(BaseException):
    """A parser did not come to an end."""


def test_every_parser_reads_its_own_examples(tmp_path: Path) -> None:
    for parser in PARSERS.values():
        for example in parser.examples():
            parser.read(example, tmp_path)


@pytest.mark.parametrize("name", PARSERS)
def test_no_input_gets_past_a_parsers_own_errors(name: str, tmp_path: Path) -> None:
    fuzz(name, IN_CI, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("name", PARSERS)
def test_no_input_in_thousands_gets_past_a_parsers_own_errors(name: str, tmp_path: Path) -> None:
    fuzz(name, AT_NIGHT, tmp_path)


def fuzz(name: str, inputs: int, folder: Path) -> None:
    """Give a parser spoiled examples; TOCSIN_FUZZ_SEED=N gives it the one that a failure named."""
    asked = os.environ.get("TOCSIN_FUZZ_SEED")
    for seed in range(inputs) if asked is None else [int(asked)]:
        content = one(name, seed)
        try:
            with at_most(LONGEST):
                PARSERS[name].read(content, folder)
        except (TocsinError, *PARSERS[name].documented):
            continue
        except BaseException as error:
            error.add_note(f"{name}, TOCSIN_FUZZ_SEED={seed}: {content[:300]!r}")
            raise


def one(name: str, seed: int) -> bytes:
    """The input of a seed: a spoiled example."""
    chance = random.Random(zlib.crc32(name.encode()) * 1_000_003 + seed)
    return spoiled(chance, chance.choice(PARSERS[name].examples()))


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
