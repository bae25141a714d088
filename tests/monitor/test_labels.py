from __future__ import annotations

import pytest

from core.clock import DAY
from core.counts import series
from core.counts.series import SeriesKey
from core.desk import Desk
from core.errors import BadInput
from core.monitor import labels
from tests.monitor.conftest import ENDPOINT, MODEL, START, Lab

POS = SeriesKey("score.pos", MODEL, 1, ENDPOINT)


def test_a_label_is_kept_once_and_the_first_one_stands(desk: Desk) -> None:
    assert labels.record(desk, MODEL, [("a", 1, START), ("b", 0, START)]) == 2
    assert labels.record(desk, MODEL, [("a", 0, START), ("c", 1, START)]) == 1
    assert labels.contradicted(desk.store, MODEL, [("a", 0, START), ("b", 0, START), ("new", 1, START)]) == 1
    found = labels.stats(desk.store, MODEL)
    assert (found.labels, found.positives, found.waiting) == (3, 2, 3)


def test_joining_counts_every_label_once_however_often_it_is_asked(lab: Lab) -> None:
    lab.score(1, [0.9] * 10, START)
    rows = [(f"r{n}", 1, START) for n in range(10)]
    labels.record(lab.desk, MODEL, rows)
    assert [labels.join(lab.desk), labels.join(lab.desk)] == [10, 0]
    labels.record(lab.desk, MODEL, rows)
    assert labels.join(lab.desk) == 0
    assert sum(series.read_sum(lab.desk.store, POS, START, START + DAY)) == 10


def test_a_label_waits_for_its_prediction(lab: Lab) -> None:
    labels.record(lab.desk, MODEL, [("r0", 1, START)])
    assert labels.join(lab.desk) == 0
    lab.score(1, [0.9], START)
    assert labels.join(lab.desk) == 1


def test_many_labels_are_joined_a_bounded_bite_at_a_time(lab: Lab) -> None:
    lab.score(1, [0.5] * 25, START)
    labels.record(lab.desk, MODEL, [(f"r{n}", n % 2, START) for n in range(25)])
    assert [labels.join(lab.desk, limit=10) for _ in range(4)] == [10, 10, 5, 0]


def test_nothing_to_join_writes_nothing(lab: Lab) -> None:
    labels.record(lab.desk, MODEL, [("r0", 1, START)])
    before = lab.desk.store.data_version()
    labels.join(lab.desk)
    assert lab.desk.store.data_version() == before


@pytest.mark.parametrize("row", [("", 1, START), ("a", 2, START), ("a", -1, START)])
def test_a_bad_label_is_refused_and_none_of_its_fellows_is_kept(desk: Desk, row: tuple[str, int, int]) -> None:
    with pytest.raises(BadInput):
        labels.record(desk, MODEL, [("good", 1, START), row])
    assert labels.stats(desk.store, MODEL).labels == 0
