"""What is left of each privacy budget that the reader may know of, and what a query would cost."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Annotated

from fastapi import APIRouter, Form, Response
from pydantic import BaseModel, StringConstraints

from gateway.console.door import ConsoleRoute, Desk, TheDesk, TheDeskWithForm
from gateway.console.views import BudgetLine, BurnView, PriceView
from gateway.governance import scenarios
from gateway.governance.budgets import INSTITUTION, known_accounts
from gateway.governance.burning import FULL, Burning, burning
from jobs.errors import NotFoundError
from jobs.grant import GrantState
from jobs.job import QueryWork
from jobs.record import grants
from jobs.record.database import Reading
from jobs.record.grants import Granted
from jobs.rules.admit import Refused
from jobs.rules.scopes import family_of, said
from jobs.steps.accounts import Account
from jobs.steps.price import Priced, price
from jobs.steps.submit import Submitter
from sandbox.order import OutputName
from sandbox.privacy.accounting import rho_text
from sandbox.privacy.plan import Plan
from sandbox.privacy.preview import preview

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
FAMILIES = ("asset", "unit", "developer", "grant")
"""What budgets are about, in the order of the page."""
_MILLE = 1000
_HIGH = 200
"""Of a chart, in units of its own."""
_Name = Annotated[str, StringConstraints(max_length=80)]


class PriceForm(BaseModel):
    """A query whose price is asked, not its answer."""

    grant: _Name
    output: _Name
    epsilon: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9]{1,9})?$")]
    sql: Annotated[str, StringConstraints(max_length=20_000)]

    def work(self) -> QueryWork:
        """Say the same in the record's own words."""
        output = OutputName(self.output)
        return QueryWork(sql=self.sql, epsilon=Fraction(self.epsilon), output=output)


@router.get("/budgets")
def list_budgets(desk: TheDesk) -> Response:
    """Show the budgets of the assets, groups and grants that concern the reader."""
    return _page(desk)


@router.post("/budgets")
def price_query(desk: TheDeskWithForm, asked: Annotated[PriceForm, Form()]) -> Response:
    """Show what a query would cost and leave of each budget; nothing is written."""
    desk.demand("submit_job")
    by = Submitter(person=desk.caller.person, party=desk.caller.party)
    with desk.record.reading() as tx:
        granted = next(
            (each for each in _own(tx, desk) if each.signed.grant.id == asked.grant), None
        )
        if granted is None:
            raise NotFoundError("no such grant")
        answer = price(tx, asked.work(), granted, by=by, clock=desk.rooms.clock)
    return _page(desk, asked=asked, answer=_view(answer))


def _page(
    desk: Desk, *, asked: PriceForm | None = None, answer: PriceView | None = None
) -> Response:
    with desk.record.reading() as tx:
        issued = (scenario.grant for scenario in scenarios.listed(tx, by=desk.caller))
        known = [grants.get(tx, grant).signed.grant for grant in issued if grant]
        found = known_accounts(tx, known, reader=desk.caller)
        own = tuple(each.signed.grant.id for each in _own(tx, desk))
        # others' charges and their times are the institution's to see, not another developer's
        charted = found if desk.caller.party_kind == INSTITUTION else ()
        burns = {each.scope: burning(tx, each, tuple(known)) for each in charted}
    mine = own if desk.may("submit_job") else ()
    groups = _groups(_line(each, burns.get(each.scope)) for each in found)
    return desk.show("budgets.html", groups=groups, grants=mine, asked=asked, answer=answer)


def _own(tx: Reading, desk: Desk) -> list[Granted]:
    """Return the live grants of the reader's own organisation."""
    found = grants.listed(tx, developer=desk.caller.party)
    return [each for each in found if each.state is GrantState.LIVE]


def _groups(found: Iterable[BudgetLine]) -> Mapping[str, tuple[BudgetLine, ...]]:
    lines = tuple(found)
    by_family = {
        family: tuple(line for line in lines if family_of(line.scope) == family)
        for family in FAMILIES
    }
    return {family: some for family, some in by_family.items() if some}


def _line(account: Account, burn: Burning | None) -> BudgetLine:
    balance = account.balance
    whole = max(balance.limit if balance.limited else 0, balance.used, 1)
    return BudgetLine(
        scope=account.scope,
        name=said(account.scope),
        limit=rho_text(balance.limit) if balance.limited else "",
        spent=rho_text(balance.spent),
        reserved=rho_text(balance.reserved),
        left=rho_text(balance.left) if balance.limited else "",
        spent_mille=balance.spent * _MILLE // whole,
        reserved_mille=balance.reserved * _MILLE // whole,
        burn=_burn(burn) if burn else None,
    )


def _burn(burn: Burning) -> BurnView:
    now = burn.place(burn.now)
    steps = "".join(f"H{at}V{_height(left)}" for at, left in burn.steps)
    return BurnView(
        path=f"M0 0{steps}H{now}",
        now=now,
        begins=burn.begins,
        last_day=burn.ends - timedelta(seconds=1),
        charges=len(burn.used),
        runs_out=burn.runs_out.isoformat() if burn.runs_out else "",
    )


def _height(left: int) -> int:
    return _HIGH - left * _HIGH // FULL


def _view(answer: Priced | Refused) -> PriceView:
    if isinstance(answer, Refused):
        return PriceView(reasons=answer.reasons)
    assert isinstance(answer.plan, Plan), "a query was priced"
    return PriceView(
        rho=rho_text(answer.plan.rho),
        error=preview(answer.plan),
        effects=tuple((each.bears, each.told) for each in answer.effects),
        reasons=answer.reasons,
    )
