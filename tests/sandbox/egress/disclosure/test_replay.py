"""Fifty tables with the five common causes are sent in, and what the gate offers is done to the letter.

The causes are those for which OpenSAFELY sends outputs back (egress design, section 6). An edit of the declaration is read
from the words that the developer reads, and the job's table is made again after it.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from math import prod

import pandas as pd
import pytest

from sandbox.egress.declared import Categories, categories
from sandbox.egress.inspection import inspect
from sandbox.egress.recompute import dimensions
from sandbox.egress.terms import Inspection
from sandbox.egress.verdict import Cleared, Held, Verdict
from sandbox.order import Artifact, Function, OutputColumn, OutputTerms, ReleaseClass
from tests.sandbox.egress.disclosure.conftest import Made
from tests.sandbox.egress.disclosure.examples import COUNT, dimension, number
from tests.sandbox.egress.examples import CANARY, file, findings, output, rules, told

RATE = number(Function.AVG, "interest_rate", "rate")
BY = [
    *(("grade",), ("term",), ("homeownership",), ("loan_purpose",), ("state",), ("sub_grade",)),
    *(("grade", "term"), ("grade", "homeownership"), ("term", "homeownership"), ("state", "term")),
]
CAUSES = ("unrounded", "context", "small", "no counts", "type")
_DROP = re.compile(r"drop the dimension (\w+)")
_MERGE = re.compile(r"of (\w+) \(source (merged\(.*?\))\)")


@pytest.fixture(scope="module")
def book(loans: pd.DataFrame) -> pd.DataFrame:
    columns = ["state", "grade", "sub_grade", "loan_purpose", "homeownership", "term"]
    thin = loans[[*columns, "interest_rate"]].astype({"term": str})
    return thin.iloc[::4].reset_index(drop=True)


def by_job(book: pd.DataFrame, columns: tuple[OutputColumn, ...]) -> pd.DataFrame:
    """The table as an honest job computes what was declared."""
    shown = [column for column in columns if column.function is Function.DIMENSION]
    keys = [book[form.column].map(form.shown).rename(c.name) for c, form in _forms(shown)]
    made = book.groupby(keys).agg(n=("interest_rate", "size"), rate=("interest_rate", "mean"))
    return made.reset_index()[[column.name for column in columns]]


def _forms(shown: list[OutputColumn]) -> Iterator[tuple[OutputColumn, Categories]]:
    return ((column, categories(column)) for column in shown)


def csv(table: pd.DataFrame) -> Artifact:
    return file("csv", table.to_csv(index=False))


def asked(artifact: Artifact, terms: OutputTerms, inspection: Inspection) -> Verdict:
    [verdict] = inspect([artifact], replace(inspection, outputs=(terms,))).verdicts
    assert CANARY not in told(verdict)
    return verdict


def edited(words: str, terms: OutputTerms) -> OutputTerms | None:
    """The declaration after the offered edit, or nothing where none is offered."""
    dropped, merges = _DROP.findall(words), dict(_MERGE.findall(words))
    left = [column for column in terms.columns if column.name not in dropped]
    new = tuple(replace(column, source=merges.get(column.name, column.source)) for column in left)
    return replace(terms, columns=new) if dropped or merges else None


def words_of(verdict: Verdict) -> str:
    reason = verdict.gaps if isinstance(verdict, Cleared) else findings(verdict)[0].reason
    if reason is None:
        return ""
    return (reason.offer.said if reason.offer else reason.fix).en


def is_whole(verdict: Verdict, terms: OutputTerms, inspection: Inspection) -> bool:
    """Whether a table left in which nothing is missing."""
    if not isinstance(verdict, Cleared):
        return False
    sources = [inspection.source(terms, column) for column in dimensions(terms)]
    rows = len(verdict.content.decode().splitlines()) - 1
    return rows == prod(len(source.domain) for source in sources if source)


def settled(cause: str, book: pd.DataFrame, terms: OutputTerms, inspection: Inspection) -> bool:
    """Send in a table with one cause, do what is offered, and say whether that was enough."""
    table = by_job(book, terms.columns)
    if cause == "unrounded":  # the gate rounds by itself: nothing need be done
        first = asked(csv(table), terms, inspection)
        return isinstance(first, Cleared)
    if cause == "small":
        first = asked(csv(table), terms, inspection)
        whole = edited(words_of(first), terms)
        if whole is None:
            return is_whole(first, terms, inspection)
        again = asked(csv(by_job(book, whole.columns)), whole, inspection)
        return is_whole(again, whole, inspection)
    if cause == "no counts":
        bare = replace(terms, columns=tuple(c for c in terms.columns if c is not COUNT))
        first = asked(csv(table.drop(columns="n")), bare, inspection)
        assert rules(first) == {"egress.no_counts"}
        assert "the count of each row" in words_of(first)
        assert "drop the rows of fewer units" in words_of(first)
        again = asked(csv(table[table["n"] >= 10]), terms, inspection)
        return isinstance(again, Held) and not findings(again)
    wrong = csv(table.drop(columns="rate")) if cause == "context" else file("xlsx", b"PK\x03\x04")
    first = asked(wrong, terms, inspection)
    rule, asks = {
        "context": ("egress.columns", "exactly the declared columns"),
        "type": ("egress.type", "tables as csv"),
    }[cause]
    assert rule in rules(first)
    assert asks in words_of(first)
    return isinstance(asked(csv(table), terms, inspection), Cleared)


def test_most_of_fifty_tables_with_the_five_common_causes_are_settled_by_what_is_offered(
    made: Made, book: pd.DataFrame
) -> None:
    done, tried = Counter[str](), 0
    for names in BY:
        columns = (*map(dimension, names), COUNT, RATE)
        for cause in CAUSES:
            thin = book.iloc[::10].reset_index(drop=True) if cause == "small" else book
            terms, inspection = made(thin[[*names, "interest_rate"]], columns)
            if cause == "no counts":
                terms = output(ReleaseClass.REVIEWED, columns)
            done[cause] += settled(cause, thin, terms, inspection)
            tried += 1

    assert tried >= 50
    assert sum(done.values()) >= 0.8 * tried, done
    assert min(done[cause] for cause in CAUSES) >= len(BY) / 2, done
