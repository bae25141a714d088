from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from console.cli.main import run
from core.clock import SharedClock, SimClock, parse_time
from core.desk import Desk
from core.home import Home

# A loaded machine is no fault of a property: how long an example takes is for the benchmarks to say.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def clock() -> SimClock:
    return SimClock(parse_time("2013-04-01T00:00:00Z"))


@pytest.fixture
def desk(home: Home, clock: SimClock) -> Iterator[Desk]:
    opened = Desk.open(home, actor="ana", clock=clock)
    yield opened
    opened.store.close()


@pytest.fixture
def tocsin(desk: Desk, clock: SimClock, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command on the desk's home at the desk's time: (exit code, stdout, stderr)."""

    def _tocsin(*argv: str) -> tuple[int, str, str]:
        SharedClock.create(desk.home.clock_path, clock.now_us())
        code = run(["--home", str(desk.home.path), *argv])
        said = capsys.readouterr()
        return code, said.out, said.err

    return _tocsin


@pytest.fixture
def watched(desk: Desk) -> Desk:
    """A desk with a model and an endpoint that was heard just now."""
    now = desk.now_us()
    with desk.write() as tx:
        tx.execute("INSERT INTO model(name, task, label, created_us) VALUES ('flights', 'binary', 'late', ?)", (now,))
        tx.execute(
            "INSERT INTO endpoint(name, adapter, url, token_ref, added_us, seen_us) "
            "VALUES ('gate', 'embedded', '', '', ?, ?)",
            (now, now),
        )
    return desk


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with installed feature functions (`tests.features.plugins`)."""
    from tests.features import plugins

    folder = tmp_path / "installed"
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    yield plugins.install(folder)
    monkeypatch.undo()
    plugins.forget()
