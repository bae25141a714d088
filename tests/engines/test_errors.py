"""What becomes of a command whose cluster is not there, not like this process, or dies."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.desk import Desk
from core.engines.engine import Choice
from core.errors import BadInput, RemoteRefused, RemoteUnreachable
from tests.engines.conftest import require_installed

Run = Callable[..., tuple[int, str, str]]


def dies(part: int) -> int:
    """A part that ends the worker under it."""
    if part == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return part


def dies_once(part: tuple[int, str]) -> int:
    """As above, the first time."""
    number, mark = part
    if number == 2 and not os.path.exists(mark):
        open(mark, "x").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refuses(part: int) -> int:
    """A part that cannot be worked on."""
    raise BadInput("this part is bad", "take another")


@pytest.mark.e2e
def test_an_address_where_nobody_listens_is_told_in_two_lines(trained: Desk, tocsin: Run) -> None:
    require_installed()
    code, _, messages = tocsin("dataset", "profile", "flights", "--engine", "dask", "--address", "tcp://127.0.0.1:1")
    assert code == 4
    assert len(messages.splitlines()) == 2
    assert "tcp://127.0.0.1:1" in messages


@pytest.mark.parametrize(
    ("options", "code"), [(["--engine", "dask"], 2), (["--engine", "dask", "--address", "here"], 2)]
)
def test_an_engine_without_its_address_is_told(trained: Desk, tocsin: Run, options: list[str], code: int) -> None:
    require_installed()
    found, _, messages = tocsin("score", "flights", "flights", "--here", *options)
    assert (found, len(messages.splitlines())) == (code, 2)


def test_without_dask_the_hint_says_what_to_install(
    trained: Desk, tocsin: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_installed()
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, messages = tocsin("dataset", "profile", "flights", "--engine", "dask", "--address", "tcp://127.0.0.1:1")
    assert (code, len(messages.splitlines())) == (2, 2)
    assert "pip install 'tocsin[dask]'" in messages


def test_early_stopping_is_refused_before_anything_begins(desk: Desk, add: Callable[..., str], tocsin: Run) -> None:
    add()
    command = ("train", "m", "--dataset", "flights", "--label", "delay>=8", "--early-stopping", "5")
    code, _, messages = tocsin(*command, "--engine", "dask", "--address", "tcp://127.0.0.1:1")
    assert (code, len(messages.splitlines())) == (2, 2)


def test_packages_that_differ_are_named() -> None:
    require_installed()
    from plugins.engine_dask.identity import identity, require_same

    mine = identity()
    require_same(mine, {"a": mine})
    with pytest.raises(RemoteRefused, match=r"numpy is .* here, 1\.0 there; tocsin's code is .* here, absent there"):
        other = {name: value for name, value in {**mine, "numpy": "1.0"}.items() if name != "tocsin's code"}
        require_same(mine, {"a": mine, "b": other})
    with pytest.raises(RemoteRefused, match="1 of 2 workers cannot load tocsin: b: ModuleNotFoundError"):
        require_same(mine, {"a": mine, "b": ModuleNotFoundError("no core")})


@pytest.fixture
def frail() -> Iterator[Any]:
    """A cluster of one worker that a nanny starts again."""
    require_installed()
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, worker_dashboard_address=None
        ) as running,
    ):
        yield running


@pytest.mark.e2e
def test_a_worker_that_dies_loses_nothing_and_one_that_always_dies_is_told(frail: Any, tmp_path: Any) -> None:
    mark = str(tmp_path / "died")
    with Choice("dask", frail.scheduler_address).open(1) as engine:
        assert [*engine.each(dies_once, ((number, mark) for number in range(5)))] == [*range(5)]
        with pytest.raises(BadInput, match="this part is bad"):
            list(engine.each(refuses, range(3)))
        with pytest.raises(RemoteUnreachable, match="died again and again"):
            list(engine.each(dies, range(5)))


@pytest.mark.e2e
def test_a_worker_that_dies_while_fitting_ends_the_fit_and_is_named(frail: Any) -> None:
    import numpy as np

    from core.training.fit import parameters_of

    matrix = np.random.default_rng(0).normal(size=(100_000, 10))
    parameters = {**parameters_of("binary", (), (), {}), "verbosity": -1}

    def kill_once_it_fits() -> None:
        while not any("_train_part" in key for found in client.processing().values() for key in found):
            pass
        os.kill(next(iter(frail.workers.values())).pid, signal.SIGKILL)

    with frail.get_client() as client, Choice("dask", frail.scheduler_address).open(1) as engine:
        killer = threading.Thread(target=kill_once_it_fits)
        killer.start()
        with pytest.raises(RemoteUnreachable, match="died while fitting"):
            engine.boost(parameters, 5000, matrix, (matrix[:, 0] > 0).astype(float), None, [])  # type: ignore[attr-defined]
        killer.join()


@pytest.mark.e2e
def test_a_cluster_without_workers_is_told_at_once_or_as_soon_as_they_are_gone(frail: Any) -> None:
    address = frail.scheduler_address
    with Choice("dask", address).open(1) as engine:

        def parts() -> Iterator[int]:
            yield 0
            frail.scale(0)
            yield from range(1, 4)

        with pytest.raises(RemoteUnreachable, match="no workers"):
            list(engine.each(abs, parts()))
    with pytest.raises(RemoteUnreachable, match="no workers"), Choice("dask", address).open(1):
        pass
