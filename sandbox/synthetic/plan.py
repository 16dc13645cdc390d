"""Plans a synthetic sample of one asset: a price before data is read, and what is free of data at all.

Two rounds of planned queries, each a COUNT(*) by public keys under Gaussian noise: first every column alone and every
pair of columns, which chooses the tree, then the tree's pairs again, more exactly. A third of rho goes into the
first round. All that follows is post-processing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import isqrt

import numpy as np
import pyarrow as pa
import pyarrow.csv

from sandbox.anonymity.labels import alone
from sandbox.asset import Asset, AssetId, Column
from sandbox.order import ViewTerms
from sandbox.privacy.events import DpEvent
from sandbox.privacy.plan import Plan, Question, Unanswerable, plan
from sandbox.synthetic.coding import Coding, coded
from sandbox.synthetic.rows import table
from sandbox.synthetic.tree import Pair, all_pairs

MOST_COLUMNS = 20
"""Columns of which pairs are counted; the granted ones beyond are made up from the declaration."""
_FIRST_ROUND = Fraction(1, 3)
_DIGITS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTerms:
    """What is asked for; all of it is public."""

    asset: AssetId
    rows: int
    epsilon: Fraction
    """The whole sample is (epsilon^2 / 2)-zCDP."""
    rows_per_unit: int = 1
    """A unit with more rows weighs as much as so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePlan:
    """Everything that will be counted, and what it costs, fixed before data is read."""

    terms: SampleTerms
    asset: Asset
    view: ViewTerms
    codings: tuple[Coding, ...]
    """Of the columns that are counted; none where the declaration allows none, and then nothing is charged."""
    singles: tuple[Plan, ...]
    pairs: Mapping[Pair, Plan]
    again: Mapping[Pair, Plan]
    """Each pair once more, as the second round would count it; the tree's are."""

    @property
    def events(self) -> tuple[DpEvent, ...]:
        """Return what is charged: the first round, and as much of the second as there are edges in a tree."""
        first = chain.from_iterable(each.events for each in (*self.singles, *self.pairs.values()))
        edges = max(0, len(self.codings) - 1)
        dearest = sorted(self.again.values(), key=lambda each: each.rho, reverse=True)[:edges]
        return (*first, *chain.from_iterable(each.events for each in dearest))

    @property
    def rho(self) -> int:
        """Return the price, in pico-rho."""
        return sum(event.rho for event in self.events)


def planned(terms: SampleTerms, asset: Asset, view: ViewTerms) -> SamplePlan | Unanswerable:
    """Plan a sample; only the declaration is looked at. Every reason of a query's refusal can come up."""
    codings = tuple(_codings(asset, view))
    made = _Made(terms, asset, view)
    count = len(codings)
    first = _share(terms.epsilon, _FIRST_ROUND, count + count * (count - 1) // 2)
    second = _share(terms.epsilon, 1 - _FIRST_ROUND, max(1, count - 1))
    singles = [made.plan((one,), first) for one in codings]
    pairs = {(a, b): made.plan((codings[a], codings[b]), first) for a, b in all_pairs(count)}
    again = {(a, b): made.plan((codings[a], codings[b]), second) for a, b in all_pairs(count)}
    every = (*singles, *pairs.values(), *again.values())
    wrong = next((each for each in every if isinstance(each, Unanswerable)), None)
    if wrong is not None:
        return wrong
    return SamplePlan(
        terms=terms,
        asset=asset,
        view=view,
        codings=codings,
        singles=_plans(singles),
        pairs=dict(zip(pairs, _plans(pairs.values()), strict=True)),
        again=dict(zip(again, _plans(again.values()), strict=True)),
    )


def from_declaration(asset: Asset, view: ViewTerms, *, rows: int, seed: int) -> pa.Table:
    """Return rows that could be there by the declaration alone; no data is read, and the seed is public."""
    return whole(asset, view, {}, rows, np.random.default_rng(seed))


def csv_of(made: pa.Table) -> bytes:
    """Return a table as UTF-8 CSV with a header and LF line ends."""
    out = pa.BufferOutputStream()
    pa.csv.write_csv(made, out)
    content: bytes = out.getvalue().to_pybytes()
    return content


def whole(
    asset: Asset,
    view: ViewTerms,
    values: Mapping[str, pa.Array],
    rows: int,
    rng: np.random.Generator,
) -> pa.Table:
    """Put a table together: `values` where a column is there, and what its declaration says where it is not.

    A coarsened column has the labels that its values would have if each row were a class.
    """
    columns = _columns(asset, view)
    made = table(columns, frozenset(view.pseudonyms), values, rows=rows, rng=rng)
    coarse = view.generalise.quasi if view.generalise else ()
    return pa.table(
        {
            column.name: alone(array, column) if column.name in coarse else array
            for column, array in zip(columns, made.columns, strict=True)
        }
    )


@dataclass(frozen=True, slots=True)
class _Made:
    """Writes the questions of one sample."""

    terms: SampleTerms
    asset: Asset
    view: ViewTerms

    def plan(self, codings: tuple[Coding, ...], epsilon: Fraction) -> Plan | Unanswerable:
        """Plan the counts of one column's codes, or of a pair's."""
        keys = ", ".join(coding.sql for coding in codings)
        hint = f"/*+ gaussian rows_per_unit({self.terms.rows_per_unit}) */"
        source = self.asset.id.replace("-", "_")
        sql = f"SELECT {hint} {_named(codings)}, COUNT(*) AS n FROM {source} GROUP BY {keys}"  # noqa: S608 - a question to the planner, not to an engine
        question = Question(sql=sql, assets=(self.asset,), views=(self.view,), epsilon=epsilon)
        return plan(question)


def _named(codings: tuple[Coding, ...]) -> str:
    """Return the keys as items of SELECT, under names of their own."""
    return ", ".join(f"{coding.sql} AS k{place}" for place, coding in enumerate(codings))


def _codings(asset: Asset, view: ViewTerms) -> Iterator[Coding]:
    found = (
        coded(column) for column in _columns(asset, view) if column.name not in view.pseudonyms
    )
    known = [coding for coding in found if coding is not None]
    yield from known[:MOST_COLUMNS]


def _columns(asset: Asset, view: ViewTerms) -> tuple[Column, ...]:
    granted = (asset.column(name) for name in view.columns)
    return tuple(column for column in granted if column is not None)


def _share(epsilon: Fraction, part: Fraction, times: int) -> Fraction:
    """Return the epsilon of one of so many counts that cost `part` of epsilon^2 / 2 together, rounded down."""
    if times == 0:
        return epsilon
    squared = epsilon * epsilon * part / times
    return Fraction(isqrt(int(squared * _DIGITS * _DIGITS)), _DIGITS)


def _plans(made: Iterable[Plan | Unanswerable]) -> tuple[Plan, ...]:
    return tuple(each for each in made if isinstance(each, Plan))
