"""The design of a declared regression: its coefficients by name, and the SQL of each column of its matrix.

Numbers are moved by their mean and scaled by their deviation before sums of products are made, so that these stay well
conditioned; the coefficients are turned back afterwards.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandbox.asset import Column, Role
from sandbox.egress.declared import COEFFICIENTS, MODELS, Model, Number, UndeclaredError, model
from sandbox.egress.gate import literal, quoted
from sandbox.egress.lane.numbers import real, value_of
from sandbox.order import Function, OutputColumn

INTERCEPT = "(intercept)"
MOST_TERMS = 60
"""Coefficients of one regression."""
Vector = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One column of the matrix: (x - centre) / scale."""

    name: str
    value: str
    """The SQL of x."""
    is_number: bool = False
    centre: float = 0.0
    scale: float = 1.0

    @property
    def sql(self) -> str:
        """Return the SQL of the column."""
        return (
            f"(({self.value}) - {real(self.centre)}) / {real(self.scale)}"
            if self.is_number
            else self.value
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """One regression."""

    outcome: str
    terms: tuple[Term, ...]
    """The intercept first."""
    levels: tuple[str, ...]
    """A condition for each level of each category, the omitted and the outcome's own too."""
    is_logistic: bool

    def back(self, beta: Vector, covariance: Vector) -> tuple[Vector, Vector]:
        """Return coefficients and standard errors of the numbers as declared."""
        turn = np.diag([1 / term.scale for term in self.terms])
        turn[0] = [1.0, *(-term.centre / term.scale for term in self.terms[1:])]
        return turn @ beta, np.sqrt(np.diag(turn @ covariance @ turn.T))


def design(columns: tuple[OutputColumn, ...], granted: tuple[Column, ...]) -> Design:
    """Return the design of a table of coefficients; raise `UndeclaredError` where its columns make none."""
    known = {column.name: column for column in granted}
    made = [column for column in columns if column.function in COEFFICIENTS]
    labels = [column for column in columns if column.function is Function.TERM]
    sources = {column.source for column in columns if column.function is not Function.TERM}
    fits = (len(made), len(labels), len(sources)) == (1, 1, 1)
    if not fits or any(column.function not in MODELS for column in columns):
        raise UndeclaredError("coefficients of one model stand alone with their terms")
    form = model(made[0])
    is_logistic = made[0].function is Function.LOGISTIC
    if is_logistic != (form.outcome.category is not None):
        raise UndeclaredError("an outcome that is not of the model's kind")
    return _designed(form, known, is_logistic=is_logistic)


def _designed(form: Model, known: Mapping[str, Column], *, is_logistic: bool) -> Design:
    terms = [Term(name=INTERCEPT, value="1.0::DOUBLE")]
    levels = list(_sides(form.outcome)) if is_logistic else []
    for number in form.terms:
        column = known[number.column]
        if number.column == form.outcome.column:
            raise UndeclaredError("an outcome that explains itself")
        terms += _terms(number, column)
        levels += _levels(number, column)
    if len(terms) > MOST_TERMS:
        raise UndeclaredError("too many coefficients")
    return Design(
        outcome=value_of(form.outcome),
        terms=tuple(terms),
        levels=tuple(levels),
        is_logistic=is_logistic,
    )


def _terms(number: Number, column: Column) -> Iterator[Term]:
    if number.category is None and column.role is Role.DIMENSION:
        for name in column.domain[1:]:
            level = Number(column=column.name, category=name)
            yield Term(name=f"{column.name}={name}", value=value_of(level))
        return
    if number.category is not None:
        yield Term(name=f"{column.name}={number.category}", value=value_of(number))
        return
    yield Term(name=column.name, value=value_of(number), is_number=True)


def _levels(number: Number, column: Column) -> Iterator[str]:
    if number.category is not None:
        yield from _sides(number)
    elif column.role is Role.DIMENSION:
        text = f"CAST({quoted(column.name)} AS VARCHAR)"
        yield from (f"{text} = {literal(name)}" for name in column.domain)


def _sides(number: Number) -> tuple[str, str]:
    value = value_of(number)
    return f"({value}) = 1", f"({value}) = 0"
