"""A consented view has the rows of those who consent now, and of nobody else."""

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sandbox.asset import Kind
from sandbox.data.consent_marks import mark_key, mark_of
from sandbox.data.ingest import ingest
from sandbox.data.meta import parse_meta
from sandbox.data.pseudonym_keys import SM3, fresh
from sandbox.errors import DataError, ViewError
from tests.sandbox.egress.consented.register import (
    CANARY,
    CONSENTING,
    DECLARED,
    KEY,
    PEOPLE,
    Register,
    marks,
)


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Register:
    return Register.made(tmp_path_factory.mktemp("register"))


@pytest.mark.req("G-01")
def test_of_a_thousand_people_the_job_sees_the_seven_hundred_who_consent(
    register: Register,
) -> None:
    view = register.view(register.live())

    assert (view.rows, view.units) == (700, 700)
    incomes = {row["income"] for row in register.seen()}
    assert incomes == {row["income"] for row in register.seen(PEOPLE)} - {
        row["income"] for row in register.seen(PEOPLE[700:])
    }


def test_without_the_filter_it_would_see_them_all(register: Register) -> None:
    view = register.view(replace(register.terms, consented=False))

    assert (view.rows, view.units) == (1000, 1000)


@pytest.mark.req("G-03")
def test_one_who_withdraws_is_gone_from_the_next_view(register: Register) -> None:
    before, after = register.view(register.live()), register.view(register.live(CONSENTING[1:]))

    assert (after.rows, after.digest != before.digest) == (699, True)


def test_the_same_consents_find_the_same_view_in_whatever_order_they_come(
    register: Register,
) -> None:
    before, again = register.live(), register.live(CONSENTING[::-1])

    assert register.view(before).digest == register.view(again).digest


def test_nobody_consents_and_the_job_sees_an_empty_view(register: Register) -> None:
    assert register.view(register.live(())).rows == 0


def test_a_consent_of_somebody_who_is_not_in_the_asset_adds_nothing(register: Register) -> None:
    assert register.view(register.live((*CONSENTING, "nobody"))).rows == 700


def test_the_job_gets_no_mark_and_the_gate_has_one_for_each_row(register: Register) -> None:
    view = register.view(register.live())

    assert pq.read_schema(view.job / f"{view.asset}.parquet").names == ["person", "band", "income"]
    held = pq.read_table(view.gate).column("_mark").to_pylist()
    assert sorted(held) == sorted(marks(CONSENTING))
    assert not any(CANARY in mark for mark in held)


def test_a_mark_is_no_pseudonym_of_any_scenario(register: Register) -> None:
    seen = {str(row["person"]) for row in register.seen()}

    assert not seen & {*marks(CONSENTING)}


def test_a_consented_view_is_compiled_only_where_it_was_asked_who_consents(
    register: Register,
) -> None:
    with pytest.raises(ViewError):
        register.view(register.terms)
    with pytest.raises(ViewError):
        register.view(replace(register.live(), consented=False))


def test_a_whole_number_has_one_mark_however_it_is_written(tmp_path: Path) -> None:
    key = mark_key(KEY)
    declared = DECLARED.replace(b'kind = "string"', b'kind = "int"', 1)
    file = tmp_path / "people.csv"
    file.write_text("person,band,income,note\n7,low,1,a\n8,low,2,b\n")
    asset = ingest(file, parse_meta(declared), data=tmp_path / "data")
    seven = (mark_of(" 007", Kind.INT, key),)
    terms = replace(Register.made(tmp_path).live(), snapshot=asset.snapshot, live=seven)

    assert Register(tmp_path, asset, terms).view(terms).rows == 1


def test_a_key_of_another_kind_is_refused_without_a_word_of_it() -> None:
    for unit in (CANARY, ""):
        with pytest.raises(DataError) as refused:
            mark_of(unit, Kind.INT, mark_key(KEY))
        assert CANARY not in str(refused.value)


def test_a_domain_of_commercial_cryptography_marks_by_sm3() -> None:
    domain = fresh(sm3=True)

    mark = mark_of("p", Kind.STRING, mark_key(domain))

    assert len(bytes.fromhex(mark)) == 16
    assert mark != mark_of("p", Kind.STRING, mark_key(domain.removeprefix(SM3)))
    assert mark != mark_of("p", Kind.DATE, mark_key(domain)), (
        "the kind of the key is part of the mark"
    )
