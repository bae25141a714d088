from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import DAY, MINUTE, SimClock
from core.counts.histogram import BINS, latency_bin
from core.counts.series import SeriesKey, add
from core.datasets.ingest import Declared, take
from core.datasets.source import open_source
from core.desk import Desk
from core.errors import BadInput, CheckFailed
from core.gates.declared import Metric
from core.gates.outcome import Subject
from core.gates.quality import metric
from core.registry import approval
from core.registry.measured import Measured, at_path, figure
from core.registry.versions import promote
from core.registry.versions import version as registered
from tests.gates.scene import REPORT, answer, by, evaluate, rules, version


def test_a_metric_is_the_newest_reports_and_the_hold_outs_of_training_where_there_is_none(
    desk: Desk, tmp_path: Path
) -> None:
    version(desk)
    floor = 'kind = "metric"\nmetric = "auc"\nat_least = 0.705'
    assert answer(desk, tmp_path, floor)[:2] == ("fail", 0.7)
    evaluate(desk, 1, **REPORT)
    assert answer(desk, tmp_path, floor)[:2] == ("pass", 0.71)
    assert answer(desk, tmp_path, f'{floor}\non = "low"')[:2] == ("fail", 0.69)
    assert answer(desk, tmp_path, 'kind = "metric"\nmetric = "logloss"\nat_most = 0.6')[:2] == ("pass", 0.5)
    assert answer(desk, tmp_path, 'kind = "metric"\nmetric = "robustness.missing.1.drop"\nat_most = 0.0')[1] == 0.01
    assert answer(desk, tmp_path, f'{floor}\npurpose = "april"')[0] == "unknown"
    assert answer(desk, tmp_path, 'kind = "metric"\nmetric = "f9"\nat_least = 0')[0] == "unknown"


@given(value=st.floats(-1e6, 1e6), least=st.none() | st.floats(-1e6, 1e6), most=st.none() | st.floats(-1e6, 1e6))
def test_a_metric_passes_exactly_within_its_bounds(value: float, least: float | None, most: float | None) -> None:
    reports = [Measured({"metrics": {"auc": {"value": value}}}, "e", "holdout", None)]
    rule = Metric(name="r", metric="auc", at_least=least, at_most=most)
    state = metric(rule, Subject(None, None, reports, None)).state  # type: ignore[arg-type]
    assert (state == "pass") == ((least is None or value >= least) and (most is None or value <= most))


def test_no_regression_is_judged_by_the_paired_interval(desk: Desk, tmp_path: Path) -> None:
    version(desk, auc=0.70, logloss=0.50)
    rule = 'kind = "regression"\nmetric = "auc"\nmargin = 0.01'
    assert answer(desk, tmp_path, rule)[0] == "pass"
    promote(desk, "m", 1, "production")
    version(desk, auc=0.695, logloss=0.52)
    assert answer(desk, tmp_path, rule, 2)[:2] == ("pass", pytest.approx(-0.005))
    assert answer(desk, tmp_path, 'kind = "regression"\nmetric = "logloss"\nmargin = 0.01', 2)[0] == "fail"
    difference = {
        "auc": {"value": -0.005, "low": -0.012, "high": 0.002},
        "logloss": {"value": 0.002, "low": -0.001, "high": 0.004},
    }
    evaluate(desk, 2, against={"version": 1, "difference": difference})
    assert answer(desk, tmp_path, rule, 2)[:2] == ("fail", -0.012)
    assert answer(desk, tmp_path, f'{rule}\non = "value"', 2)[:2] == ("pass", -0.005)
    lower = answer(desk, tmp_path, 'kind = "regression"\nmetric = "logloss"\nmargin = 0.005', 2)
    assert lower[:2] == ("pass", -0.004)


def test_fairness_takes_the_widest_gap_and_robustness_the_worst_drop(desk: Desk, tmp_path: Path) -> None:
    version(desk)
    gap, drop = (
        'kind = "fairness"\ngap = "tpr"\nat_most = 0.08',
        'kind = "robustness"\ntrial = "missing"\nat_most = 0.03',
    )
    assert answer(desk, tmp_path, gap)[0] == answer(desk, tmp_path, drop)[0] == "unknown"
    evaluate(desk, 1, **REPORT)
    assert answer(desk, tmp_path, gap)[:2] == ("fail", 0.09)
    assert answer(desk, tmp_path, f'{gap}\nby = ["carrier"]\non = "high"')[:2] == ("pass", 0.08)
    assert answer(desk, tmp_path, f'{gap}\nby = ["sex"]')[0] == "unknown"
    assert answer(desk, tmp_path, drop)[:2] == ("fail", 0.05)
    assert answer(desk, tmp_path, f'{drop}\nfeature = "b"')[:2] == ("pass", 0.01)


def test_parity_is_what_the_newest_replay_found(desk: Desk, tmp_path: Path) -> None:
    version(desk)
    assert answer(desk, tmp_path, 'kind = "parity"')[0] == "unknown"
    evaluate(desk, 1, "parity", rows=400, differing=2)
    assert answer(desk, tmp_path, 'kind = "parity"')[:2] == ("fail", 2.0)
    evaluate(desk, 1, "parity", rows=400, differing=0)
    assert answer(desk, tmp_path, 'kind = "parity"')[0] == "pass"
    assert answer(desk, tmp_path, 'kind = "parity"\nleast_rows = 500')[0] == "unknown"


def test_the_snapshot_must_have_kept_the_contract_in_force(desk: Desk, tmp_path: Path) -> None:
    version(desk)
    assert answer(desk, tmp_path, 'kind = "contract"')[0] == "unknown"
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("at,x,late\n2013-03-30,1,0\n2013-03-31,2,1\n")
    bad.write_text("at,x,late\n2013-03-31,nine,1\n")
    took = take(desk, open_source(good), "d", Declared("at", "late", (), None))
    with desk.write() as tx:
        tx.execute("UPDATE model_version SET snapshot_id = ?", (took.snapshot.id,))
    assert answer(desk, tmp_path, 'kind = "contract"')[:2] == ("pass", 0.0)
    assert answer(desk, tmp_path, 'kind = "data-age"\nat_most = "2d"')[:2] == ("pass", 1.0)
    assert answer(desk, tmp_path, 'kind = "data-age"\nat_most = "12h"')[0] == "fail"
    with pytest.raises(CheckFailed):
        take(desk, open_source(bad), "d", Declared("at", "late", (), None))
    assert answer(desk, tmp_path, 'kind = "contract"')[:2] == ("fail", 1.0)


def test_labels_are_judged_by_their_age_and_their_coverage(desk: Desk, clock: SimClock, tmp_path: Path) -> None:
    version(desk)
    both = 'kind = "labels"\nage_at_most = "3d"\ncoverage_at_least = 0.5'
    assert answer(desk, tmp_path, both)[0] == "unknown"
    now = desk.now_us()
    with desk.write() as tx:
        tx.execute("INSERT INTO label VALUES ('m', 'r', 1, ?, NULL)", (now - 2 * DAY,))
        for kind, count in (("score", 10), ("score.pos", 2), ("score.neg", 4)):
            add(tx, SeriesKey(kind, "m", 1, "e"), now - DAY, [count, 0])
    assert answer(desk, tmp_path, both)[:2] == ("pass", 0.6)
    assert answer(desk, tmp_path, 'kind = "labels"\ncoverage_at_least = 0.7')[:2] == ("fail", 0.6)
    clock.advance(2 * DAY)
    assert answer(desk, tmp_path, both)[:2] == ("fail", 4.0)


def test_an_approval_counts_only_from_somebody_else(desk: Desk, tmp_path: Path) -> None:
    version(desk)
    assert answer(desk, tmp_path, 'kind = "approval"')[:2] == ("fail", 0.0)
    approval.approve(by(desk, "bo"), "m", 1)
    assert answer(desk, tmp_path, 'kind = "approval"')[:2] == ("pass", 1.0)
    assert answer(desk, tmp_path, 'kind = "approval"\nat_least = 2')[0] == "fail"


def test_latency_is_measured_here_and_now_and_counted_at_the_endpoints(desk: Desk, tmp_path: Path) -> None:
    version(desk)
    state, took, reason = answer(desk, tmp_path, 'kind = "latency"\nat_most_ms = 60000\nrows = 100')
    assert (state, took is not None and took > 0) == ("pass", True)
    assert "machine" in reason
    assert answer(desk, tmp_path, 'kind = "latency"\nat_most_ms = 0\nrows = 100')[0] == "fail"
    assert answer(desk, tmp_path, 'kind = "live-latency"\nat_most_ms = 20')[0] == "unknown"
    counts = [0] * BINS
    counts[latency_bin(10_000)], counts[latency_bin(90_000)] = 97, 3
    with desk.write() as tx:
        add(tx, SeriesKey("latency", "m", 1, "e"), desk.now_us() - MINUTE, counts)
    state, took, _ = answer(desk, tmp_path, 'kind = "live-latency"\nat_most_ms = 20')
    assert (state, took) == ("pass", pytest.approx(10, rel=0.02))


def test_size_is_the_model_files_and_a_lost_file_leaves_the_rule_unknown(desk: Desk, tmp_path: Path) -> None:
    version(desk)
    path = desk.blobs.path(registered(desk.store, "m").artefact)
    size = path.stat().st_size / 1e6
    assert answer(desk, tmp_path, 'kind = "size"\nat_most_mb = 1')[:2] == ("pass", size)
    path.unlink()
    assert answer(desk, tmp_path, 'kind = "size"\nat_most_mb = 1')[0] == "unknown"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "rule"),
        ("rule = []", "length"),
        ('[[rule]]\nname = "a"\nkind = "metric"\nmetric = "auc"', "no bound"),
        ('[[rule]]\nname = "a"\nkind = "metric"\nmetric = "auc"\nat_least = nan', "finite"),
        ('[[rule]]\nname = "a"\nkind = "metric"\nmetric = "auc"\nat_lest = 1', "at_lest"),
        ('[[rule]]\nname = "a"\nkind = "hope"', "hope"),
        ('[[rule]]\nname = "A b"\nkind = "contract"', "name"),
        ('[[rule]]\nname = "a"\nkind = "contract"\n[[rule]]\nname = "a"\nkind = "parity"', "two rules"),
        ('[[rule]]\nname = "a"\nkind = "data-age"\nat_most = "soon"', "soon"),
        ('[[rule]]\nname = "a"\nkind = "labels"', "no bound"),
        ("not toml", "toml"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        rules(tmp_path, text)
    assert said in f"{refused.value.message} {refused.value.hint}"


def test_the_hash_is_of_what_the_rules_say_not_of_how_they_are_written(tmp_path: Path) -> None:
    one = rules(tmp_path, '[[rule]]\nname = "a"\nkind = "size"\nat_most_mb = 1.0')
    same = rules(tmp_path, '# ours\n[[rule]]\nkind = "size"\nat_most_mb = 1.00\noptional = false\nname = "a"')
    other = rules(tmp_path, '[[rule]]\nname = "a"\nkind = "size"\nat_most_mb = 1.1')
    assert one.sha256 == same.sha256 != other.sha256


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    ),
    st.text(),
)
def test_no_report_and_no_path_is_more_than_unknown(report: object, path: str) -> None:
    at_path(report, path)
    figure([Measured({"metrics": report}, "e", "p", None)], path)
