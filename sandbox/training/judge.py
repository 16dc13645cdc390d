"""Judges terms by the catalogue and by themselves, before a price is made: every reason, and no data."""

from collections.abc import Collection, Iterator
from fractions import Fraction
from itertools import pairwise

from sandbox.asset import Asset, Column, Role
from sandbox.reason import Reason
from sandbox.training import refusals
from sandbox.training.refusals import reason
from sandbox.training.terms import (
    Amount,
    Binary,
    Binned,
    Category,
    Feature,
    Loss,
    Number,
    Scorecard,
    Sgd,
    Target,
    TrainingTerms,
    Trend,
)

_LOSSES = {
    "binary": (Loss.LOGISTIC,),
    "one_of": (Loss.CROSS_ENTROPY,),
    "amount": (Loss.SQUARED, Loss.HUBER),
}
_LEAST, _MOST = Fraction(1, 10**6), Fraction(10**6)


def reasons(terms: TrainingTerms, asset: Asset, columns: Collection[str]) -> Iterator[Reason]:
    """Give every reason why `terms` do not suit the catalogue, but those of layers and price."""
    named = [*(feature.column for feature in terms.features), terms.target.column]
    if len(set(named)) < len(named):
        yield reason("training.twice")
    if not 1 <= len(terms.features) <= refusals.MAX_FEATURES:
        yield reason("training.features")
    for part in (*terms.features, terms.target):
        column = asset.column(part.column)
        if column is None or part.column not in columns:
            yield reason("training.column", part.column)
        else:
            yield from _of_column(part, column)
    yield from _of_design(terms)
    yield from _of_numbers(terms)


def _of_column(part: Feature | Target, column: Column) -> Iterator[Reason]:
    if isinstance(part, Number | Amount | Binned):
        if not _is_bounded(column):
            yield reason("training.number", column.name)
        elif isinstance(part, Binned) and not _fit(part.cuts, column):
            yield reason("training.cuts", column.name)
    elif not _is_category(column) or (isinstance(part, Category) and part.width < 0):
        yield reason("training.category", column.name)
    elif isinstance(part, Binary) and not set() < set(part.positive) < set(column.domain):
        yield reason("training.positive", column.name)


def _is_bounded(column: Column) -> bool:
    return column.role is Role.MEASURE and Fraction(column.lower) < Fraction(column.upper)


def _is_category(column: Column) -> bool:
    return column.role is Role.DIMENSION and len(column.domain) > 1


def _fit(cuts: tuple[Fraction, ...], column: Column) -> bool:
    ends = (Fraction(column.lower), *cuts, Fraction(column.upper))
    return 0 < len(cuts) <= refusals.MAX_CUTS and all(a < b for a, b in pairwise(ends))


def _of_design(terms: TrainingTerms) -> Iterator[Reason]:
    if terms.loss not in _LOSSES[terms.target.kind]:
        yield reason("training.loss")
    is_plain = isinstance(terms.target, Binary) and not any(
        isinstance(feature, Number) or (isinstance(feature, Category) and feature.width)
        for feature in terms.features
    )
    if isinstance(terms.design, Scorecard) and not (
        is_plain and min(terms.design.odds, terms.design.double) > 0
    ):
        yield reason("training.scorecard")
    for feature in terms.features:
        has_trend = isinstance(feature, Binned) and feature.trend is not Trend.FREE
        if has_trend and not isinstance(terms.design, Scorecard):
            yield reason("training.trend", feature.column)


def _of_numbers(terms: TrainingTerms) -> Iterator[Reason]:
    if not (
        1 <= terms.steps <= refusals.MAX_STEPS
        and refusals.LEAST_RATE <= terms.sampling_rate <= 1
        and 1 <= terms.rows_per_unit <= refusals.MAX_ROWS_PER_UNIT
        and terms.units >= 1
        and 0 <= terms.seed < 1 << 32
        and 0 <= terms.averaged < 1
    ):
        yield reason("training.steps")
    momentum = terms.optimiser.momentum if isinstance(terms.optimiser, Sgd) else Fraction(0)
    numbers = [number for each in terms.tries for number in (each.rate, each.clip)]
    if not (
        1 <= len(terms.tries) <= refusals.MAX_TRIES
        and all(_LEAST <= number <= _MOST for number in numbers)
        and 0 <= momentum < 1
    ):
        yield reason("training.tries")
    if not _has_right_metrics(terms):
        yield reason("training.metrics")
    is_ranged = 0 < terms.epsilon <= refusals.MAX_EPSILON
    if not (is_ranged and Fraction(1, 10**12) <= terms.delta <= Fraction(1, 10**3)):
        yield reason("training.epsilon")


def _has_right_metrics(terms: TrainingTerms) -> bool:
    if terms.metrics is None:
        return len(terms.tries) == 1
    return (
        0 < terms.metrics.share <= Fraction(1, 2)
        and _LEAST <= terms.metrics.rho <= 1
        and not isinstance(terms.target, Amount)
    )
