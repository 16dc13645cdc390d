import stat
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from sandbox.asset import Asset, Grade
from sandbox.data.ingest import ingest
from sandbox.data.meta import AssetMeta, parse_meta
from sandbox.data.snapshot import read_profile, snapshot_path
from sandbox.errors import DataError
from tests.sandbox.data.tables import (
    COLUMNS,
    FORMS,
    declared,
    loans,
    write_csv,
    write_parquet,
)


@pytest.mark.parametrize("write", FORMS.values(), ids=FORMS)
def test_every_form_of_file_gives_the_same_snapshot(
    write: Callable[[Path], Path], tmp_path: Path, data: Path, meta: AssetMeta, loan_book: Asset
) -> None:
    found = ingest(write(tmp_path), meta, data=data)

    assert found == loan_book
    assert pq.read_table(snapshot_path(found.snapshot, data=data)).select(list(COLUMNS)) == loans()


def test_the_asset_says_what_was_declared(loan_book: Asset) -> None:
    assert (loan_book.id, loan_book.rows, loan_book.unit_column) == ("BP-LOANS", 4, "person")
    assert loan_book.grade is Grade.L4
    assert [column.name for column in loan_book.columns] == list(COLUMNS)
    assert loan_book.columns[3].upper == "1000.50"


def test_rows_are_numbered_and_know_how_many_rows_their_unit_has(
    loan_book: Asset, data: Path
) -> None:
    table = pq.read_table(snapshot_path(loan_book.snapshot, data=data))

    assert table.column_names == [*COLUMNS, "_unit_rows", "_row"]
    assert table.column("_row").to_pylist() == [1, 2, 3, 4]
    assert table.column("_unit_rows").to_pylist() == [2, 1, 2, 1]


def test_columns_are_stored_as_declared_whatever_their_order_in_the_file(
    tmp_path: Path, data: Path, meta: AssetMeta, loan_book: Asset
) -> None:
    turned = loans().select(list(COLUMNS)[::-1])

    assert ingest(write_parquet(tmp_path, turned), meta, data=data) == loan_book


def test_adding_the_same_again_writes_nothing(
    tmp_path: Path, data: Path, meta: AssetMeta, loan_book: Asset
) -> None:
    before = snapshot_path(loan_book.snapshot, data=data).stat()

    again = ingest(write_csv(tmp_path), meta, data=data)

    assert again == loan_book
    assert snapshot_path(again.snapshot, data=data).stat() == before
    assert len(list(data.iterdir())) == 1


def test_another_declaration_or_another_value_is_another_snapshot(
    tmp_path: Path, data: Path, meta: AssetMeta, loan_book: Asset
) -> None:
    wider = {**COLUMNS, "amount": COLUMNS["amount"].replace("1000.50", "1001")}
    other = loans().slice(0, 3)

    redeclared = ingest(write_parquet(tmp_path), parse_meta(declared(wider)), data=data)
    shorter = ingest(write_parquet(tmp_path, other), meta, data=data)

    assert len({loan_book.snapshot, redeclared.snapshot, shorter.snapshot}) == 3


def test_only_the_owner_can_read_a_snapshot_and_nobody_writes_it(
    loan_book: Asset, data: Path
) -> None:
    folder = snapshot_path(loan_book.snapshot, data=data).parent
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    sealed = {stat.S_IMODE(path.stat().st_mode) for path in (folder / "sealed").iterdir()}

    assert stat.S_IMODE(folder.stat().st_mode) == modes.pop("sealed") == 0o700
    assert sealed == {0o400}
    assert modes == dict.fromkeys(("snapshot.parquet", "asset.json", "profile.json"), 0o400)


def test_progress_runs_from_reading_to_the_end(tmp_path: Path, data: Path, meta: AssetMeta) -> None:
    heard: list[tuple[str, float]] = []

    ingest(
        write_csv(tmp_path),
        meta,
        data=data,
        progress=lambda stage, done: heard.append((stage, done)),
    )

    assert list(dict.fromkeys(stage for stage, _ in heard)) == ["read", "profile", "write"]
    assert heard[-1] == ("write", 1.0)
    assert all(0 <= done <= 1 for _, done in heard)


def test_the_kinds_of_a_csv_file_are_inferred_from_all_of_its_rows(
    tmp_path: Path, data: Path
) -> None:
    undeclared = {
        name: "\n".join(line for line in body.splitlines() if not line.startswith("kind"))
        for name, body in COLUMNS.items()
    }
    undeclared["code"] = 'role = "attribute"\ngrade = "L1"'
    path = tmp_path / "loans.csv"
    text = write_csv(tmp_path).read_text().splitlines()
    codes = ["code", "007", "12", "", "99999999999999999999"]
    path.write_text("\n".join(f"{line},{code}" for line, code in zip(text, codes, strict=True)))

    found = ingest(path, parse_meta(declared(undeclared)), data=data)

    kinds = [column.kind.value for column in found.columns]
    assert kinds == ["string"] * 3 + ["float", "int", "bool", "date", "timestamp", "string"]


def test_an_empty_field_is_null_and_a_quoted_one_is_an_empty_text(
    tmp_path: Path, data: Path
) -> None:
    columns = {name: COLUMNS[name] for name in ("person", "card", "amount")}
    path = tmp_path / "loans.csv"
    path.write_text('person,card,amount\r\np,"",""\r\nq,,\r\n"a ""b""\nc",x,1\r\n')

    found = ingest(path, parse_meta(declared(columns)), data=data)

    table = pq.read_table(snapshot_path(found.snapshot, data=data))
    assert table.column("card").to_pylist() == ["", None, "x"]
    assert table.column("amount").to_pylist() == [None, None, 1.0]
    assert table.column("person").to_pylist()[2] == 'a "b"\nc'


def test_a_measure_may_leave_its_bounds_and_the_profile_says_how_often(
    loan_book: Asset, data: Path
) -> None:
    figures = {one.name: one for one in read_profile(loan_book.snapshot, data=data).columns}

    assert figures["amount"].outside_bounds == pytest.approx(1 / 3)
    assert figures["amount"].nulls == 1
    assert figures["person"].distinct == 3
    assert figures["person"].unique_ratio == pytest.approx(3 / 4)
    assert figures["late"].identifiers == {}


def test_identifiers_in_a_column_that_does_not_declare_them_are_findings(
    tmp_path: Path, data: Path
) -> None:
    columns = {**COLUMNS, "card": 'role = "attribute"\ngrade = "L1"'}

    found = ingest(
        write_parquet(tmp_path),
        parse_meta(declared(columns)),
        data=data,
        scan=lambda texts, /, *, header: {  # noqa: ARG005 - a `Scan`
            "card": len([x for x in texts.to_pylist() if "-c" in str(x)]),
            "id": 0,
        },
    )

    findings = read_profile(found.snapshot, data=data).undeclared_identifiers
    assert [(one.column, one.entity, one.count) for one in findings] == [("card", "card", 3)]


def test_no_value_stands_in_what_lies_beside_the_snapshot(loan_book: Asset, data: Path) -> None:
    folder = snapshot_path(loan_book.snapshot, data=data).parent

    beside = [path.read_text() for path in folder.glob("*.json")]

    assert len(beside) == 2
    assert not any("CANARY" in text for text in beside)


def test_a_duckdb_view_is_not_a_table(tmp_path: Path, data: Path, meta: AssetMeta) -> None:
    with duckdb.connect(str(tmp_path / "v.duckdb")) as connection:
        connection.execute("CREATE VIEW loans AS SELECT 1 AS person")

    with pytest.raises(DataError, match="no such table"):
        ingest(tmp_path / "v.duckdb#loans", meta, data=data)


def test_whole_numbers_and_flags_may_be_dimensions(tmp_path: Path, data: Path) -> None:
    columns = {
        **COLUMNS,
        "term": 'role = "dimension"\ngrade = "L1"\ndomain = ["36", "-1", "60"]',
        "late": 'role = "dimension"\ngrade = "L1"\ndomain = ["true", "false"]',
    }

    found = ingest(write_csv(tmp_path), parse_meta(declared(columns)), data=data)

    assert found.columns[4].domain == ("36", "-1", "60")


@pytest.mark.parametrize(
    ("column", "body"),
    [
        ("term", 'role = "dimension"\ngrade = "L1"\ndomain = ["036"]'),
        ("term", 'role = "dimension"\ngrade = "L1"\ndomain = ["x"]'),
        ("late", 'role = "dimension"\ngrade = "L1"\ndomain = ["yes"]'),
        ("opened", 'role = "dimension"\ngrade = "L1"\ndomain = ["2024-01-02"]'),
        ("state", 'role = "measure"\ngrade = "L1"\nlower = 0\nupper = 1'),
    ],
)
def test_a_role_that_the_kind_cannot_have_is_refused(
    column: str, body: str, tmp_path: Path, data: Path
) -> None:
    with pytest.raises(DataError) as caught:
        ingest(write_parquet(tmp_path), parse_meta(declared({**COLUMNS, column: body})), data=data)

    assert caught.value.column == column
