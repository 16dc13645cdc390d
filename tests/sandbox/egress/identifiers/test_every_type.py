"""Every Arrow type and every JSON type is searched, keys included, or refused; none is skipped in silence."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

from sandbox.egress.identifiers.columns import scan_column, study, study_json
from sandbox.egress.identifiers.every_type import UnscannableError

PHONE = "13812345678"
NUMBER = int(PHONE)
SEARCHED = {
    "string": pa.array([PHONE]),
    "large string": pa.array([PHONE], pa.large_string()),
    "string view": pa.array([PHONE], pa.string_view()),
    "binary": pa.array([PHONE.encode()]),
    "large binary": pa.array([PHONE.encode()], pa.large_binary()),
    "binary view": pa.array([PHONE.encode()], pa.binary_view()),
    "fixed binary": pa.array([PHONE.encode()], pa.binary(11)),
    "dictionary": pa.array([PHONE]).dictionary_encode(),
    "dictionary of bytes": pa.array([PHONE.encode()]).dictionary_encode(),
    "dictionary of numbers": pa.array([NUMBER]).dictionary_encode(),
    "run ends": pa.RunEndEncodedArray.from_arrays([1], [PHONE]),
    "int64": pa.array([NUMBER]),
    "uint64": pa.array([NUMBER], pa.uint64()),
    "negative": pa.array([-NUMBER]),
    "double": pa.array([float(NUMBER)]),
    "decimal": pa.array([Decimal(PHONE)]),
    "decimal with a scale": pa.array([Decimal(PHONE)], pa.decimal128(20, 4)),
    "decimal256": pa.array([Decimal(PHONE)], pa.decimal256(40, 2)),
    "timestamp": pa.array([NUMBER], pa.timestamp("ns")),
    "duration": pa.array([NUMBER], pa.duration("us")),
    "date64": pa.array([NUMBER]).view(pa.date64()),
    "time64": pa.array([NUMBER], pa.time64("ns")),
    "list": pa.array([["x", PHONE]]),
    "large list": pa.array([[PHONE]], pa.large_list(pa.string())),
    "fixed list": pa.array([["x", PHONE]], pa.list_(pa.string(), 2)),
    "list view": pa.array([[PHONE]], pa.list_view(pa.string())),
    "large list view": pa.array([[PHONE]], pa.large_list_view(pa.string())),
    "list of lists": pa.array([[[NUMBER]]]),
    "struct": pa.array([{"a": 1, "b": {"c": PHONE}}]),
    "map key": pa.array([[(PHONE, 1)]], pa.map_(pa.string(), pa.int64())),
    "map item": pa.array([[("a", NUMBER)]], pa.map_(pa.string(), pa.int64())),
    "sparse union": pa.UnionArray.from_sparse(
        pa.array([1], pa.int8()), [pa.array([0]), pa.array([PHONE])]
    ),
    "dense union": pa.UnionArray.from_dense(
        pa.array([1], pa.int8()), pa.array([0], pa.int32()), [pa.array([0]), pa.array([PHONE])]
    ),
    "extension": pa.ExtensionArray.from_storage(pa.json_(), pa.array([f'"{PHONE}"'])),
}
EMPTY = {
    "null": pa.nulls(3),
    "boolean": pa.array([True, False]),
    "small numbers": pa.array([1, 2], pa.int8()),
    "half": pa.array([np.float16(1)]),
    "not finite": pa.array([float("nan"), float("inf"), None]),
    "year 10,000": pa.array([2**31 - 1], pa.date32()),
    "no cells": pa.array([], pa.string()),
}


@pytest.mark.parametrize("kind", SEARCHED)
def test_a_column_of_a_type_is_searched(kind: str) -> None:
    assert scan_column(SEARCHED[kind]) == {"CN_MOBILE": 1}


@pytest.mark.parametrize("kind", EMPTY)
def test_a_column_that_can_hold_none_is_taken(kind: str) -> None:
    assert scan_column(EMPTY[kind]) == {}


@pytest.mark.parametrize(
    "values",
    [
        pa.array([b"\xff\xfe\x00 CANARY"]),
        pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
    ],
)
def test_what_no_text_can_be_made_of_is_refused_without_a_word_of_it(values: pa.Array) -> None:
    with pytest.raises(UnscannableError) as refused:
        scan_column(values)

    assert "CANARY" not in str(refused.value)


def test_the_row_of_a_nested_cell_is_the_row_of_its_column() -> None:
    lists = pa.array([["a"], None, [], ["b", "c", PHONE]])
    maps = pa.array([None, [("a", 1)], [("b", NUMBER)]], pa.map_(pa.string(), pa.int64()))

    assert [found.row for found in study(lists)] == [3]
    assert [found.row for found in study(lists.slice(2))] == [1]
    assert [found.row for found in study(maps)] == [2]
    assert [found.row for found in study(maps.slice(1))] == [1]
    assert [found.row for found in study(SEARCHED["dense union"])] == [None]


def test_a_list_that_is_null_hides_nothing_and_shows_nothing() -> None:
    hidden = pa.ListArray.from_arrays(
        pa.array([0, 1, 2], pa.int32()), pa.array([PHONE, "x"]), mask=pa.array([True, False])
    )
    fixed = pa.FixedSizeListArray.from_arrays(
        pa.array(["a", "b", "c", PHONE]), 2, mask=pa.array([True, False])
    )

    assert scan_column(hidden) == {}
    assert [found.row for found in study(fixed)] == [1]


def test_a_birthday_is_found_by_its_header_whatever_its_type() -> None:
    day = dt.date(1984, 5, 6)
    for values in (
        pa.array([day]),
        pa.array(["1984-05-06"]),
        pa.array([19840506]),
        pa.array([dt.datetime(1984, 5, 6, tzinfo=dt.UTC)]),
    ):
        assert scan_column(values, header="birth_date 出生日期") == {"DATE_OF_BIRTH": 1}
        assert scan_column(values, header="date") == {}


@pytest.mark.parametrize(
    "value",
    [
        {"a": [{"b": PHONE}]},
        {PHONE: 1},
        {NUMBER: 1},
        {"a": {PHONE.encode(): None}},
        [np.int64(NUMBER), np.float64(2)],
        [Decimal(PHONE)],
        [Fraction(NUMBER)],
        (float(NUMBER),),
        {PHONE},
        bytearray(PHONE.encode()),
        [dt.timedelta(seconds=NUMBER)],
        [Decimal("1.3812345678E+10")],
        np.str_(PHONE),
    ],
)
def test_json_and_plain_python_are_searched_keys_included(value: object) -> None:
    assert [found.kind.entity for found in study_json(value)] == ["CN_MOBILE"]


@pytest.mark.parametrize("value", [object(), [np.array([NUMBER])], {"a": 1j}, [b"\xff"]])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(UnscannableError):
        study_json(value)


def test_a_bottomless_value_is_refused() -> None:
    value: object = 1
    for _ in range(100):
        value = [value]

    with pytest.raises(UnscannableError):
        study_json(value)


def test_the_key_of_a_value_announces_what_it_is() -> None:
    assert [found.kind.entity for found in study_json({"户号": [3123456789]})] == ["METER_NUMBER"]
    assert study_json({"总户数": [3123456789]}) == ()
