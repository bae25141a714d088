"""LightGBM's own distributed training, on rows dealt out to the workers."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Any

from core.errors import BadInput, RemoteUnreachable
from plugins.engine_dask.failure import AGAIN, no_workers, translated

LOOK_EVERY_SECONDS = 2
# The minutes after which a worker gives up waiting for another one that died; LightGBM's own are 120.
MINUTES = 2


def boost(
    client: Any,
    address: str,
    parameters: Mapping[str, Any],
    rounds: int,
    rows: tuple[Any, Any, Any],
    categories: list[int],
) -> Any:
    """The booster of so many rounds. Raises BadInput for rows LightGBM refuses, RemoteUnreachable for a lost worker.

    Each worker gets every n-th row, not a stretch: each finds the bins of some columns from its own rows, which in
    the order of time would be those of one season.
    """
    import lightgbm
    from lightgbm import DaskLGBMRegressor

    with translated(address):
        workers = sorted(client.nthreads())
        if not workers:
            raise no_workers(address)
        arrays: list[Any] = [None if each is None else _dealt(client, each, workers) for each in rows]
        own = {name: value for name, value in parameters.items() if name != "num_threads"}
        # The objective says what is learnt: as a regressor it takes labels and classes as they are.
        model = DaskLGBMRegressor(client=client, n_estimators=rounds, time_out=MINUTES, tree_learner="data", **own)
        pool = ThreadPoolExecutor(1)
        fitting = pool.submit(_fitted, client, model, arrays, categories)
        try:
            _watched(client, address, fitting, workers)
            return fitting.result().booster_
        except lightgbm.basic.LightGBMError as error:
            raise BadInput(f"LightGBM cannot fit these rows: {error}", "look at `tocsin dataset profile`") from error
        finally:
            pool.shutdown(wait=False)


def _fitted(client: Any, model: Any, arrays: list[Any], categories: list[int]) -> Any:
    """A model fitted on rows, labels and weights."""
    matrix, labels, weights = arrays
    # Dask's arrays look for the client of the thread that they are in.
    with client.as_current():
        return model.fit(matrix, labels, sample_weight=weights, categorical_feature=categories or "auto")


def _dealt(client: Any, values: Any, workers: list[str]) -> Any:
    """A Dask array whose n-th block is on the n-th worker."""
    import dask.array
    from dask.delayed import delayed

    blocks = []
    for place, worker in enumerate(workers):
        mine = values[place :: len(workers)]
        held = client.scatter(mine, workers=[worker], hash=False)
        blocks.append(dask.array.from_delayed(delayed(held), mine.shape, mine.dtype))
    return dask.array.concatenate(blocks)


def _watched(client: Any, address: str, fitting: Future[Any], workers: list[str]) -> None:
    """Wait for a fit. Raises RemoteUnreachable as soon as a worker is gone: the others would wait for it."""
    ended = False
    while not ended:
        ended = bool(wait_for([fitting], LOOK_EVERY_SECONDS).done)
        if ended and fitting.exception() is None:
            return
        gone = sorted(set(workers) - set(client.nthreads()))
        if gone:
            raise RemoteUnreachable(f"a worker of {address} died while fitting: {', '.join(gone)}", AGAIN)
