from __future__ import annotations

import gzip
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core import ledger
from core.clock import DAY, SimClock, parse_time
from core.datasets import ingest, rows, verbs
from core.datasets.contract import Contract
from core.datasets.load import load
from core.desk import Desk
from core.errors import BadInput, CheckFailed, NotFound, StoreUnusable

Write = Callable[..., Path]
Loans = Callable[..., str]


def kinds(desk: Desk) -> list[str]:
    return [event.kind for event in ledger.timeline(desk.store)]


def test_the_first_file_makes_a_snapshot_a_contract_and_their_events(desk: Desk, loans_file: Path) -> None:
    added = ingest.add(desk, loans_file, dataset="loans", time_column="at", label="default")
    assert added.new
    assert (added.snapshot.number, added.snapshot.rows) == (1, 200)
    assert added.snapshot.time_from_us == parse_time("2013-04-01T06:00:00Z")
    assert added.snapshot.time_to_us == parse_time("2013-04-28T06:00:00Z")
    assert rows.snapshot(desk.store, "loans") == added.snapshot
    contract = rows.contract(desk.store, "loans").contract
    assert contract.used_as("feature") == ["income", "grade", "note"]
    assert (contract.used_as("id"), contract.time_column, contract.label) == (["id"], "at", "default")
    assert kinds(desk) == ["contract.saved", "dataset.added"]
    assert ledger.timeline(desk.store)[-1].data == {
        "dataset": "loans",
        "snapshot": 1,
        "rows": 200,
        "sha256": added.snapshot.sha256,
    }


def test_the_same_file_twice_is_one_snapshot(desk: Desk, loans_file: Path, write: Write) -> None:
    first = ingest.add(desk, loans_file, dataset="loans")
    again = ingest.add(desk, write(loans_file.read_bytes(), "copy.csv"), dataset="loans")
    assert not again.new
    assert again.snapshot == first.snapshot
    assert kinds(desk).count("dataset.added") == 1


def test_the_rows_come_back_as_they_were(desk: Desk, loans_file: Path, loans: Loans) -> None:
    snapshot = ingest.add(desk, loans_file, dataset="loans", time_column="at").snapshot
    table = load(desk, snapshot)
    assert table.num_rows == 200
    assert snapshot.columns == {
        "id": "integer",
        "at": "time",
        "income": "number",
        "grade": "text",
        "note": "unknown",
        "default": "integer",
    }
    first = loans().splitlines()[1].split(",")
    got = table.slice(0, 1).to_pylist()[0]
    assert (got["income"], got["grade"], got["note"]) == (float(first[2]), first[3], None)


def test_a_damaged_blob_is_never_loaded(desk: Desk, loans_file: Path) -> None:
    snapshot = ingest.add(desk, loans_file, dataset="loans").snapshot
    path = desk.blobs.path(snapshot.blob)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreUnusable, match="damaged"):
        load(desk, snapshot)


def test_an_all_empty_column_is_a_finding(desk: Desk, loans_file: Path) -> None:
    added = ingest.add(desk, loans_file, dataset="loans")
    assert [str(finding) for finding in added.findings] == ["note: has no value in any row"]
    assert added.snapshot.profile["columns"]["note"]["missing"] == 200


def test_a_file_that_breaks_the_contract_is_quarantined_and_is_no_snapshot(
    desk: Desk, loans_file: Path, write: Write, loans: Loans
) -> None:
    ingest.add(desk, loans_file, dataset="loans")
    bad = write(loans(seed=2, income=100_000, start=200), "bad.csv")
    with pytest.raises(CheckFailed, match="income: is above"):
        ingest.add(desk, bad, dataset="loans")
    assert len(rows.snapshots(desk.store)) == 1
    (entry,) = rows.quarantine(desk.store)
    assert "income: is above" in entry.reason
    assert desk.blobs.read(entry.sha256) == bad.read_bytes()
    assert kinds(desk)[-1] == "dataset.quarantined"
    assert str(bad.parent) not in str(ledger.timeline(desk.store)[-1].data)
    with pytest.raises(CheckFailed):
        ingest.add(desk, bad, dataset="loans")
    assert len(rows.quarantine(desk.store)) == 1
    assert kinds(desk).count("dataset.quarantined") == 1


def test_a_changed_contract_releases_the_file_that_keeps_it(
    desk: Desk, loans_file: Path, write: Write, loans: Loans
) -> None:
    ingest.add(desk, loans_file, dataset="loans")
    bad = write(loans(seed=2, income=100_000, start=200), "bad.csv")
    with pytest.raises(CheckFailed):
        ingest.add(desk, bad, dataset="loans")
    spec = rows.contract(desk.store, "loans").contract.to_json()
    for column in spec["columns"]:
        column["max"] = None
    assert verbs.set_contract(desk, "loans", Contract.from_json(spec)).version == 2
    assert ingest.add(desk, bad, dataset="loans").snapshot.number == 2
    assert rows.quarantine(desk.store) == []
    assert [entry.released_us for entry in rows.quarantine(desk.store, released=True)] == [desk.now_us()]


def test_a_missing_column_and_a_bad_time_in_a_later_file_are_quarantined(
    desk: Desk, loans_file: Path, write: Write, loans: Loans
) -> None:
    ingest.add(desk, loans_file, dataset="loans", time_column="at", label="default")
    gone = loans(seed=2, start=200).replace("at,", "when,", 1).replace(",default", ",outcome", 1)
    with pytest.raises(CheckFailed) as caught:
        ingest.add(desk, write(gone, "gone.csv"), dataset="loans")
    assert "at: is missing" in caught.value.message
    assert "default: is missing" in caught.value.message
    odd = loans(seed=3, start=400).replace("2013-04-01T06:00:00", "soon")
    with pytest.raises(CheckFailed, match="'soon'"):
        ingest.add(desk, write(odd, "odd.csv"), dataset="loans")
    assert len(rows.quarantine(desk.store)) == 2


def test_naming_another_label_than_the_contract_is_refused(
    desk: Desk, loans_file: Path, write: Write, loans: Loans
) -> None:
    ingest.add(desk, loans_file, dataset="loans", label="default")
    later = write(loans(seed=2, start=200), "later.csv")
    with pytest.raises(BadInput, match="says 'feature' of 'income', not 'label'"):
        ingest.add(desk, later, dataset="loans", label="income")
    assert ingest.add(desk, later, dataset="loans", label="default").new


def test_times_without_a_zone_are_read_as_utc_and_zoned_ones_are_converted(desk: Desk, write: Write) -> None:
    content = "at,x\n2013-04-01T02:00:00,1\n2013-04-01T02:00:00+02:00,2\n2013-04-01T02:00:00Z,3\n2013-04-02,4\n"
    snapshot = ingest.add(desk, write(content), dataset="d", time_column="at").snapshot
    assert snapshot.time_from_us == parse_time("2013-04-01T00:00:00Z")
    assert snapshot.time_to_us == parse_time("2013-04-02T00:00:00Z")
    times = [moment.isoformat() for moment in load(desk, snapshot).column("at").to_pylist()]
    assert times[0] == times[2] == "2013-04-01T02:00:00+00:00"


def test_the_same_rows_are_read_from_every_format(desk: Desk, write: Write, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = {"x": [1.5, None, 3.0], "g": ["a", "b", None]}
    pq.write_table(pa.table({"x": plain["x"], "g": pa.array(plain["g"]).dictionary_encode()}), tmp_path / "d.parquet")
    csv = "x,g\n1.5,a\n,b\n3.0,\n"
    files = [
        tmp_path / "d.parquet",
        write(csv, "d.csv"),
        write(csv.replace(",", "\t"), "d.tsv"),
        write(gzip.compress(csv.encode(), mtime=0), "d.csv.gz"),
        write('{"x": 1.5, "g": "a"}\n{"x": null, "g": "b"}\n{"x": 3.0}\n', "d.jsonl"),
    ]
    for number, path in enumerate(files):
        snapshot = ingest.add(desk, path, dataset=f"d{number}").snapshot
        assert load(desk, snapshot).to_pydict() == plain, path.name
    semicolons = ingest.add(desk, write(csv.replace(",", ";"), "s.csv"), dataset="s", delimiter=";").snapshot
    assert load(desk, semicolons).to_pydict() == plain


def test_text_of_digits_stays_text_under_its_contract(desk: Desk, write: Write) -> None:
    ingest.add(desk, write("zip,x\n01234,1\nA1,2\n", "one.csv"), dataset="d")
    spec = rows.contract(desk.store, "d").contract.to_json()
    spec["columns"][0] |= {"levels": None, "unique": False, "use": "feature"}
    verbs.set_contract(desk, "d", Contract.from_json(spec))
    snapshot = ingest.add(desk, write("zip,x\n01234,1\n05678,2\n", "two.csv"), dataset="d").snapshot
    assert load(desk, snapshot).column("zip").to_pylist() == ["01234", "05678"]


def test_integers_fit_a_contract_of_numbers_and_fractions_do_not_fit_integers(desk: Desk, write: Write) -> None:
    ingest.add(desk, write("a,b\n1.5,1\n2.5,3\n1.5,1\n", "one.csv"), dataset="d")
    snapshot = ingest.add(
        desk, write("a,b\n1,2.0\n2,3.0\n1,\n".replace("1,\n", "1,1.0\n"), "two.csv"), dataset="d"
    ).snapshot
    assert (snapshot.columns["a"], snapshot.columns["b"]) == ("number", "integer")
    with pytest.raises(CheckFailed, match="b: holds number where the contract says integer"):
        ingest.add(desk, write("a,b\n1,2.5\n2,3.0\n", "three.csv"), dataset="d")


def test_a_jump_of_the_mean_is_a_warning_and_no_refusal(
    desk: Desk, loans_file: Path, write: Write, loans: Loans
) -> None:
    ingest.add(desk, loans_file, dataset="loans")
    added = ingest.add(desk, write(loans(seed=2, income=1200, start=200), "later.csv"), dataset="loans")
    assert added.new
    assert [finding.column for finding in added.findings if finding.rule == "shift"] == ["income"]


def test_a_stale_file_is_refused_where_the_contract_asks_for_freshness(
    desk: Desk, loans_file: Path, write: Write, clock: SimClock, loans: Loans
) -> None:
    ingest.add(desk, loans_file, dataset="loans", time_column="at")
    now = rows.contract(desk.store, "loans").contract
    verbs.set_contract(desk, "loans", Contract(now.columns, freshness_us=2 * DAY))
    later = write(loans(seed=2, start=200), "later.csv")
    clock.set(parse_time("2013-05-10"))
    with pytest.raises(CheckFailed, match="at: its newest row is 11d 18h old; the contract allows 2d"):
        ingest.add(desk, later, dataset="loans")
    clock.set(parse_time("2013-04-29"))
    assert ingest.add(desk, later, dataset="loans").new


def test_a_contract_may_come_before_the_first_file(desk: Desk, loans_file: Path, write: Write) -> None:
    ingest.add(desk, loans_file, dataset="loans")
    verbs.set_contract(desk, "copies", rows.contract(desk.store, "loans").contract)
    with pytest.raises(CheckFailed, match="id, at, income and 3 more columns are missing"):
        ingest.add(desk, write("x\n1\n2\n", "other.csv"), dataset="copies")
    assert ingest.add(desk, loans_file, dataset="copies").snapshot.number == 1
    assert rows.contract(desk.store, "copies").version == 1


def test_setting_the_same_contract_again_is_no_new_version(desk: Desk, loans_file: Path) -> None:
    ingest.add(desk, loans_file, dataset="loans")
    now = rows.contract(desk.store, "loans")
    assert verbs.set_contract(desk, "loans", now.contract) == now
    assert kinds(desk).count("contract.saved") == 1


def test_a_contract_inferred_anew_keeps_what_people_said_of_its_columns(desk: Desk, loans_file: Path) -> None:
    ingest.add(desk, loans_file, dataset="loans", time_column="at", label="default", leaks=("grade",))
    again = verbs.inferred(desk, "loans")
    assert (again.time_column, again.label, again.used_as("leak")) == ("at", "default", ["grade"])


def test_four_at_once_adding_one_file_make_one_snapshot_and_one_contract(desk: Desk, loans_file: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(lambda _: ingest.add(desk, loans_file, dataset="loans"), range(4)))
    assert sum(each.new for each in added) == 1
    assert {each.snapshot.id for each in added} == {rows.snapshot(desk.store, "loans").id}
    assert kinds(desk) == ["contract.saved", "dataset.added"]


def test_integers_beyond_64_bits_and_decimals_are_numbers(desk: Desk, tmp_path: Path) -> None:
    import decimal

    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"big": pa.array([2**64 - 1, 1], pa.uint64()), "money": [decimal.Decimal("1.10"), None]})
    pq.write_table(table, tmp_path / "d.parquet")
    snapshot = ingest.add(desk, tmp_path / "d.parquet", dataset="d").snapshot
    assert load(desk, snapshot).to_pydict() == {"big": [float(2**64), 1.0], "money": [1.1, None]}


def test_an_unknown_data_set_or_snapshot_is_not_found(desk: Desk, loans_file: Path) -> None:
    with pytest.raises(NotFound, match="no data set 'loans'"):
        rows.snapshot(desk.store, "loans")
    ingest.add(desk, loans_file, dataset="loans")
    with pytest.raises(NotFound, match="no snapshot 7"):
        rows.snapshot(desk.store, "loans", 7)


def test_looking_at_a_file_writes_nothing(desk: Desk, loans_file: Path, write: Write, loans: Loans) -> None:
    ingest.add(desk, loans_file, dataset="loans")
    before = sorted(desk.home.blobs_path.rglob("*"))
    examined = verbs.validate(desk, write(loans(seed=2, income=100_000, start=200), "bad.csv"), "loans")
    assert [finding.column for finding in examined.errors] == ["income"]
    assert sorted(desk.home.blobs_path.rglob("*")) == before
    assert rows.quarantine(desk.store) == []
    assert kinds(desk) == ["contract.saved", "dataset.added"]
