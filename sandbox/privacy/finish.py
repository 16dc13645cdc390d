"""Finishes an answer from noisy integers: means, spreads, expressions, sorting and canonical CSV. All post-processing."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from sandbox.asset import Kind
from sandbox.privacy.draft import Sort, Stage
from sandbox.privacy.measures import SPREADS, Form
from sandbox.privacy.plan import Plan
from sandbox.privacy.post import Cell as Value
from sandbox.privacy.post import evaluated, root
from sandbox.privacy.vectors import BINS
from sandbox.privacy.words import AnswerColumn, Cell, Estimate

Row = tuple[Value, ...]
_ONE = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noised:
    """What noise has been added to: from here on nothing depends on raw data."""

    cells: Sequence[Cell]
    """One category of each dimension, in the order in which the cells are answered."""
    values: Sequence[Sequence[int]]
    """For each event one noisy integer for each cell; of a quantile the chosen place; none of the choice of keys."""


def finished(plan: Plan, noised: Noised) -> list[tuple[str, ...]]:
    """Return the answer's rows as text, computed, sorted and cut off as the question asks."""
    keys = [
        [_typed(cell[i], d.kind) for cell in noised.cells] for i, d in enumerate(plan.dimensions)
    ]
    numbers = [_estimated(estimate, plan, noised) for estimate in plan.estimates]
    rows: list[Row] = list(zip(*keys, *numbers, strict=True))
    for stage in plan.stages:
        rows = _staged(stage, rows)
    return [
        tuple(_text(value, column) for value, column in zip(row, plan.columns, strict=True))
        for row in rows
    ]


def csv_bytes(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Return canonical CSV: RFC 4180 quoting where it is needed, UTF-8, LF line ends."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def _typed(category: str, kind: Kind) -> Value:
    """Return a category as the value that expressions compare."""
    if kind is Kind.INT:
        return Fraction(category)
    return category == "true" if kind is Kind.BOOL else category


def _estimated(estimate: Estimate, plan: Plan, noised: Noised) -> list[Value]:
    values = [
        [step * plan.events[place].grid for step in noised.values[place]]
        for place in estimate.events
    ]
    if estimate.form is Form.QUANTILE:
        width = estimate.upper - estimate.lower
        places = noised.values[estimate.events[0]]
        return [estimate.lower + width * place / BINS for place in places]
    if estimate.form is Form.AVG:
        return [_mean(estimate, total, count) for total, count in zip(*values, strict=True)]
    if estimate.form in SPREADS:
        return [_spread(estimate, *cell) for cell in zip(*values, strict=True)]
    return list(values[0])


def _mean(estimate: Estimate, total: Fraction, count: Fraction) -> Fraction:
    """Return the noisy sum over the noisy count, which is taken as 1 where it is less, within the bounds."""
    found = estimate.centre + total / max(count, _ONE)
    return max(estimate.lower, min(estimate.upper, found))


def _spread(estimate: Estimate, total: Fraction, squares: Fraction, count: Fraction) -> Value:
    """Return the noisy mean of squares less the square of the noisy mean, within what the bounds allow.

    The count is taken as 1 where it is less; for a sample's spread as 2, and n / (n - 1) is applied.
    """
    sample = estimate.form in (Form.VAR_SAMP, Form.STD_SAMP)
    rows = max(count, _ONE + sample)
    most = ((estimate.upper - estimate.lower) / 2) ** 2
    found = max(Fraction(0), min(most, squares / rows - (total / rows) ** 2))
    variance = found * rows / (rows - 1) if sample else found
    return root(variance) if estimate.form in (Form.STD_SAMP, Form.STD_POP) else variance


def _staged(stage: Stage, rows: list[Row]) -> list[Row]:
    """Filter, compute, sort and cut off; sort keys may name the columns before and those computed."""
    wide = [
        (*row, *(evaluated(column.post, row) for column in stage.columns))
        for row in rows
        if stage.where is None or evaluated(stage.where, row) is True
    ]
    for sort in reversed(stage.order):
        wide = _sorted(wide, sort)
    first = len(rows[0]) if rows else 0
    return [row[first:] for row in wide[: stage.limit]]


def _sorted(rows: list[Row], sort: Sort) -> list[Row]:
    """Sort by one key, NULL last; categories as the catalogue has them."""
    ranks = {category: Fraction(rank) for rank, category in enumerate(sort.ranks)}
    found = [(_ranked(evaluated(sort.by, row), ranks), row) for row in rows]
    known = [pair for pair in found if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=sort.descending)  # type: ignore[arg-type,return-value]
    return [row for _, row in known] + [row for value, row in found if value is None]


def _ranked(value: Value, ranks: dict[str, Fraction]) -> Value:
    return ranks.get(_category(value), value) if ranks and value is not None else value


def _category(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _text(value: Value, column: AnswerColumn) -> str:
    """Return a value as the answer shows it; NULL is empty."""
    if value is None:
        return ""
    return (
        _decimal(value, digits=column.digits) if isinstance(value, Fraction) else _category(value)
    )


def _decimal(value: Fraction, *, digits: int) -> str:
    """Return an exact fraction rounded to so many decimal places, without an exponent."""
    whole = round(value * 10**digits)
    text = f"{abs(whole):0{digits + 1}d}"
    sign = "-" if whole < 0 else ""
    return sign + (f"{text[:-digits]}.{text[-digits:]}" if digits else text)
