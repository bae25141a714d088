"""What bench_profile.py measures, one method a process; only the method's own package is imported."""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

AGGREGATES = ("min", "max", "mean", "std")


def with_tocsin(path: Path, threads: int) -> dict[str, Any]:
    from core.datasets.profile import profile
    from core.measures.tables import ParquetTable

    found: dict[str, Any] = profile(ParquetTable(path), threads=threads)["columns"]
    return found


def ingested(path: Path) -> dict[str, Any]:
    from core.datasets.ingest import add
    from core.desk import Desk
    from core.home import Home

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        desk = Desk.open(Home(Path(folder)).prepare(), actor="ana")
        found: dict[str, Any] = add(desk, path, dataset="d").snapshot.profile["columns"]
        desk.store.close()
    return found


def with_pandas(path: Path) -> dict[str, Any]:
    import pandas as pd

    frame, found = pd.read_parquet(path), {}
    for name in frame.columns:
        column = frame[name]
        facts = {"missing": int(column.isna().sum()), "distinct": int(column.nunique())}
        if name.startswith("number"):
            facts |= {how: getattr(column, how)() for how in AGGREGATES}
            column.quantile([0.05, 0.5, 0.95])
        else:
            facts["levels"] = column.value_counts().to_dict()
        found[name] = facts
    return found


def with_duckdb(path: Path) -> dict[str, Any]:
    import duckdb

    connection = duckdb.connect(config={"threads": 2})
    rows = connection.execute(f"SUMMARIZE SELECT * FROM '{path}'").fetchall()
    for name in (row[0] for row in rows if str(row[0]).startswith("category")):
        connection.execute(f"SELECT {name}, count(*) FROM '{path}' GROUP BY 1").fetchall()
    return {row[0]: {"mean": row[5]} for row in rows}


def with_polars(path: Path) -> dict[str, Any]:
    import polars as pl

    frame = pl.scan_parquet(path)
    names = frame.collect_schema().names()
    wanted = [each for name in names for each in _polars_of(pl, name)]
    found = frame.select(wanted).collect(engine="streaming").row(0, named=True)
    for name in names:
        if name.startswith("category"):
            frame.group_by(name).len().collect(engine="streaming")
    return {name: {"mean": found.get(f"{name} mean")} for name in names}


def _polars_of(pl: Any, name: str) -> list[Any]:
    column = pl.col(name)
    facts = [column.null_count().alias(f"{name} missing"), column.approx_n_unique().alias(f"{name} distinct")]
    if name.startswith("category"):
        return facts
    quantiles = [column.quantile(at).alias(f"{name} p{at}") for at in (0.05, 0.5, 0.95)]
    return [*facts, *(getattr(column, how)().alias(f"{name} {how}") for how in AGGREGATES), *quantiles]


def with_whylogs(path: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq
    import whylogs

    found = None
    for batch in pq.ParquetFile(path).iter_batches(131_072):
        view = whylogs.log(batch.to_pandas()).view()
        found = view if found is None else found.merge(view)
    frame = found.to_pandas()
    return {name: {"mean": frame["distribution/mean"].get(name)} for name in frame.index}


METHODS = {
    "tocsin, 1 thread": lambda path: with_tocsin(path, 1),
    "tocsin, 2 threads": lambda path: with_tocsin(path, 2),
    "tocsin dataset add": ingested,
    "pandas": with_pandas,
    "duckdb": with_duckdb,
    "polars": with_polars,
    "whylogs": with_whylogs,
}

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    METHODS[sys.argv[1]](Path(sys.argv[2]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10), used.ru_utime + used.ru_stime)
