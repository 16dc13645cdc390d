"""Every edit that the gate offers for a table with gaps works as offered: on 51 real tables in the long form."""

import os
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from sandbox.egress.declared import LABELS
from sandbox.egress.finding import Finding
from sandbox.egress.inspection import inspect
from sandbox.egress.recompute import limits, recompute
from sandbox.egress.terms import Inspection
from sandbox.egress.treatments.edits import Edit, bits, edit, is_complete
from sandbox.egress.treatments.recomputed import Treated, known_base, treat
from sandbox.order import Function, OutputColumn, OutputTerms
from sandbox.reason import Said
from tests.sandbox.egress.disclosure.conftest import Made
from tests.sandbox.egress.disclosure.examples import COUNT, dimension, number
from tests.sandbox.egress.examples import CANARY, file, findings

LENT = number(Function.SUM, "loan_amount", "lent")
RATE = number(Function.AVG, "interest_rate", "rate")
LONG = os.environ.get("SHUYU_EGRESS") == "long"
SINGLE = ("state", "grade", "sub_grade", "loan_purpose", "homeownership", "term")


@pytest.fixture(scope="module")
def tables(loans: pd.DataFrame) -> list[tuple[pd.DataFrame, tuple[OutputColumn, ...]]]:
    """Three books (all, one in five, one in twenty) by every pair and each single dimension."""
    kept = loans[[*SINGLE, "loan_amount", "interest_rate"]].astype({"term": str})
    books = [kept, kept.iloc[::5], kept.iloc[::20]]
    by = [(name,) for name in SINGLE] + [
        pair for pair in combinations(SINGLE, 2) if "state" not in pair
    ]
    by.append(("state", "grade"))
    numbers = [(COUNT,), (COUNT, RATE), (COUNT, LENT)]
    return [
        (book.reset_index(drop=True), (*map(dimension, names), *numbers[at % 3]))
        for book in (books if LONG else books[1:2])
        for at, names in enumerate(by)
    ]


def offered(terms: OutputTerms, inspection: Inspection) -> Edit | None:
    rows = recompute(terms, inspection)
    treated = treat(terms, inspection)
    profile = limits(terms, inspection)
    shown = treated.table.rows if isinstance(treated, Treated) else ()
    depth = sum(column.function in LABELS for column in terms.columns)
    kept = [tuple(map(str, row[:depth])) for row in shown]
    if is_complete(kept, terms, inspection):
        return None
    return edit(rows, kept, terms, inspection, base=known_base(terms, profile))


def said_of(treated: Treated | Finding) -> Said | None:
    reason = treated.gaps if isinstance(treated, Treated) else treated.reason
    return reason.offer.said if reason and reason.offer else None


def test_the_edits_that_are_offered_work(
    made: Made, tables: list[tuple[pd.DataFrame, tuple[OutputColumn, ...]]]
) -> None:
    assert len(tables) >= (50 if LONG else 17)
    tried = worked = wanting = 0
    for book, columns in tables:
        terms, inspection = made(book, columns)
        before = treat(terms, inspection)
        found = offered(terms, inspection)
        said = said_of(before)
        if found is None:
            wanting += said is not None and "merged" in said.en
            continue
        tried += 1
        after = treat(found.terms, replace(inspection, outputs=(found.terms,)))
        assert said == found.said
        assert isinstance(after, Treated)
        depth = sum(column.function in LABELS for column in found.terms.columns)
        kept = [tuple(map(str, row[:depth])) for row in after.table.rows]
        worked += is_complete(kept, found.terms, inspection)
        assert CANARY not in repr((before, after, found.said))

    assert wanting == 0
    assert tried >= (15 if LONG else 5)
    assert worked == tried


def test_an_edit_does_not_tell_an_empty_category_from_a_small_one(made: Made) -> None:
    sizes = {"a": 60, "b": 50, "c": 40}
    book = pd.DataFrame({"kind": [*np.repeat(list(sizes), list(sizes.values())), *"dddd"]})
    other = book.assign(kind=book["kind"].replace("d", None))
    small, inspection = made(book, (dimension("kind"), COUNT))
    _, beside = made(other, (dimension("kind"), COUNT))
    view = replace(beside.views[0], asset=inspection.views[0].asset)
    empty = replace(inspection, views=(view,))

    with_few, with_none = treat(small, inspection), treat(small, empty)

    assert isinstance(with_few, Treated)
    assert isinstance(with_none, Treated)
    assert with_few.gaps == with_none.gaps
    offer = said_of(with_few)
    assert offer is not None
    assert "merged(kind, 'c' + 'd')" in offer.en
    assert with_few.table == with_none.table


def test_an_offer_has_its_price_and_is_the_same_whatever_the_job_wrote(made: Made) -> None:
    book = pd.DataFrame({"kind": [*"abcd"] * 6})
    terms, inspection = made(book, (dimension("kind"), COUNT))
    whole = pd.DataFrame({"kind": [*"abcd"], "n": 6})

    told = {
        findings(inspect([file("csv", table.to_csv(index=False))], inspection).verdicts[0])[0]
        for table in (whole, whole.head(1), whole.iloc[::-1], whole.assign(n=5))
    }

    assert len(told) == 1
    offer = told.pop().reason.offer
    assert offer is not None
    assert "merged(kind, 'a' + 'b', 'c' + 'd')" in offer.said.en
    assert offer.bits == 4  # none, one dimension fewer, or one of 8 groupings of 4 kinds
    assert bits(terms, inspection) == offer.bits
