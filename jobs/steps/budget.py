"""Opens privacy budgets: of each asset by the year's rule, and of each grant by its plan."""

from fractions import Fraction

from jobs.grant import Grant
from jobs.record import budgets
from jobs.record.database import Writing
from jobs.record.event import Event
from sandbox.asset import AssetId
from sandbox.privacy.accounting import rho_of_approx


def open_grant(tx: Writing, grant: Grant) -> None:
    """Let a grant cost what its plan asked for, in the transaction that issues it."""
    rho = rho_of_approx(grant.epsilon_total, grant.delta)
    scope = f"grant:{grant.id}"
    budgets.set_limit(tx, scope, rho, _event(scope, "system", rho))


def set_asset(
    tx: Writing, asset: AssetId, *, epsilon: Fraction, delta: Fraction, actor: str
) -> int:
    """Let an asset cost (epsilon, delta) in all, over every grant; return the limit in pico-rho."""
    rho = rho_of_approx(epsilon, delta)
    scope = f"asset:{asset}"
    budgets.set_limit(tx, scope, rho, _event(scope, actor, rho))
    return rho


def _event(scope: str, actor: str, rho: int) -> Event:
    return Event("budget.set", scope, actor, {"pico_rho": rho})
