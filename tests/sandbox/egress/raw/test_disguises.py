"""Raw rows of real tables in every disguise: none of them leaves, and what the machine does not find waits for people."""

import os
from pathlib import Path

import pandas as pd
import pytest

from sandbox.egress.verdict import Blocked, Held
from tests.sandbox.egress.examples import CANARY, told
from tests.sandbox.egress.raw.books import REPORTED_ON, TUNED_ON, Book, sealed_book
from tests.sandbox.egress.raw.catching import RAW, Stage, judged, rules, stage, thief_reads
from tests.sandbox.egress.raw.disguises import DISGUISES

QUICK = "food"
"""Numbers of many digits, few columns; no threshold was chosen on it."""
ROWS = 105
"""Stolen ones, in the quick form; 500 in the long one."""
NOT_BY_CONTENT = {
    "texts only": Stage.PERSON,
    "one long line": Stage.WARNED,
    "one long column": Stage.WARNED,
    "melted": Stage.CANONICAL,
    "vertical": Stage.WARNED,
    "three rows among a thousand": Stage.PERSON,
    "rounded to 3 digits": Stage.WARNED,
    "rounded to 2 digits": Stage.WARNED,
    "rounded to 1 digit": Stage.PERSON,
    "scaled": Stage.WARNED,
    "logarithms": Stage.WARNED,
    "squares": Stage.PERSON,
    "reciprocals": Stage.PERSON,
    "one column, scaled": Stage.WARNED,
    "one column, noise": Stage.WARNED,
    "ranks": Stage.PERSON,
    "last digits": Stage.CANONICAL,
    "number words": Stage.PERSON,
    "base64 turned round": Stage.FORM,
    "UTF-16 in base64": Stage.FORM,
    "enciphered, in base64": Stage.FORM,
    "pixels": Stage.FORM,
    "parquet's metadata": Stage.CANONICAL,
}
"""Of `QUICK`; the decision page has all tables. Every other disguise is blocked for the rows that are found in it."""
RICH = ("diamonds", "flights", "food", "movies")
"""Tables whose rows tell enough to be known again by a few cells."""
long_only = pytest.mark.skipif(
    os.environ.get("SHUYU_EGRESS") != "long", reason="SHUYU_EGRESS=long runs it"
)


@pytest.fixture(scope="module", params=[QUICK])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Book:
    return sealed_book(request.param, tmp_path_factory.mktemp("book"))


def stolen(source: Book, rows: int) -> pd.DataFrame:
    """Return rows whose last column is the one that tells most."""
    telling = str(source.rows.select_dtypes("number").nunique().idxmax())
    found = source.rows.sample(rows, random_state=3)
    return found[[*found.columns.drop(telling), telling]]


@pytest.mark.req("D-17")
@pytest.mark.parametrize("name", DISGUISES)
def test_no_disguise_of_raw_rows_leaves(name: str, source: Book) -> None:
    rows = stolen(source, ROWS)

    caught = stage(DISGUISES[name], rows, source)

    assert caught is NOT_BY_CONTENT.get(name, Stage.CONTENT)


@pytest.mark.parametrize("name", [name for name, each in DISGUISES.items() if each.read])
def test_what_a_disguise_hides_is_really_there(name: str, source: Book) -> None:
    rows, disguise = stolen(source, ROWS), DISGUISES[name]

    files = disguise.hide(rows)

    assert thief_reads(disguise, files, rows, near=max(disguise.tolerance, 1e-9))


@pytest.mark.parametrize("name", ["csv", "json records", "prose", "columns shuffled apart"])
def test_without_a_source_to_hold_them_against_the_same_rows_wait_like_any_table(
    name: str, source: Book
) -> None:
    files = DISGUISES[name].hide(stolen(source, ROWS))

    unguarded = judged(files, source, guarded=False)

    assert all(isinstance(verdict, Held) for verdict in unguarded)
    assert rules(unguarded) & RAW == set()
    assert rules(judged(files, source)) & RAW


def test_a_developer_is_told_no_value_and_no_strength(source: Book) -> None:
    rows = stolen(source, ROWS)
    rows.insert(0, "note", CANARY)

    [verdict] = judged(DISGUISES["csv"].hide(rows), source)

    assert CANARY not in told(verdict)
    assert isinstance(verdict, Blocked)
    for finding in verdict.findings:
        said = finding.reason.why.en + finding.reason.why.zh + finding.reason.place
        assert not any(str(value) in said for value in rows[rows.columns[-1]])
        assert "bits" not in said


@long_only
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", TUNED_ON | REPORTED_ON)
def test_on_no_table_any_disguise_leaves(name: str, tmp_path: Path) -> None:
    source = sealed_book(name, tmp_path)
    rows = stolen(source, 500)

    caught = {each: stage(disguise, rows, source) for each, disguise in DISGUISES.items()}

    assert Stage.NOBODY not in caught.values()
    if name in RICH:
        blocked = [each for each in caught.values() if each in {Stage.CONTENT, Stage.FORM}]
        assert len(blocked) >= 0.75 * len(caught)
