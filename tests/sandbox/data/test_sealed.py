import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.asset import Asset, Column, Grade, Kind, Role
from sandbox.data.codes import number_codes, text_codes
from sandbox.data.ingest import ingest
from sandbox.data.meta import AssetMeta
from sandbox.data.sealed import SealedColumn, Store, sealed_store, snapshot_store, store_of
from sandbox.data.snapshot import folder_of, intact_snapshot, remove
from sandbox.data.view import compile_view
from sandbox.errors import DataError
from sandbox.order import ViewTerms
from sandbox.reason import Said
from tests.sandbox.data.tables import CANARY, write_parquet

ROWS = 500


def column(name: str, kind: Kind, role: Role = Role.ATTRIBUTE) -> Column:
    said = Said(zh=name, en=name)
    return Column(name=name, kind=kind, role=role, grade=Grade.L2, title=said, domain=())


COLUMNS = (
    column("amount", Kind.FLOAT),
    column("term", Kind.INT),
    column("town", Kind.STRING),
    column("late", Kind.BOOL),
    column("person", Kind.STRING, Role.UNIT),
)


def written(folder: Path) -> Path:
    dice = np.random.default_rng(4)
    amounts = [None if n == 7 else round(n * 0.37, 2) for n in dice.integers(0, 900, ROWS).tolist()]
    table = pa.table(
        {
            "amount": pa.array(amounts, pa.float64()),
            "term": pa.array(dice.integers(-5, 5, ROWS)),
            "town": pa.array([f"{CANARY} {n}" if n else None for n in dice.integers(0, 40, ROWS)]),
            "late": pa.array(dice.integers(0, 2, ROWS) == 1),
            "person": pa.array([f"{CANARY}-p{n}" for n in range(ROWS)]),
        }
    )
    pq.write_table(table, folder / "table.parquet", row_group_size=99)
    return folder / "table.parquet"


def rows(store: Store, column: SealedColumn, code: int) -> list[int]:
    place = int(np.searchsorted(column.codes, np.uint64(code)))
    if place == len(column.codes) or column.codes[place] != code:
        return []
    start, end = column.starts[place : place + 2].astype(int) + column.base
    return [int(row) for row in store.places[start:end]]


def kept(table: Path) -> Store:
    return sealed_store(table.parent, table, COLUMNS)


def not_kept(table: Path) -> Store:
    return store_of(table, COLUMNS)


@pytest.mark.parametrize("build", [kept, not_kept])
def test_every_cell_leads_to_exactly_the_rows_that_have_it(
    tmp_path: Path, build: Callable[[Path], Store]
) -> None:
    table = written(tmp_path)
    cells = pq.read_table(table).to_pydict()

    store = build(table)

    amount, _, town = store.columns
    codes = number_codes(np.array([n or 0 for n in cells["amount"]]), store.key)
    for value, code in zip(cells["amount"], codes.tolist(), strict=True):
        found = [i for i, n in enumerate(cells["amount"]) if n and n == value]
        assert rows(store, amount, code) == found
    codes = text_codes(pa.array([t or "" for t in cells["town"]]), store.key)
    for value, code in zip(cells["town"], codes.tolist(), strict=True):
        found = [i for i, text in enumerate(cells["town"]) if text and text == value]
        assert rows(store, town, code) == found


def test_keys_identifiers_and_truths_are_not_in_the_store(tmp_path: Path) -> None:
    store = store_of(written(tmp_path), COLUMNS)

    assert [each.name for each in store.columns] == ["amount", "term", "town"]
    assert [each.name for each in store.of(["town", "late"]).columns] == ["town"]


def test_the_sketch_has_the_quantiles_of_sizes(tmp_path: Path) -> None:
    table = written(tmp_path)
    values = pq.read_table(table)["amount"].drop_null().to_numpy()

    sketch = store_of(table, COLUMNS).columns[0].sketch

    assert sketch[[0, 500, 1000]].tolist() == np.quantile(values[values > 0], [0, 0.5, 1]).tolist()


def test_no_value_can_be_read_in_the_store_and_no_two_have_a_code_in_common(
    tmp_path: Path, data: Path, meta: AssetMeta
) -> None:
    found = ingest(write_parquet(tmp_path), meta, data=data)
    folder = folder_of(found.snapshot, data=data) / "sealed"
    other = store_of(folder.parent / "snapshot.parquet", found.columns)

    mine = snapshot_store(found, data=data)

    assert CANARY.encode() not in b"".join(path.read_bytes() for path in folder.iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o400}
    for one, two in zip(mine.columns, other.columns, strict=True):
        assert set(one.codes.tolist()) & set(two.codes.tolist()) == set()


def cut(folder: Path) -> None:
    (folder / "places.u32").chmod(0o600)
    os.truncate(folder / "places.u32", 4)


def lost(folder: Path) -> None:
    (folder / "key").unlink()


def half_built(folder: Path) -> None:
    (folder / "store.json").unlink()


def of_another_form(folder: Path) -> None:
    manifest = folder / "store.json"
    manifest.chmod(0o600)
    manifest.write_bytes(manifest.read_bytes().replace(b"shuyu-sealed-1", b"shuyu-sealed-0"))


@pytest.mark.parametrize("spoil", [cut, lost, half_built, of_another_form, shutil.rmtree])
def test_a_store_that_is_missing_or_not_whole_is_built_on_first_need(
    data: Path, loan_book: Asset, spoil: Callable[[Path], None]
) -> None:
    before = snapshot_store(loan_book, data=data)
    places = sorted(before.places)
    spoil(folder_of(loan_book.snapshot, data=data) / "sealed")

    after = snapshot_store(loan_book, data=data)

    assert after.key != before.key
    assert sorted(after.places) == places
    assert snapshot_store(loan_book, data=data).key == after.key
    intact_snapshot(loan_book.snapshot, data=data)
    assert [path.name for path in data.glob(".*")] == []


def test_a_store_goes_with_its_snapshot(data: Path, loan_book: Asset) -> None:
    folder = folder_of(loan_book.snapshot, data=data)
    assert (folder / "sealed").is_dir()

    remove(loan_book.snapshot, data=data)

    assert [path for path in data.rglob("*") if "sealed" in str(path)] == []


def test_a_view_that_a_job_reads_has_no_store(data: Path, views: Path, loan_book: Asset) -> None:
    terms = ViewTerms(asset=loan_book.id, snapshot=loan_book.snapshot, columns=("state", "amount"))

    view = compile_view(terms, scope="SC-1", key=b"k" * 32, data=data, views=views)

    assert sorted(path.name for path in view.job.parent.iterdir() if path.is_dir()) == [
        "gate",
        "job",
    ]
    assert not [path for path in view.folder.rglob("*") if "seal" in path.name]


def test_a_table_without_rows_or_without_values_has_an_empty_store(tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    cells = {"amount": pa.nulls(3, pa.float64()), "town": pa.nulls(3, pa.string())}
    columns = (COLUMNS[0], COLUMNS[2])

    for size in (0, 3):
        pq.write_table(pa.table(cells).slice(0, size), table)
        folder = tmp_path / str(size)
        folder.mkdir()
        store = sealed_store(folder, table, columns)

        assert (store.rows, len(store.places)) == (size, 0)
        assert [len(each.codes) for each in store.columns] == [0, 0]


def test_a_table_that_cannot_be_read_is_told_without_a_word_of_it(tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    table.write_bytes(CANARY.encode() * 100)

    with pytest.raises(DataError) as told:
        sealed_store(tmp_path, table, COLUMNS)

    assert CANARY not in str(told.value)
    assert not (tmp_path / "sealed").exists()


def test_ingest_and_first_need_seal_the_same(data: Path, loan_book: Asset) -> None:
    at_ingest = snapshot_store(loan_book, data=data)
    shutil.rmtree(folder_of(loan_book.snapshot, data=data) / "sealed")

    on_need = snapshot_store(loan_book, data=data)

    for one, two in zip(at_ingest.columns, on_need.columns, strict=True):
        assert (one.name, one.is_number, one.base) == (two.name, two.is_number, two.base)
        assert len(one.codes) == len(two.codes) > 0
        assert one.sketch.tolist() == two.sketch.tolist()
    assert sorted(at_ingest.places) == sorted(on_need.places)
