from dataclasses import replace

import pytest

from sandbox.anonymity.evidence import Evidence
from sandbox.anonymity.judge import evidence_of
from sandbox.anonymity.level import Level, Levelled, level_of_rows
from sandbox.asset import Kind, Role
from tests.sandbox.anonymity.register import CANARY, COLUMNS, KNOWN, column, people, table

NAMED = (column("unit", Kind.STRING, Role.UNIT), *COLUMNS)
CROWD = [{**row, "age": 30, "sex": "F", "town": "north"} for row in people(10)]


def crowd(rows: int = 10) -> Evidence:
    return evidence_of(table(CROWD[:rows]), COLUMNS, unit="unit", known=KNOWN)


@pytest.mark.req("G-04")
def test_each_level_is_reached_by_a_table_of_its_kind() -> None:
    found = [
        level_of_rows(NAMED, pseudonyms=(), evidence=crowd(), floor=5),
        level_of_rows(NAMED, pseudonyms=("unit",), evidence=crowd(), floor=5),
        level_of_rows(COLUMNS, pseudonyms=(), evidence=crowd(), floor=5),
    ]

    assert [each.level for each in found] == [1, 2, 3]


@pytest.mark.req("G-04")
def test_a_view_whose_smallest_class_is_below_the_floor_is_of_level_two() -> None:
    below, at = (
        level_of_rows(COLUMNS, pseudonyms=(), evidence=crowd(rows), floor=5) for rows in (4, 5)
    )

    assert (below.level, at.level) == (Level.UNNAMED, Level.ACCEPTABLE)


@pytest.mark.req("G-01")
def test_pseudonyms_alone_never_make_anonymous() -> None:
    columns = (*COLUMNS, column("phone", Kind.STRING, Role.IDENTIFIER))

    found = level_of_rows(columns, pseudonyms=("phone",), evidence=crowd(), floor=2)

    assert found.level is Level.UNNAMED
    assert "PIPL art. 73" in found.why[0].en


def test_a_view_without_rows_is_not_called_anonymous() -> None:
    empty = evidence_of(table([]), COLUMNS, unit="unit", known=KNOWN)

    assert level_of_rows(COLUMNS, pseudonyms=(), evidence=empty, floor=2).level is Level.UNNAMED


def test_every_level_says_why_in_both_languages_and_quotes_nothing() -> None:
    said: list[Levelled] = [
        level_of_rows(NAMED, pseudonyms=(), evidence=crowd(), floor=5),
        level_of_rows(NAMED, pseudonyms=("unit",), evidence=replace(crowd(), k=1), floor=5),
        level_of_rows(COLUMNS, pseudonyms=(), evidence=crowd(), floor=5),
    ]

    assert all(why.zh and why.en for each in said for why in each.why)
    assert all(each.why for each in said)
    assert CANARY not in str(said)
