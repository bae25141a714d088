"""Every parser of something that comes from outside, with valid examples of it and the errors it may answer with."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.clock import parse_span, parse_time
from core.counts import vector
from core.datasets import check, contract, formats, normal, profile, source
from core.datasets.infer import infer
from core.home import Home
from core.monitor import label_file
from core.runbooks.conditions import Condition
from core.runbooks.library import shipped
from core.runbooks.parse import parse
from core.serving.tokens import Tokens
from core.settings import load as load_settings
from core.slo import backtest
from core.slo.windows import parse_window
from core.training.artefact import Artefact
from core.work.trigger import next_due
from tests.fuzz.endpoint import HEALTH, INFER, NOW_US, PATHS, SCORES, addressed, call, page, told
from tests.serving.tiny import artefact

CSV = b"id,at,delay,carrier,late\n1,2013-01-01T05:00:00Z,2.5,UA,0\n2,2013-01-01T06:00:00Z,,AA,1\n3,2013-01-02,-4,UA,0\n"
ROWS = b'{"id": 1, "at": "2013-01-01", "delay": 2.5, "word": "a"}\n{"id": 2, "at": null, "delay": 3, "word": null}\n'
SETTINGS = b"""environment = "PROD"
read_only = false
threads = 2
[auto_rollback]
mode = "shadow"
cooldown_hours = 24
[retention]
minute_days = 14
"""
BACKTEST = b"ts,good,total\n2026-01-31T12:00:00Z,995,1000\n2026-01-31T13:00:00Z,990,1000\n1769868000,1,2\n"
LABELS = b"id,label,at\na,1,2013-04-01\nb,0,\nc,,\nd,true,2013-04-01T10:00:00Z\n"


@dataclass(frozen=True)
class Parser:
    """A parser: what it is given, and which errors beside TocsinError it may raise by its own documentation."""

    examples: Callable[[], Sequence[bytes]]
    read: Callable[[bytes, Path], object]
    documented: tuple[type[Exception], ...] = ()


def text(content: bytes) -> str:
    """Text as a command line hands it over: what is no UTF-8 is kept as half a surrogate pair."""
    return content.decode("utf-8", "surrogateescape")


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def table(content: bytes, folder: Path, name: str) -> None:
    """Read a file as a data set is read: its table, its normal form, its profile, its contract and the check."""
    found = normal.normal(formats.read_table(source.open_source(written(folder, name, content))))
    facts = profile.profile(found)
    check.check(infer(facts), found, now_us=NOW_US)


@cache
def parquet() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2, 3], "delay": [2.5, None, -4.0], "carrier": ["UA", "AA", "UA"]}), sink)
    return sink.getvalue()


@cache
def contract_json() -> bytes:
    import pyarrow as pa
    import pyarrow.csv

    facts = profile.profile(normal.normal(pa.csv.read_csv(pa.BufferReader(CSV))))
    return json.dumps(infer(facts, label="late").to_json()).encode()


def settings(content: bytes, folder: Path) -> None:
    home = Home(folder)
    home.settings_path.write_bytes(content)
    load_settings(home)


def lines(*examples: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [example.encode() for example in examples]


def dumped(*examples: object) -> Callable[[], Sequence[bytes]]:
    return lambda: [json.dumps(example).encode() for example in examples]


def dense(content: bytes) -> object:
    data = json.loads(content)
    return vector.dense(data["i"], data["n"], data["len"])


PARSERS: dict[str, Parser] = {
    "settings": Parser(lambda: [SETTINGS], settings),
    "contract": Parser(
        lambda: [contract_json()], lambda b, _: contract.Contract.from_json(json.loads(b)), (ValueError, RecursionError)
    ),
    "csv": Parser(lambda: [CSV, CSV.replace(b"\n", b"\r\n")], lambda b, f: table(b, f, "a.csv")),
    "json lines": Parser(lambda: [ROWS], lambda b, f: table(b, f, "a.jsonl")),
    "parquet": Parser(lambda: [parquet()], lambda b, f: table(b, f, "a.parquet")),
    "labels": Parser(lambda: [LABELS], lambda b, f: label_file.read(written(f, "l.csv", b), NOW_US)),
    "runbook": Parser(
        lambda: [each.text.encode() for each in shipped()],
        lambda b, _: parse(b.decode("utf-8", "replace"), "fuzz"),
    ),
    "condition": Parser(lines("auc >= 0.6", "class == model"), lambda b, _: Condition.parse(text(b))),
    "backtest": Parser(lambda: [BACKTEST], lambda b, f: backtest.read(written(f, "b.csv", b))),
    "trigger": Parser(
        lines("every 15m", "0 3 * * *", "once 2026-01-31T03:00:00Z", "*/5 1-3 1,2 * MON#1"),
        lambda b, _: next_due(text(b), NOW_US),
    ),
    "time": Parser(lines("2013-04-01", "2013-04-01T12:30:00.5+02:00"), lambda b, _: parse_time(text(b))),
    "span": Parser(lines("90s", "15m", "30d", "4w"), lambda b, _: parse_span(text(b))),
    "window": Parser(lines("30d", "month", "Week"), lambda b, _: parse_window(text(b))),
    "zone": Parser(lines("Europe/Berlin", "UTC"), lambda b, _: parse_window("month", text(b))),
    "tokens": Parser(lines("abc predict,telemetry\nxyz\n"), lambda b, _: Tokens(b.decode("utf-8", "replace"))),
    "artefact": Parser(lambda: [artefact().to_bytes()], lambda b, _: Artefact.from_bytes(b)),
    "vector": Parser(lambda: [vector.encode([1] * 9), vector.encode([0] * 900 + [500])], lambda b, _: vector.decode(b)),
    "wire vector": Parser(
        dumped({"i": [0, 3], "n": [1, 2], "len": 9}),
        lambda b, _: dense(b),
        (ValueError, KeyError, TypeError, RecursionError),
    ),
    "score": Parser(dumped(*SCORES), lambda b, _: call("POST", "/v1/models/m/score", b)),
    "infer": Parser(dumped(INFER), lambda b, _: call("POST", "/v2/models/m/infer", b)),
    "activate": Parser(dumped({"version": 1}), lambda b, _: call("POST", "/v1/models/m/activate", b)),
    "address": Parser(lambda: PATHS, addressed),
    "page": Parser(lambda: [page()], lambda b, _: told("telemetry", b)),
    "health": Parser(dumped(HEALTH), lambda b, _: told("health", b)),
    "answer": Parser(dumped({"score": 0.5}), lambda b, _: told("infer", b)),
}
