from __future__ import annotations

import io
import json
import sys
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cli.main import run
from core.access import secrets
from core.access.redact import REDACTED, Redacted, redact
from core.desk import Desk
from core.endpoints import verbs
from core.errors import BadInput, NotFound
from core.home import Home
from core.runbooks import engine, parse, trust
from core.work import plan, rows
from core.work.here import run_here

CANARY = "canary-3f9a/2b+7c"
LEAKS = """
import os, sys
def leak(desk, args, progress):
    secret = os.environ["TOCSIN_TEST_CANARY"]
    print("token", secret); print("half", secret, file=sys.stderr, end="")
    progress(0.5, secret)
    if args.get("crash"):
        raise RuntimeError(f"refused with {secret}")
    return {"said": [secret]}
"""
BOOK = """---
id: leaky
version: 1
owner: us
reviewed: 2026-01-15
---
# A step that prints what it should not

Reads the token, as people do.

## Print it

What is printed is stored.

```step
id: print
type: check
argv: [sh, -c, "cat token; cat token >&2"]
```
"""


def everywhere(home: Home) -> bytes:
    """Every byte that the home keeps: the store, its log, blobs, job logs, but for the folder of keys."""
    return b"".join(path.read_bytes() for path in home.path.rglob("*") if path.is_file() and path.name != "token")


@given(st.text(min_size=2).filter(str.strip), st.text(), st.text())
def test_a_secret_never_survives_redaction_in_any_place_of_a_value(secret: str, before: str, after: str) -> None:
    gone = redact({"a": [before + secret + after], "b": {"c": secret}}, [secret])
    if secret not in REDACTED:
        assert gone["b"] == {"c": REDACTED}
        assert redact(secret + secret, [secret]) == REDACTED * 2
    assert redact(before, []) == before


def test_the_longer_of_two_secrets_goes_first_and_other_forms_go_as_well() -> None:
    assert redact("abcdef abc", ["abc", "abcdef"]) == f"{REDACTED} {REDACTED}"
    assert redact("k=a%2Fb%20c eyJ YS9iIGM=", ["a/b c"]) == f"k={REDACTED} eyJ {REDACTED}"


@given(st.lists(st.integers(1, 9), max_size=8))
def test_a_stream_hides_a_secret_however_it_is_cut_into_writes(cuts: list[int]) -> None:
    text, under = f"one {CANARY} two\nthree {CANARY}", io.StringIO()
    stream = Redacted(under, [CANARY])
    for cut in cuts:
        stream.write(text[:cut])
        text = text[cut:]
    stream.write(text)
    stream.flush()
    assert under.getvalue() == f"one {REDACTED} two\nthree {REDACTED}"


def test_a_token_given_in_place_of_a_reference_is_refused_and_not_repeated(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["endpoint", "add", "prod", "http://127.0.0.1:1", "--token-ref", CANARY, "--yes"]
    assert run(["--home", str(home.path), *words]) == 2
    told = capsys.readouterr()
    assert CANARY not in told.out + told.err
    assert "keyring:SERVICE/NAME" in told.err
    assert CANARY.encode() not in everywhere(home)


@pytest.mark.parametrize("ref", ["keyring:", "keyring:service", "keyring:/name", "keyring:service/", "plain"])
def test_a_reference_of_no_form_is_refused(ref: str) -> None:
    for ask in (secrets.checked, secrets.resolve):
        with pytest.raises(BadInput):
            ask(ref)


def test_a_keyring_answers_or_says_why_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(NotFound, match="not installed"):
        secrets.resolve("keyring:tocsin/prod")

    class KeyringError(Exception):
        pass

    kept = {("tocsin/eu", "prod"): CANARY}

    def get_password(service: str, name: str) -> str | None:
        if service == "locked":
            raise KeyringError("No recommended backend was available")
        return kept.get((service, name))

    keyring, errors = types.ModuleType("keyring"), types.ModuleType("keyring.errors")
    keyring.get_password = get_password  # type: ignore[attr-defined]
    errors.KeyringError = KeyringError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    assert secrets.resolve("keyring:tocsin/eu/prod") == CANARY
    assert secrets.checked("keyring:tocsin/eu/prod") == "keyring:tocsin/eu/prod"
    with pytest.raises(NotFound, match="has no prod for tocsin"):
        secrets.resolve("keyring:tocsin/prod")
    with pytest.raises(NotFound, match="no keyring that can be read") as refused:
        secrets.resolve("keyring:locked/prod")
    assert "file:PATH" in refused.value.hint


def leaking_job(desk: Desk, args: dict[str, object]) -> rows.Run:
    with desk.write() as tx:
        job = plan.request_run(tx, desk.now_us(), "leak", args, f"r{args}", attempts=1)
    return run_here(desk, {"leak": "leaky_job:leak"}, job, lambda share, text: None)


def test_a_canary_is_nowhere_after_jobs_and_runbooks_printed_it(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leaky_job.py").write_text(LEAKS)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")
    monkeypatch.setenv("TOCSIN_TEST_CANARY", CANARY)
    token = desk.home.path / "token"
    token.write_text(CANARY + "\n")
    token.chmod(0o600)
    verbs.add(desk, "prod", "http://127.0.0.1:1", f"file:{token}")
    done = leaking_job(desk, {})
    assert (done.state, done.result) == ("succeeded", {"said": [REDACTED]})
    crashed = leaking_job(desk, {"crash": True})
    assert crashed.state == "dead"
    assert f"RuntimeError: refused with {REDACTED}" in (crashed.error or "")
    log = (desk.home.logs_path / f"job-{done.id}.log").read_text()
    assert log == f"token {REDACTED}\nhalf {REDACTED}"
    walk_leaky(desk)
    assert CANARY.encode() not in everywhere(desk.home)
    assert json.dumps(CANARY).encode() not in everywhere(desk.home)


def walk_leaky(desk: Desk) -> None:
    (desk.home.runbooks_path).mkdir(exist_ok=True)
    (desk.home.runbooks_path / "leaky.md").write_text(BOOK)
    book = parse.parse(BOOK, "leaky.md")
    trust.trust(desk, book)
    standing = engine.start(desk, book, None, {})
    assert engine.act(desk, standing, "run").lines[0] == REDACTED
