"""Finishes an answer from noisy integers: averages, rounding, sorting and canonical CSV. All post-processing."""

import csv
import io
from collections.abc import Sequence
from fractions import Fraction

from sandbox.order import Function
from sandbox.privacy.plan import AnswerColumn, Plan

Noisy = Sequence[Sequence[int]]
"""For each event, one noisy integer for each cell."""


def finished(plan: Plan, noisy: Noisy) -> list[tuple[str, ...]]:
    """Return the answer's rows as text, sorted and cut off as the question asks."""
    cells = plan.cells
    columns = [_values(column, plan, noisy) for column in plan.columns]
    kept = list(range(len(cells)))
    for sort in reversed(plan.order):
        kept.sort(key=columns[sort.column].__getitem__, reverse=sort.descending)
    texts = [
        _texts(column, values, plan) for column, values in zip(plan.columns, columns, strict=True)
    ]
    return [tuple(text[i] for text in texts) for i in kept[: plan.limit]]


def csv_bytes(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Return canonical CSV: RFC 4180 quoting where it is needed, UTF-8, LF line ends."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def _values(column: AnswerColumn, plan: Plan, noisy: Noisy) -> list[Fraction]:
    """Return what a column is sorted by: a category's place in the catalogue, or the number itself."""
    if column.function is Function.DIMENSION:
        domain = plan.dimensions[column.parts[0]].domain
        ranks = {category: Fraction(rank) for rank, category in enumerate(domain)}
        return [ranks[cell[column.parts[0]]] for cell in plan.cells]
    values = [[step * plan.events[part].grid for step in noisy[part]] for part in column.parts]
    if column.function is not Function.AVG:
        return values[0]
    return [_average(column, total, count) for total, count in zip(*values, strict=True)]


def _average(column: AnswerColumn, total: Fraction, count: Fraction) -> Fraction:
    """Return the noisy sum over the noisy count, which is taken as 1 where it is less, within the bounds."""
    return max(column.lower, min(column.upper, column.centre + total / max(count, Fraction(1))))


def _texts(column: AnswerColumn, values: list[Fraction], plan: Plan) -> list[str]:
    if column.function is Function.DIMENSION:
        return [cell[column.parts[0]] for cell in plan.cells]
    return [_decimal(value, digits=column.digits) for value in values]


def _decimal(value: Fraction, *, digits: int) -> str:
    """Return an exact fraction rounded to so many decimal places, without an exponent."""
    whole = round(value * 10**digits)
    text = f"{abs(whole):0{digits + 1}d}"
    sign = "-" if whole < 0 else ""
    return sign + (f"{text[:-digits]}.{text[-digits:]}" if digits else text)
