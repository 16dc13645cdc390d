"""A public list protects nobody: its unit column is the key of its rows, and stands once."""

from pathlib import Path

import pyarrow as pa
import pytest

from sandbox.asset import Asset
from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.data.snapshot import read_profile
from sandbox.data.view import compile_view
from sandbox.errors import DataError
from sandbox.order import ViewTerms
from tests.sandbox.data.tables import HEAD, declared, write_parquet

LIST_HEAD = (
    HEAD.replace("BP-LOANS", "PUB-DISTRICTS")
    .replace('"natural_person"', '"nobody"')
    .replace('"person"', '"code"')
)
COLUMNS = {
    "code": 'role = "dimension"\ngrade = "L1"\nkind = "string"\ndomain = ["A", "B", "C"]',
    "region": 'role = "dimension"\ngrade = "L1"\nkind = "string"\ndomain = ["north", "south"]',
}
ROWS = pa.table({"code": ["A", "B", "C"], "region": ["north", "south", "south"]})


def kept(folder: Path, rows: pa.Table = ROWS) -> Asset:
    path = write_parquet(folder, rows)
    return ingest(path, parse_meta(declared(COLUMNS, LIST_HEAD)), data=folder / "data")


def test_a_public_list_is_taken_in_and_has_no_units(tmp_path: Path) -> None:
    asset = kept(tmp_path)

    assert asset.is_public
    assert read_profile(asset.snapshot, data=tmp_path / "data").units == 0


def test_its_key_is_granted_as_it_is(tmp_path: Path) -> None:
    asset = kept(tmp_path)
    terms = ViewTerms(asset=asset.id, snapshot=asset.snapshot, columns=("code", "region"))

    view = compile_view(
        terms, scope="SC-1", key=bytes(32), data=tmp_path / "data", views=tmp_path / "views"
    )

    assert view.rows == 3


def test_a_key_that_stands_twice_is_refused_without_its_value(tmp_path: Path) -> None:
    twice = pa.concat_tables([ROWS, ROWS.slice(0, 1)])

    with pytest.raises(DataError, match="stands twice in 1 rows") as told:
        kept(tmp_path, twice)

    assert told.value.column == "code"


def test_a_key_that_is_missing_is_refused(tmp_path: Path) -> None:
    without = pa.table({"code": ["A", None], "region": ["north", "south"]})

    with pytest.raises(DataError, match="key of the row is missing"):
        kept(tmp_path, without)


@pytest.mark.parametrize(
    ("columns", "wrong"),
    [
        (COLUMNS | {"code": COLUMNS["code"].replace("L1", "L2")}, "grade L1"),
        (COLUMNS | {"who": 'role = "unit"\ngrade = "L1"\nkind = "string"'}, "no units"),
        (
            COLUMNS | {"card": 'role = "identifier"\ngrade = "L1"\nkind = "string"'},
            "no identifiers",
        ),
        ({"region": COLUMNS["region"]}, "names the column that is its key"),
    ],
)
def test_a_list_that_could_hold_somebody_is_refused(columns: dict[str, str], wrong: str) -> None:
    with pytest.raises(DataError, match=wrong):
        parse_meta(declared(columns, LIST_HEAD))
