"""Queries that are priced and not run, on the wire."""

from fractions import Fraction
from typing import Self

from gateway.api.shapes import Asked, Name, SaidOut, Shape
from gateway.api.shapes.jobs import Decimal, Sql
from gateway.api.shapes.terms import PICO, exact
from jobs.job import QueryWork
from sandbox.order import Function, OutputName
from sandbox.privacy.plan import Plan
from sandbox.privacy.preview import preview


class ExplainIn(Asked):
    """A query whose price is asked, not its answer."""

    scenario: Name
    sql: Sql
    epsilon: Decimal
    output: Name

    def work(self) -> QueryWork:
        """Say the same in the record's own words."""
        output = OutputName(self.output)
        return QueryWork(sql=self.sql, epsilon=Fraction(self.epsilon), output=output)


class AnswerColumnOut(Shape):
    """One column that the answer would have."""

    name: str
    type: str
    function: Function
    source: str
    deviation: float
    """The noise's standard deviation in each cell; 0 for a dimension, which has none."""


class ExplainOut(Shape):
    """What a query would cost and how exact it would be: nothing here depends on the data."""

    asset: str
    epsilon: str
    rho: str
    """The same in rho (zCDP), which is what the budgets are kept in."""
    cells: int
    """How many cells would be answered, empty ones too."""
    rows_per_unit: int
    """A unit with more rows is scaled down to weigh as much as so many."""
    columns: tuple[AnswerColumnOut, ...]
    error: SaidOut
    """The expected error of each column, in words."""
    statement: SaidOut
    """What the answer would promise, in words."""

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Show `plan`."""
        return cls(
            asset=plan.asset,
            epsilon=exact(plan.epsilon),
            rho=exact(Fraction(plan.rho, PICO)),
            cells=len(plan.cells),
            rows_per_unit=plan.rows_per_unit,
            columns=tuple(
                AnswerColumnOut(
                    name=each.name,
                    type=each.type,
                    function=each.function,
                    source=each.source,
                    deviation=each.deviation,
                )
                for each in plan.columns
            ),
            error=SaidOut.of(preview(plan)),
            statement=SaidOut.of(plan.statement),
        )
