"""The job that scores a snapshot: in parts that are kept as they are done, so that a kill costs one part at most."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import crashpoint
from core.clock import span
from core.datasets import load
from core.datasets.rows import Snapshot, contract_or_none, snapshot
from core.desk import Desk
from core.engines.engine import Engine
from core.errors import BadInput
from core.features.join import source_snapshots
from core.home import home_error
from core.registry import versions
from core.scoring import rows
from core.scoring.compare import compare
from core.scoring.output import Inputs, Scorer
from core.scoring.parts import Parts, chunks, sweep
from core.scoring.plan import Plan, require_scorable
from core.scoring.rows import Score, Work
from core.settings import Quota
from core.store.blobs import file_sha256
from core.training.artefact import Artefact
from core.training.record import Version

if TYPE_CHECKING:
    import pyarrow

Progress = Callable[..., None]
# The share of the progress that is left for joining the parts.
JOINING = 0.05


def score(desk: Desk, args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Score a snapshot with a version, or with two to compare them; the job kind `score`.

    `args` are those of `Plan`. What was begun and not ended is gone on with: the output is the same to the last byte
    however often it was killed and however it was cut. Raises NotFound for an unknown model or snapshot, BadInput for
    a snapshot that does not fit the model or an `out` that exists, StoreUnusable for a full disk.
    """
    plan = Plan.of(args)
    works = planned(desk, plan)
    loaded = [versions.load_artefact(desk, work.version.model, work.version.version) for work in works]
    for work, artefact in zip(works, loaded, strict=True):
        require_scorable(artefact, work)
    threads = plan.threads or desk.settings.threads
    done = []
    with plan.engine.open(threads) as engine:
        for place, (work, artefact) in enumerate(zip(works, loaded, strict=True)):
            found = rows.begin(desk, work, plan.run_id)
            part = _share(progress, place, len(works))
            if not found.blob:
                found = _through(desk, work, found, Scorer(artefact, threads), engine, part)
            done.append(found)
            sweep(desk)
    if plan.out is not None:
        hand_out(desk, done[0], plan.out, overwrite=plan.overwrite)
    result = {**summary(done[0], desk.settings.quota), "out": str(plan.out) if plan.out else None}
    if len(done) == 2:
        result["comparison"] = compare(desk, done[0].id, done[1].id)
    progress(1.0, f"scored {sum(each.rows for each in done):,} rows")
    return result


def planned(desk: Desk, plan: Plan) -> list[Work]:
    """The one or two scorings that a plan means. Raises NotFound, and BadInput for a version beside itself."""
    wanted = snapshot(desk.store, plan.dataset, plan.snapshot)
    first = versions.version(desk.store, plan.model, plan.version)
    found = [first]
    if plan.compare is not None:
        found.append(versions.version(desk.store, plan.model, plan.compare))
        if found[1].version == first.version:
            raise BadInput(f"version {first.version} cannot be compared with itself", "name another with --compare")
    return [_work(desk, plan, each, wanted) for each in found]


def _work(desk: Desk, plan: Plan, version: Version, wanted: Snapshot) -> Work:
    """What is to be done; a source that is the data set itself is read from the snapshot scored, as in training."""
    artefact = versions.load_artefact(desk, version.model, version.version)
    if artefact.lookups is None:
        return Work(version, wanted, plan.keep, plan.chunk)
    held = contract_or_none(desk.store, wanted.dataset)
    column = (held.contract.time_column if held else None) or wanted.time_column
    sources = source_snapshots(desk, artefact.lookups, {wanted.dataset: wanted.number, **plan.sources})
    return Work(version, wanted, plan.keep, plan.chunk, sources, column)


def summary(found: Score, quota: Quota) -> dict[str, Any]:
    """A scoring as plain data: throughput in rows a second, CPU seconds, cost for 1,000 rows where there is a price."""
    cost = quota.cost_micros(found.cpu_ms)
    return {
        "score": found.id,
        "model": found.model,
        "version": found.version,
        "snapshot": found.snapshot,
        "rows": found.rows,
        "scored": found.rows if found.blob else found.in_parts,
        "output": found.blob,
        "keep": [*found.keep],
        "rows_per_s": round(found.rows_per_s, 1) if found.rows_per_s else None,
        "cpu_seconds": found.cpu_ms / 1000,
        "cost_per_1000_rows": round(cost / 1e6 * 1000 / found.rows, 9) if cost is not None and found.blob else None,
        "currency": quota.currency if cost is not None else None,
        "job": found.run_id,
    }


def _share(progress: Progress, place: int, of: int) -> Progress:
    return lambda share, text="": progress((place + share) / of * (1 - 1e-9), text)


def _through(desk: Desk, work: Work, found: Score, scorer: Scorer, engine: Engine, progress: Progress) -> Score:
    """Score what is not in whole parts yet, then join all parts into one file."""
    files, spent = Parts(desk, found), _Spent(engine)
    done = len(files.whole())
    rows.forget_parts(desk, found.id, done)
    source = load.path(desk, work.snapshot)
    told = _Told(found, done * found.chunk, progress)
    inputs = Inputs.of(desk, work, scorer.artefact)
    waiting = load.ahead(chunks(source, inputs.reads, done * found.chunk, found.chunk))
    for output in engine.each(scorer, map(inputs.ready, waiting)):
        rows.keep_part(desk, found.id, files.write(done, output), *spent.since())
        told.more(output.num_rows)
        done += 1
    progress(1 - JOINING, f"joining {done} parts")
    blob = _joined(desk, files.tables(done), _metadata(work, scorer.artefact))
    return rows.end(desk, found, work.sources, blob, *spent.since())


def _metadata(work: Work, artefact: Artefact) -> dict[str, str]:
    """What the output says of itself: nothing that differs between two scorings of the same rows by one version."""
    found = {
        "tocsin.model": work.version.model,
        "tocsin.version": str(work.version.version),
        "tocsin.artefact": artefact.sha256,
        "tocsin.snapshot": f"{work.snapshot.dataset}/{work.snapshot.number}",
        "tocsin.task": artefact.task,
        "tocsin.threshold": repr(artefact.threshold),
    }
    if work.sources:
        found["tocsin.sources"] = ", ".join(f"{name}/{number}" for name, number in work.sources.items())
    return found


def _joined(desk: Desk, tables: Iterator[pyarrow.Table], metadata: Mapping[str, str]) -> str:
    with desk.blobs.part() as part:
        try:
            load.write_parquet(part, tables, metadata)
        except OSError as error:
            raise home_error(desk.blobs.folder, error) from error
        crashpoint.at("score.joined")
        return desk.blobs.adopt(part)


def require_free(out: Path, overwrite: bool) -> None:
    """Raises BadInput where a file is in the way, or there is no folder to put it in."""
    if out.exists() and not overwrite:
        raise BadInput(f"{out} exists", "choose another name, or replace it with --yes")
    if out.is_dir() or not out.parent.is_dir():
        raise BadInput(f"{out} is no place for a file", "name a file in a folder that exists")


def hand_out(desk: Desk, found: Score, out: Path, *, overwrite: bool) -> None:
    """Copy an output to a file, whole or not at all. A file that is the output already stays as it is.

    Raises BadInput where another file is there, StoreUnusable where the disk is full.
    """
    import shutil

    assert found.blob is not None
    if out.is_file() and file_sha256(out) == found.blob:
        return
    require_free(out, overwrite)
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        shutil.copyfile(desk.blobs.verified(found.blob), beside)
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        # A name that somebody took meanwhile is theirs: a link is never made over it.
        (os.replace if overwrite else os.link)(beside, out)
    except OSError as error:
        if error.errno == errno.EEXIST:
            require_free(out, overwrite)
        raise home_error(out.parent, error) from error
    finally:
        beside.unlink(missing_ok=True)


class _Spent:
    """CPU time here and where the engine works, and wall time, between two moments, in milliseconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cpu, self._wall = self._process(), time.monotonic()

    def _process(self) -> float:
        return time.process_time() + self._engine.elsewhere_ms / 1000

    def since(self) -> tuple[int, int]:
        cpu, wall = self._process(), time.monotonic()
        # What is left of a millisecond counts for the next one.
        took = int(1000 * (cpu - self._cpu)), int(1000 * (wall - self._wall))
        self._cpu, self._wall = self._cpu + took[0] / 1000, self._wall + took[1] / 1000
        return took


class _Told:
    """Progress by rows, with the speed of this attempt and the time that is left at it."""

    def __init__(self, found: Score, done: int, progress: Progress) -> None:
        self._rows, self._first, self._done = found.rows, done, done
        self._progress, self._began = progress, time.monotonic()

    def more(self, count: int) -> None:
        self._done += count
        took = time.monotonic() - self._began
        speed = (self._done - self._first) / took if took > 0 else 0.0
        left = f", {span(int(1e6 * (self._rows - self._done) / speed))} left" if speed else ""
        share = (1 - JOINING) * self._done / max(1, self._rows)
        self._progress(share, f"{self._done:,} of {self._rows:,} rows, {speed:,.0f} rows/s{left}")
