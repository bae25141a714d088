"""A cluster's failures in the words of `core.errors`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import RemoteRefused, RemoteUnreachable, TocsinError

AGAIN = "look at the cluster's log, then run the same command again"


def no_workers(address: str) -> RemoteUnreachable:
    """The error of a cluster that has nobody to work."""
    return RemoteUnreachable(f"the cluster at {address} has no workers", "start one: dask worker " + address)


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Raises RemoteUnreachable where the scheduler or its workers are gone, RemoteRefused for what a worker cannot do.

    Tocsin's own errors pass through, from a worker too.
    """
    import asyncio
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    try:
        yield
    except TocsinError:
        raise
    except KilledWorker as error:
        raise RemoteUnreachable(f"workers of {address} died again and again under one part: {error}", AGAIN) from error
    except (OSError, TimeoutError, CancelledError, asyncio.CancelledError, FutureCancelledError) as error:
        raise RemoteUnreachable(
            f"the cluster at {address} does not answer: {type(error).__name__}: {_first(error)}",
            "check the address of its scheduler, and that it runs",
        ) from error
    except (ImportError, AttributeError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        raise RemoteRefused(f"a worker of {address} failed: {type(error).__name__}: {_first(error)}", AGAIN) from error


def _first(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else "no word"
