import stat
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.asset import Asset, AssetId, Digest, Kind
from sandbox.data.ingest import ingest
from sandbox.data.meta import AssetMeta, parse_meta
from sandbox.data.pseudonyms import derived, pseudonyms
from sandbox.data.snapshot import snapshot_path
from sandbox.data.view import View, compile_view, forget
from sandbox.errors import DataError, UnknownAssetError, ViewError
from sandbox.order import ViewTerms
from tests.sandbox.data.tables import CANARY, declared, loans, write_parquet

KEY = bytes(range(32))
SCOPE = "SC-SH-2026-0001"


def terms_of(loan_book: Asset, /, **changes: Any) -> ViewTerms:  # noqa: ANN401 - ViewTerms' own
    terms = ViewTerms(
        asset=loan_book.id,
        snapshot=loan_book.snapshot,
        columns=("amount", "person", "state"),
        pseudonyms=("person",),
    )
    return replace(terms, **changes)


@pytest.fixture
def view(loan_book: Asset, data: Path, views: Path) -> View:
    return compile_view(terms_of(loan_book), scope=SCOPE, key=KEY, data=data, views=views)


def seen(view: View) -> pa.Table:
    """Read what a job reads."""
    with pa.memory_map(str(view.job / f"{view.asset}.arrow")) as mapped:
        return pa.ipc.open_file(mapped).read_all()


def test_a_view_has_the_granted_columns_in_the_order_of_the_terms(view: View) -> None:
    table = seen(view)

    assert table.column_names == ["amount", "person", "state"]
    assert sorted(table.column("state").to_pylist(), key=str) == ["CA", "NY", None, "沪"]
    assert (view.rows, view.units, view.asset) == (4, 3, "BP-LOANS")


def test_the_three_files_have_the_same_rows_in_the_same_order(view: View) -> None:
    gate = pq.read_table(view.gate)

    assert gate.column_names == ["amount", "person", "state", "_unit", "_unit_rows"]
    assert gate.select(["amount", "person", "state"]) == seen(view)
    assert pq.read_table(view.job / "BP-LOANS.parquet") == seen(view)


def test_the_gate_knows_the_protected_unit_of_each_row(view: View) -> None:
    gate = pq.read_table(view.gate).to_pylist()

    pairs = {(row["_unit"], row["person"], row["_unit_rows"]) for row in gate}
    assert sorted(unit for unit, _, _ in pairs) == [0, 1, 2]
    assert sorted(rows for _, _, rows in pairs) == [1, 1, 2]


def test_a_condition_chooses_rows_and_units_stay_dense(
    loan_book: Asset, data: Path, views: Path
) -> None:
    terms = terms_of(loan_book, columns=("state",), pseudonyms=(), predicate="term <> 36")

    view = compile_view(terms, scope=SCOPE, key=KEY, data=data, views=views)

    gate = pq.read_table(view.gate)
    assert (view.rows, view.units) == (2, 2)
    assert sorted(gate.column("_unit").to_pylist()) == [0, 1]
    assert sorted(gate.column("_unit_rows").to_pylist()) == [1, 2]


def test_a_view_may_be_empty(loan_book: Asset, data: Path, views: Path) -> None:
    terms = terms_of(loan_book, predicate="term = 1")

    view = compile_view(terms, scope=SCOPE, key=KEY, data=data, views=views)

    assert (view.rows, view.units, seen(view).num_rows) == (0, 0, 0)
    assert pq.read_table(view.gate).num_rows == 0


def test_no_identifying_value_is_in_any_file_of_a_view(
    loan_book: Asset, data: Path, views: Path
) -> None:
    terms = terms_of(loan_book, columns=("person", "card", "state"), pseudonyms=("card", "person"))

    view = compile_view(terms, scope=SCOPE, key=KEY, data=data, views=views)

    files = [path for path in view.folder.rglob("*") if path.is_file()]
    tables = [str(pq.read_table(path).to_pylist()) for path in files if path.suffix == ".parquet"]
    assert len(files) == 4
    assert not any(CANARY.encode() in path.read_bytes() for path in files)
    assert not any(CANARY in text for text in tables)
    assert seen(view).column("card").null_count == 1
    # The control: the same search finds them in the snapshot.
    assert CANARY in str(pq.read_table(snapshot_path(loan_book.snapshot, data=data)).to_pylist())


def test_a_second_call_finds_the_view_of_the_first(
    view: View, loan_book: Asset, data: Path, views: Path
) -> None:
    before = view.gate.stat()

    again = compile_view(terms_of(loan_book), scope=SCOPE, key=KEY, data=data, views=views)

    assert again == view
    assert view.gate.stat() == before


def test_a_view_that_lost_a_file_is_compiled_again(
    view: View, loan_book: Asset, data: Path, views: Path
) -> None:
    view.gate.unlink()

    again = compile_view(terms_of(loan_book), scope=SCOPE, key=KEY, data=data, views=views)

    assert again == view
    assert view.gate.is_file()


def test_every_part_of_the_terms_makes_another_view(
    view: View, loan_book: Asset, data: Path, views: Path
) -> None:
    compiled = partial(compile_view, data=data, views=views)
    others = [
        compiled(terms_of(loan_book), scope="SC-2", key=KEY),
        compiled(terms_of(loan_book), scope=SCOPE, key=KEY[::-1]),
        compiled(terms_of(loan_book, columns=("person", "state")), scope=SCOPE, key=KEY),
        compiled(terms_of(loan_book, columns=("person", "amount", "state")), scope=SCOPE, key=KEY),
        compiled(terms_of(loan_book, pseudonyms=("person", "state")), scope=SCOPE, key=KEY),
        compiled(terms_of(loan_book, predicate="term > 1"), scope=SCOPE, key=KEY),
    ]

    assert len({view.digest, *(other.digest for other in others)}) == 7


def test_only_the_job_folder_is_open_to_a_job_and_it_tells_no_time(view: View) -> None:
    modes = {
        str(path.relative_to(view.folder.parent)).partition("/")[2]: stat.S_IMODE(
            path.stat().st_mode
        )
        for path in view.folder.rglob("*")
    }

    assert stat.S_IMODE(view.folder.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(view.folder.stat().st_mode) == 0o700
    assert modes == {
        "job": 0o755,
        "job/BP-LOANS.arrow": 0o444,
        "job/BP-LOANS.parquet": 0o444,
        "gate": 0o700,
        "gate/BP-LOANS.parquet": 0o400,
        "view.json": 0o400,
    }
    assert {path.stat().st_mtime for path in [view.job, *view.job.iterdir()]} == {0}


def test_the_order_of_rows_says_nothing_of_the_source(
    tmp_path: Path, data: Path, meta: AssetMeta, views: Path
) -> None:
    table = pa.concat_tables([loans()] * 250)
    table = table.set_column(4, "term", pa.array(range(1_000)))
    found = ingest(write_parquet(tmp_path, table), meta, data=data)

    orders = [
        seen(
            compile_view(
                terms_of(found, columns=("term",), pseudonyms=()),
                scope=scope,
                key=KEY,
                data=data,
                views=views,
            )
        )
        .column("term")
        .to_pylist()
        for scope in ("SC-1", "SC-2")
    ]

    assert sorted(orders[0]) == sorted(orders[1]) == list(range(1_000))
    # A run of 1,000 shuffled rows keeps about one neighbour; the chance of 10 is below 10^-6.
    kept = [sum(b - a == 1 for a, b in pairwise(one)) for one in orders]
    assert max(kept) < 10
    assert sum(a == b for a, b in zip(*orders, strict=True)) < 10


@pytest.mark.parametrize(
    "changes",
    [
        {"asset": AssetId("BP-OTHER")},
        {"columns": ()},
        {"columns": ("state", "state"), "pseudonyms": ()},
        {"columns": ("income",), "pseudonyms": ()},
        {"columns": ("_row",), "pseudonyms": ()},
        {"pseudonyms": ()},
        {"columns": ("card",), "pseudonyms": ()},
        {"pseudonyms": ("person", "card")},
        {"predicate": "random() < 1"},
        {"predicate": f"person = '{CANARY}-p1'"},
    ],
)
def test_terms_that_do_not_suit_the_asset_are_refused(
    changes: dict[str, Any], loan_book: Asset, data: Path, views: Path
) -> None:
    terms = terms_of(loan_book, **changes)

    with pytest.raises(ViewError) as caught:
        compile_view(terms, scope=SCOPE, key=KEY, data=data, views=views)

    assert CANARY not in str(caught.value)
    assert not views.exists()


@pytest.mark.parametrize(("scope", "key"), [("", KEY), (SCOPE, b""), (SCOPE, KEY[1:])])
def test_a_view_needs_a_scope_and_a_whole_key(
    scope: str, key: bytes, loan_book: Asset, data: Path, views: Path
) -> None:
    with pytest.raises(ViewError):
        compile_view(terms_of(loan_book), scope=scope, key=key, data=data, views=views)


def test_a_view_of_an_unknown_or_damaged_snapshot_is_not_compiled(
    loan_book: Asset, data: Path, views: Path
) -> None:
    unknown = terms_of(loan_book, snapshot=Digest(f"sha256:{'0' * 64}"))
    path = snapshot_path(loan_book.snapshot, data=data)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)

    with pytest.raises(UnknownAssetError):
        compile_view(unknown, scope=SCOPE, key=KEY, data=data, views=views)
    with pytest.raises(DataError):
        compile_view(terms_of(loan_book), scope=SCOPE, key=KEY, data=data, views=views)
    assert not views.exists() or list(views.iterdir()) == []


def test_processes_that_compile_the_same_view_at_once_all_get_it(
    loan_book: Asset, data: Path, views: Path
) -> None:
    compiled = partial(
        compile_view, terms_of(loan_book), scope=SCOPE, key=KEY, data=data, views=views
    )

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = [future.result() for future in [pool.submit(compiled) for _ in range(4)]]

    assert len(set(found)) == 1
    assert [path.name for path in views.iterdir()] == [found[0].folder.name]
    assert seen(found[0]).num_rows == 4


@pytest.mark.usefixtures("view")
def test_views_that_nobody_keeps_are_forgotten(loan_book: Asset, data: Path, views: Path) -> None:
    other = compile_view(terms_of(loan_book), scope="SC-2", key=KEY, data=data, views=views)

    forget(views, keep={other.digest})

    assert [path.name for path in views.iterdir()] == [other.folder.name]
    forget(views / "nowhere", keep=set())


def test_two_assets_of_one_scenario_join_on_the_same_key_and_other_scenarios_do_not(
    view: View, tmp_path: Path, data: Path, views: Path
) -> None:
    renamed = loans().rename_columns(["holder", *loans().column_names[1:]])
    text = declared().replace(b'"person"', b'"holder"').replace(b"BP-LOANS", b"BP-CARDS")
    found = ingest(write_parquet(tmp_path, renamed), parse_meta(text), data=data)
    terms = terms_of(found, columns=("holder",), pseudonyms=("holder",))

    here, there = (
        set(
            seen(compile_view(terms, scope=scope, key=KEY, data=data, views=views))
            .column("holder")
            .to_pylist()
        )
        for scope in (SCOPE, "SC-2")
    )

    assert here == set(seen(view).column("person").to_pylist())
    assert here.isdisjoint(there)


@given(values=st.lists(st.text(max_size=8), unique=True), scopes=st.tuples(st.text(), st.text()))
def test_pseudonyms_are_one_to_one_within_a_scope_and_disjoint_between_scopes(
    values: list[str], scopes: tuple[str, str]
) -> None:
    first, second = (
        pseudonyms(pa.array(values, pa.string()), Kind.STRING, derived(KEY, use="p", of=scope))
        for scope in scopes
    )

    assert len(set(first.to_pylist())) == len(values)
    if scopes[0] != scopes[1]:
        assert set(first.to_pylist()).isdisjoint(second.to_pylist())


def test_a_number_and_its_text_have_different_pseudonyms() -> None:
    texts = pa.array(["5"])

    assert pseudonyms(texts, Kind.INT, KEY) != pseudonyms(texts, Kind.STRING, KEY)
