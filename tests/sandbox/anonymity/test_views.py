import hashlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from jobs.proof.bodies import dump, load
from sandbox.anonymity.granted import Granted, level_of_view
from sandbox.anonymity.judge import Known, evidence_of
from sandbox.anonymity.sealed import as_json, seal
from sandbox.asset import Asset, Kind, Role
from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.data.pseudonym_keys import KEY_BYTES, SM3, fresh
from sandbox.data.pseudonyms import derived, pseudonyms
from sandbox.data.snapshot import snapshot_path
from sandbox.data.view import View, compile_view, view_digest
from sandbox.errors import ViewError
from sandbox.order import Generalise, ViewTerms
from tests.sandbox.anonymity.register import CANARY, QUASI, SENSITIVE, TOWNS, people, table

KEY = bytes(range(32))
K = 4
Compile = Callable[..., View]
AIM = Generalise(quasi=QUASI, sensitive=SENSITIVE, k=K, l=2)
DECLARED = f"""
id = "BP-CARE"
version = 1
title_zh = "诊疗记录"
title_en = "Care"
provider = "P-1"
unit_kind = "natural_person"
unit_column = "unit"
input_tier = "base_product"
authority_level = "city"
columns.unit = {{role = "unit", grade = "L3", title_zh = "人", title_en = "person", kind = "string"}}
columns.age = {{role = "attribute", grade = "L2", title_zh = "年龄", title_en = "age", kind = "int"}}
columns.sex = {{role = "attribute", grade = "L2", title_zh = "性别", title_en = "sex", kind = "string"}}
columns.town = {{role = "dimension", grade = "L2", title_zh = "镇", title_en = "town", kind = "string", domain = {list(TOWNS)}}}
columns.illness = {{role = "attribute", grade = "L3", title_zh = "病", title_en = "illness", kind = "string"}}
columns.cost = {{role = "measure", grade = "L2", title_zh = "费用", title_en = "cost", kind = "float", lower = 0, upper = 9000}}
""".replace("'", '"')


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("care")


@pytest.fixture(scope="module")
def care(data: Path) -> Asset:
    pq.write_table(table(people(300, rows_each=2)), data / "care.parquet")
    return ingest(data / "care.parquet", parse_meta(DECLARED.encode()), data=data / "data")


@pytest.fixture
def compiled(data: Path, tmp_path: Path) -> Compile:
    def one(terms: ViewTerms, *, key: bytes = KEY, scope: str = "SC-1") -> View:
        return compile_view(
            terms, scope=scope, key=key, data=data / "data", views=tmp_path / "views"
        )

    return one


def terms_of(care: Asset, **changes: Any) -> ViewTerms:  # noqa: ANN401 - ViewTerms' own
    terms = ViewTerms(
        asset=care.id,
        snapshot=care.snapshot,
        columns=(*QUASI, *SENSITIVE),
        generalise=AIM,
    )
    return replace(terms, **changes)


def seen(view: View) -> pa.Table:
    with pa.memory_map(str(view.job / f"{view.asset}.arrow")) as mapped:
        return pa.ipc.open_file(mapped).read_all()


@pytest.mark.req("G-04")
def test_a_generalised_view_keeps_its_k_and_every_row(compiled: Compile, care: Asset) -> None:
    view = compiled(terms_of(care))

    rows = seen(view)
    gate = pq.read_table(view.gate)
    crowds = gate.group_by(list(QUASI)).aggregate([("_unit", "count_distinct")])
    assert rows.num_rows == view.rows == care.rows
    assert min(crowds.column("_unit_count_distinct").to_pylist()) == view.evidence.k >= K
    assert all(pa.types.is_string(rows.schema.field(name).type) for name in QUASI)
    assert gate.select(rows.column_names) == rows
    assert pq.read_table(view.job / f"{care.id}.parquet") == rows


def test_sensitive_values_stay_as_they_are_and_stay_with_their_rows(
    compiled: Compile, care: Asset
) -> None:
    raw = compiled(terms_of(care, generalise=None, columns=SENSITIVE))

    coarse = compiled(terms_of(care))

    pairs = [sorted(map(str, seen(view).select(SENSITIVE).to_pylist())) for view in (raw, coarse)]
    assert pairs[0] == pairs[1]


def test_no_key_of_a_person_is_in_any_file_of_a_generalised_view(
    compiled: Compile,
    care: Asset,
    data: Path,
) -> None:
    view = compiled(terms_of(care))

    files = [path for path in view.folder.rglob("*") if path.is_file()]
    tables = [pq.read_table(path) for path in files if path.suffix == ".parquet"]
    assert not any(CANARY.encode() in path.read_bytes() for path in files)
    assert not any(CANARY in str(each.to_pylist()) for each in tables)
    assert CANARY in str(
        pq.read_table(snapshot_path(care.snapshot, data=data / "data")).to_pylist()
    )


def test_the_evidence_of_a_view_lies_beside_it_and_is_found_again(
    compiled: Compile, care: Asset
) -> None:
    first = compiled(terms_of(care, generalise=None))

    again = compiled(terms_of(care, generalise=None))

    assert again.evidence == first.evidence
    assert first.evidence.k == 1
    assert first.evidence.quasi == (*QUASI, "illness")
    assert CANARY not in as_json([seal(first.asset, first.evidence)])


def test_the_level_of_a_view_follows_from_what_is_granted_and_measured(
    compiled: Compile, care: Asset
) -> None:
    raw, coarse, named = (
        terms_of(care, generalise=None),
        terms_of(care),
        terms_of(care, generalise=None, columns=("unit", *QUASI), pseudonyms=("unit",)),
    )

    levels = [_level(compiled(terms), terms, care) for terms in (raw, coarse, named)]

    assert levels == [2, 3, 2]


def _level(view: View, terms: ViewTerms, care: Asset) -> int:
    columns = tuple(column for column in care.columns if column.name in terms.columns)
    granted = Granted(
        columns=columns, pseudonyms=frozenset(terms.pseudonyms), generalise=terms.generalise
    )
    return level_of_view(view.evidence, granted, floor=K).level


@pytest.mark.req("F-08")
def test_a_snapshot_that_a_developer_brought_is_judged_as_it_lies(care: Asset, data: Path) -> None:
    path = snapshot_path(care.snapshot, data=data / "data")

    found = evidence_of(path, care.columns, unit=care.unit_column, known=Known.of(care.columns))

    assert (found.rows, found.units, found.k) == (600, 300, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": (*QUASI, *SENSITIVE, "unit"), "pseudonyms": ("unit",)},
        {"columns": ("age", "sex")},
        {"columns": QUASI, "generalise": AIM},
        {"generalise": replace(AIM, k=1)},
        {"generalise": replace(AIM, k=301)},
        {"generalise": replace(AIM, sensitive=(*SENSITIVE, "age"))},
        {"generalise": replace(AIM, t=Fraction(2))},
        {"predicate": "age = 30 AND town = 'north'"},
    ],
)
def test_a_generalised_view_that_cannot_keep_its_promise_is_not_compiled(
    changes: dict[str, Any],
    compiled: Compile,
    care: Asset,
) -> None:
    with pytest.raises(ViewError) as caught:
        compiled(terms_of(care, **changes))

    assert CANARY not in str(caught.value)


def test_a_generalised_view_may_be_empty(compiled: Compile, care: Asset) -> None:
    view = compiled(terms_of(care, predicate="age < 0"))

    assert (view.rows, view.evidence.k, seen(view).column_names) == (0, 0, [*QUASI, *SENSITIVE])


def test_every_part_of_how_it_is_generalised_makes_another_view(care: Asset, data: Path) -> None:
    others = [
        None,
        AIM,
        replace(AIM, k=5),
        replace(AIM, l=1),
        replace(AIM, t=Fraction(1, 2)),
        replace(AIM, relaxed=True),
        replace(AIM, quasi=QUASI[::-1]),
    ]

    digests = {
        view_digest(terms_of(care, generalise=aim), scope="SC-1", key=KEY, data=data / "data")
        for aim in others
    }

    assert len(digests) == len(others)


def test_terms_that_were_signed_before_views_could_be_generalised_keep_their_form(
    care: Asset,
) -> None:
    plain = terms_of(care, generalise=None)

    stored = dump(plain)

    assert "generalise" not in stored
    assert load(ViewTerms, stored) == plain
    assert load(ViewTerms, dump(terms_of(care))) == terms_of(care)


def test_the_gate_takes_columns_as_the_view_shows_them(care: Asset) -> None:
    coarse, plain = terms_of(care), terms_of(care, generalise=None, pseudonyms=("unit",))

    shown = {column.name: coarse.shown(column) for column in care.columns}

    assert {(shown[name].kind, shown[name].role, shown[name].domain) for name in QUASI} == {
        (Kind.STRING, Role.ATTRIBUTE, ())
    }
    assert [shown[name] for name in SENSITIVE] == [care.column(name) for name in SENSITIVE]
    assert [plain.shown(column) for column in care.columns] == list(care.columns)


@pytest.mark.req("F-09")
@pytest.mark.parametrize("sm3", [False, True])
def test_two_scenarios_share_no_pseudonym(compiled: Compile, care: Asset, *, sm3: bool) -> None:
    terms = terms_of(care, generalise=None, columns=("unit",), pseudonyms=("unit",))
    key = fresh(sm3=sm3)

    here, there = (
        set(seen(compiled(terms, key=key, scope=scope)).column("unit").to_pylist())
        for scope in ("SC-1", "SC-2")
    )

    assert len(here) == len(there) == 300
    assert here.isdisjoint(there)
    assert {len(name) for name in here | there} == {32}


@pytest.mark.parametrize("sm3", [False, True])
def test_the_gate_tells_units_apart_by_other_names_than_the_job(
    compiled: Compile, care: Asset, *, sm3: bool
) -> None:
    terms = terms_of(care, generalise=None, columns=("unit", "age"), pseudonyms=("unit",))

    view = compiled(terms, key=fresh(sm3=sm3))

    gate = pq.read_table(view.gate).to_pylist()
    assert {str(row["_unit"]) for row in gate}.isdisjoint(row["unit"] for row in gate)
    assert len({(row["unit"], row["_unit"]) for row in gate}) == 300


def test_keys_of_the_two_algorithms_give_other_pseudonyms_and_other_views(
    care: Asset, data: Path
) -> None:
    texts, secret = pa.array(["a", "b"]), KEY
    terms = terms_of(care, generalise=None)

    names = [pseudonyms(texts, Kind.STRING, key) for key in (secret, SM3 + secret)]
    digests = {
        view_digest(terms, scope="S", key=key, data=data / "data") for key in (secret, SM3 + secret)
    }

    assert set(names[0].to_pylist()).isdisjoint(names[1].to_pylist())
    assert len(digests) == 2
    assert derived(SM3 + secret, use="u", of="o").startswith(SM3)
    assert len(derived(SM3 + secret, use="u", of="o")) == len(SM3) + KEY_BYTES


def test_hmac_is_made_of_sm3_as_rfc_2104_says() -> None:
    secret = KEY.ljust(64, b"\0")
    inner = hashlib.new("sm3", bytes(byte ^ 0x36 for byte in secret) + b"string\0a").digest()
    outer = hashlib.new("sm3", bytes(byte ^ 0x5C for byte in secret) + inner).hexdigest()

    [found] = pseudonyms(pa.array(["a"]), Kind.STRING, SM3 + KEY).to_pylist()

    assert found == outer[:32]


@pytest.mark.parametrize("key", [b"", SM3, SM3 + KEY[1:], KEY + b"x"])
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    with pytest.raises(ViewError):
        derived(key, use="u", of="o")
