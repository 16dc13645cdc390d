"""Queries that are priced and not run, on the wire."""

from fractions import Fraction
from typing import Self

from gateway.api.shapes import Asked, Name, ReasonOut, SaidOut, Shape
from gateway.api.shapes.bundles import Decimal, Sql
from gateway.api.shapes.terms import exact
from jobs.job import QueryWork
from jobs.rules.scopes import said
from jobs.steps.price import Effect, Priced
from sandbox.order import Function, OutputName
from sandbox.privacy.accounting import rho_text
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


class EffectOut(Shape):
    """What the query would do to one budget, in exact decimal numbers of rho."""

    scope: str
    name: SaidOut
    limit: str | None
    """Nothing where it has no limit: what falls on it is counted, and shown as used."""
    used: str
    before: str | None
    """What is left now; nothing where it has no limit."""
    after: str | None
    """What would be left; nothing where it has no limit or cannot bear the query."""
    bears: bool
    """Whether it can bear the query: where one budget cannot, the query is refused."""
    told: SaidOut

    @classmethod
    def of(cls, effect: Effect) -> Self:
        """Show `effect`."""
        now = effect.balance
        return cls(
            scope=effect.scope,
            name=SaidOut.of(said(effect.scope)),
            limit=rho_text(now.limit) if now.limited else None,
            used=rho_text(now.used),
            before=rho_text(now.left) if now.limited else None,
            after=rho_text(now.left - effect.price) if now.limited and effect.bears else None,
            bears=effect.bears,
            told=SaidOut.of(effect.told),
        )


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
    budgets: tuple[EffectOut, ...]
    """Every budget that the query would be charged to, each in full."""
    reasons: tuple[ReasonOut, ...]
    """Why it would be refused now: one for each budget that cannot bear it."""

    @classmethod
    def of(cls, priced: Priced) -> Self:
        """Show `priced`."""
        plan = priced.plan
        assert isinstance(plan, Plan), "a query was priced"
        return cls(
            asset=plan.asset,
            epsilon=exact(plan.epsilon),
            rho=rho_text(plan.rho),
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
            budgets=tuple(EffectOut.of(effect) for effect in priced.effects),
            reasons=tuple(ReasonOut.of(reason) for reason in priced.reasons),
        )
