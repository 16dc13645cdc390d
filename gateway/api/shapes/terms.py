"""Grants and budgets on the wire: what a developer may do, and what is left of it."""

from datetime import date, datetime
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Self

from gateway.api.shapes import SaidOut, Shape
from jobs.grant import Approval, GrantState
from jobs.record.budgets import Balance
from jobs.record.grants import Granted
from jobs.rules.scopes import said
from sandbox.anonymity.level import promised
from sandbox.order import (
    Function,
    Generalise,
    Limits,
    OutputForm,
    OutputTerms,
    ReleaseClass,
    ViewTerms,
)
from sandbox.privacy.accounting import rho_text
from sandbox.reason import Said


def exact(number: Fraction) -> str:
    """Return a number without loss: as a decimal where it has one, else as `n/d`."""
    rest = number.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest != 1:
        return f"{number.numerator}/{number.denominator}"
    with localcontext(prec=200):
        return format((Decimal(number.numerator) / Decimal(number.denominator)).normalize(), "f")


class GeneraliseOut(Shape):
    """How a view is made k-anonymous."""

    quasi: tuple[str, ...]
    """The columns that are coarsened, to intervals or sets of categories."""
    k: int
    sensitive: tuple[str, ...]
    l: int  # noqa: E741 - its name everywhere
    t: str
    """An exact number from 0 to 1."""
    relaxed: bool

    @classmethod
    def of(cls, aim: Generalise) -> Self:
        """Show `aim`."""
        return cls(
            quasi=aim.quasi,
            k=aim.k,
            sensitive=aim.sensitive,
            l=aim.l,
            t=exact(aim.t),
            relaxed=aim.relaxed,
        )


class ViewOut(Shape):
    """Which part of one asset is granted."""

    asset: str
    columns: tuple[str, ...]
    pseudonyms: tuple[str, ...]
    predicate: str
    generalise: GeneraliseOut | None
    level: int
    """What its terms promise by GB/T 42460, whatever the data: 3 where it is generalised, else 2."""
    consented: bool
    """Whether a job sees the rows of those alone who consent as it starts."""

    @classmethod
    def of(cls, view: ViewTerms) -> Self:
        """Show `view`."""
        return cls(
            asset=view.asset,
            columns=view.columns,
            pseudonyms=view.pseudonyms,
            predicate=view.predicate,
            generalise=None if view.generalise is None else GeneraliseOut.of(view.generalise),
            level=promised(view),
            consented=view.consented,
        )


class OutputColumnOut(Shape):
    """One declared column of an output."""

    name: str
    type: str
    function: Function
    source: str


class OutputOut(Shape):
    """One declared output."""

    name: str
    form: OutputForm
    release: ReleaseClass
    asset: str | None
    columns: tuple[OutputColumnOut, ...]
    max_rows: int
    max_bytes: int
    epsilon: str | None

    @classmethod
    def of(cls, terms: OutputTerms) -> Self:
        """Show `terms`."""
        return cls(
            name=terms.name,
            form=terms.form,
            release=terms.release,
            asset=terms.asset,
            columns=tuple(
                OutputColumnOut(
                    name=each.name, type=each.type, function=each.function, source=each.source
                )
                for each in terms.columns
            ),
            max_rows=terms.max_rows,
            max_bytes=terms.max_bytes,
            epsilon=None if terms.epsilon is None else exact(terms.epsilon),
        )


class LimitsOut(Shape):
    """What one run may use."""

    seconds: int
    memory_bytes: int
    cpus: float
    processes: int
    output_bytes: int
    output_files: int

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """Show `limits`."""
        return cls(
            seconds=limits.seconds,
            memory_bytes=limits.memory_bytes,
            cpus=limits.cpus,
            processes=limits.processes,
            output_bytes=limits.output_bytes,
            output_files=limits.output_files,
        )


class ApprovalOut(Shape):
    """One seat's yes."""

    seat: str
    party: str
    at: datetime

    @classmethod
    def of(cls, approval: Approval) -> Self:
        """Show `approval`; who the person was stays with the institution."""
        return cls(seat=approval.seat, party=approval.party, at=approval.at)


class GrantOut(Shape):
    """All that a developer entity may do under one approved scenario."""

    id: str
    scenario: str
    version: int
    state: GrantState
    title: SaidOut
    purpose: str
    valid_from: date
    valid_to: date
    assets: tuple[ViewOut, ...]
    outputs: tuple[OutputOut, ...]
    images: tuple[str, ...]
    limits: LimitsOut
    min_units: int
    dominance_percent: int
    epsilon_total: str
    epsilon_per_release: str
    delta: str
    max_uses: int
    people: tuple[str, ...]
    recipients: tuple[str, ...]
    approvals: tuple[ApprovalOut, ...]

    @classmethod
    def of(cls, granted: Granted) -> Self:
        """Show `granted`."""
        grant = granted.signed.grant
        return cls(
            id=grant.id,
            scenario=grant.scenario,
            version=grant.version,
            state=granted.state,
            title=SaidOut.of(Said(zh=grant.title_zh, en=grant.title_en)),
            purpose=grant.purpose,
            valid_from=grant.valid_from,
            valid_to=grant.valid_to,
            assets=tuple(ViewOut.of(view) for view in grant.assets),
            outputs=tuple(OutputOut.of(terms) for terms in grant.outputs),
            images=grant.images,
            limits=LimitsOut.of(grant.limits),
            min_units=grant.policy.min_units,
            dominance_percent=grant.policy.dominance_percent,
            epsilon_total=exact(grant.epsilon_total),
            epsilon_per_release=exact(grant.epsilon_per_release),
            delta=exact(grant.delta),
            max_uses=grant.max_uses,
            people=grant.people,
            recipients=grant.recipients,
            approvals=tuple(ApprovalOut.of(approval) for approval in grant.approvals),
        )


class BudgetOut(Shape):
    """What is left of one privacy budget, in exact decimal numbers of rho (zCDP)."""

    scope: str
    name: SaidOut
    limit: str | None
    """Nothing where it has no limit: what falls on it is only counted."""
    reserved: str
    spent: str
    left: str | None

    @classmethod
    def of(cls, scope: str, balance: Balance) -> Self:
        """Show the balance of `scope`."""
        return cls(
            scope=scope,
            name=SaidOut.of(said(scope)),
            limit=rho_text(balance.limit) if balance.limited else None,
            reserved=rho_text(balance.reserved),
            spent=rho_text(balance.spent),
            left=rho_text(balance.left) if balance.limited else None,
        )
