import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.tables.selection import best, columns_of, filled, ordered, pareto_front
from search.tables.table import Column
from space import UserError

COLUMNS = (
    Column("name", "Name"),
    Column("accuracy", "Accuracy", form=".2f", better="high"),
    Column("params", "Params", form="si", better="low"),
)
ROWS = [
    {"name": "a", "accuracy": 0.5, "params": 100},
    {"name": "b", "accuracy": 0.7, "params": 300},
    {"name": "c", "accuracy": 0.6, "params": 300},
    {"name": "d", "accuracy": None, "params": 1},
    {"name": "e", "accuracy": math.nan},
]


def names(rows):
    return "".join(row["name"] for row in rows)


def test_columns_are_chosen_in_the_order_they_are_named_in():
    assert [column.key for column in columns_of(COLUMNS, "params, name")] == ["params", "name"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("parms", r"Unknown column 'parms'\. Did you mean 'params'"),
        ("name,,params", "lacks the name"),
        ("name,name", "named twice"),
    ],
)
def test_columns_that_cannot_be_are_refused(keys, message):
    with pytest.raises(UserError, match=message):
        columns_of(COLUMNS, keys)


def test_columns_that_say_nothing_are_left_out():
    rows = [{"name": "", "accuracy": None, "params": 0}, {"name": "", "accuracy": math.nan}]
    assert [column.key for column in filled(rows, COLUMNS)] == ["params"]
    assert filled([], COLUMNS) == COLUMNS


def test_rows_are_ordered_and_gaps_come_last():
    assert names(ordered(ROWS, COLUMNS, "accuracy")) == "acbde"
    assert names(ordered(ROWS, COLUMNS, "-accuracy")) == "bcade"
    assert names(ordered(ROWS, COLUMNS, "-params,-name")) == "cbade"
    with pytest.raises(UserError, match="Did you mean 'accuracy'"):
        ordered(ROWS, COLUMNS, "-acuracy")


def test_the_best():
    assert names(best(ROWS, COLUMNS, "accuracy", 2)) == "bc"
    assert names(best(ROWS, COLUMNS, "params", 9)) == "dabc"


def test_the_pareto_front_is_what_no_row_beats():
    assert names(pareto_front(ROWS, COLUMNS, "accuracy,params")) == "ba"
    assert names(pareto_front(ROWS, COLUMNS, "params")) == "d"
    with pytest.raises(UserError, match="name: neither high nor low values are better"):
        pareto_front(ROWS, COLUMNS, "accuracy,name")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5))))
def test_every_other_row_is_beaten_by_one_that_is_kept(points):
    rows = [{"accuracy": accuracy / 5, "params": params} for accuracy, params in points]
    kept = pareto_front(rows, COLUMNS, "accuracy,params")
    for row in rows:
        beaten = any(
            other["accuracy"] >= row["accuracy"] and other["params"] <= row["params"] and other != row
            for other in kept
        )
        assert beaten != (row in kept)
