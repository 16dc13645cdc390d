"""What is left of each privacy budget that the reader may know of."""

from decimal import Decimal

from fastapi import APIRouter, Response

from gateway.console.door import ConsoleRoute, Desk, TheDesk
from gateway.console.views import BudgetLine
from gateway.governance import scenarios
from jobs.record import budgets, grants
from jobs.record.budgets import Balance
from jobs.record.database import Reading
from jobs.rules.admit import scopes

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
_PICO = -12
_MILLE = 1000


@router.get("/budgets")
def list_budgets(desk: TheDesk) -> Response:
    """Show the budgets of the assets and grants that concern the reader."""
    with desk.record.reading() as tx:
        groups = [
            (family, tuple(_line(name, budgets.balance(tx, name)) for name in names))
            for family, names in _scopes(tx, desk).items()
            if names
        ]
    return desk.show("budgets.html", groups=groups)


def _scopes(tx: Reading, desk: Desk) -> dict[str, list[str]]:
    """Return the scopes that the reader may know of, by what they are about."""
    issued = (scenario.grant for scenario in scenarios.listed(tx, by=desk.caller))
    known = [grants.get(tx, grant).signed.grant for grant in issued if grant]
    names = {name for grant in known for view in grant.assets for name in scopes(view.asset, grant)}
    return {
        family: sorted(name for name in names if name.startswith(f"{family}:"))
        for family in ("asset", "grant")
    }


def _line(name: str, balance: Balance) -> BudgetLine:
    whole = max(balance.limit, balance.spent + balance.reserved, 1)
    return BudgetLine(
        name=name.partition(":")[2],
        limit=rho(balance.limit),
        spent=rho(balance.spent),
        reserved=rho(balance.reserved),
        left=rho(balance.left),
        spent_mille=balance.spent * _MILLE // whole,
        reserved_mille=balance.reserved * _MILLE // whole,
    )


def rho(pico: int) -> str:
    """Return whole pico-rho as a decimal number of rho, exactly."""
    exact = f"{Decimal(pico).scaleb(_PICO):f}"
    return exact.rstrip("0").rstrip(".") if "." in exact else exact
