from pathlib import Path

import pytest

from sandbox.asset import Grade, Kind
from sandbox.data.meta import parse_meta, read_meta
from sandbox.errors import DataError
from tests.sandbox.data.tables import COLUMNS, HEAD, declared

DIMENSION = 'role = "dimension"\ngrade = "L1"\n'
MEASURE = 'role = "measure"\ngrade = "L1"\n'


def test_a_declaration_is_read_with_its_columns_in_order(tmp_path: Path) -> None:
    path = tmp_path / "asset.toml"
    path.write_bytes(declared())

    meta = read_meta(path)

    assert list(meta.columns) == list(COLUMNS)
    assert meta.columns["card"].grade is Grade.L4
    assert meta.columns["opened"].kind is Kind.DATE


def test_bounds_keep_their_decimal_digits() -> None:
    meta = parse_meta(declared())

    assert str(meta.columns["amount"].upper) == "1000.50"


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ('role = "attribute"\ngrade = "L1"\nsize = 3', "columns.x.size"),
        ('role = "attribute"\ngrade = "L9"', "columns.x.grade"),
        ('role = "attribute"\ngrade = "core"', "columns.x.grade"),
        ('role = "attribute"', "columns.x.grade"),
        ('role = "unit"\ngrade = "L1"', "unit_column"),
        (DIMENSION, "columns.x.domain"),
        (DIMENSION + 'domain = ["a", "a"]', "columns.x.domain"),
        ('role = "attribute"\ngrade = "L1"\ndomain = ["a"]', "columns.x.domain"),
        (MEASURE, "columns.x.lower"),
        (MEASURE + "lower = 1", "columns.x.lower"),
        (MEASURE + "lower = 1\nupper = 1", "columns.x.lower"),
        (MEASURE + 'lower = "a"\nupper = 1', "columns.x.lower"),
        (MEASURE + "lower = nan\nupper = 1", "columns.x.lower"),
        (MEASURE + 'lower = 0\nupper = 1\nkind = "string"', "columns.x.kind"),
        ('role = "attribute"\ngrade = "L1"\nlower = 0', "columns.x.lower"),
    ],
)
def test_a_wrong_column_is_refused_by_its_key(column: str, key: str) -> None:
    with pytest.raises(DataError, match=f"at key {key}"):
        parse_meta(declared({**COLUMNS, "x": column}))


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('id = "BP-LOANS"', 'id = "bp/../loans"', "id"),
        ("version = 1", "version = 0", "version"),
        ("version = 1", "", "version"),
        ('"natural_person"', '"dog"', "unit_kind"),
        ('unit_column = "person"', 'unit_column = "card"', "unit_column"),
        ('"base_product"', '"product"', "input_tier"),
        ('"district"', '"village"', "authority_level"),
        ("version = 1", "version = 1\nowner = 2", "owner"),
    ],
)
def test_a_wrong_head_is_refused_by_its_key(old: str, new: str, key: str) -> None:
    with pytest.raises(DataError, match=f"at key {key}"):
        parse_meta(declared(head=HEAD.replace(old, new)))


@pytest.mark.parametrize("name", ["_x", "a b\u202e", " x", "x" * 129, "PERSON"])
def test_an_odd_column_name_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="at key columns"):
        parse_meta(declared({**COLUMNS, name: 'role = "attribute"\ngrade = "L1"'}))


@pytest.mark.parametrize("text", [b"\xff", b"id = ", b""])
def test_what_is_no_declaration_is_refused(text: bytes) -> None:
    with pytest.raises(DataError):
        parse_meta(text)


def test_a_declaration_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read_meta(tmp_path / "asset.toml")
