"""What a developer may work with: the catalogue, its grants and what is left of its budgets."""

from collections.abc import Iterator

from fastapi import APIRouter

from gateway.api.shapes import Listing, Name
from gateway.api.shapes.assets import AssetOut
from gateway.api.shapes.terms import BudgetOut, GrantOut
from gateway.governance.assets import catalogue
from gateway.governance.budgets import INSTITUTION, known_accounts
from gateway.identity import Caller, Calling
from gateway.rooms import TheRecord
from jobs.errors import NotFoundError
from jobs.grant import Grant, GrantId
from jobs.record import grants
from jobs.record.database import Reading
from jobs.record.grants import Granted

router = APIRouter()


@router.get("/assets", tags=["assets"])
def list_assets(_caller: Calling, record: TheRecord) -> Listing[AssetOut]:
    """List every version of every asset in the catalogue."""
    with record.reading() as tx:
        return Listing(items=tuple(AssetOut.of(asset) for asset in catalogue(tx).values()))


@router.get("/assets/{asset_id}", tags=["assets"])
def show_asset(asset_id: Name, _caller: Calling, record: TheRecord) -> AssetOut:
    """Show the newest version of an asset, or the one that is asked for as `ID@version`."""
    with record.reading() as tx:
        known = catalogue(tx).values()
    found = [each for each in known if asset_id in (each.id, f"{each.id}@{each.version}")]
    if not found:
        raise NotFoundError(f"no asset {asset_id}")
    return AssetOut.of(max(found, key=lambda asset: asset.version))


@router.get("/grants/{grant_id}", tags=["grants"])
def show_grant(grant_id: Name, caller: Calling, record: TheRecord) -> GrantOut:
    """Show what may be done under a grant."""
    with record.reading() as tx:
        granted = grants.get(tx, GrantId(grant_id))
    if not _may_know(caller, granted.signed.grant):
        raise NotFoundError(f"no grant {grant_id}")
    return GrantOut.of(granted)


@router.get("/budgets", tags=["budgets"])
def list_budgets(caller: Calling, record: TheRecord) -> Listing[BudgetOut]:
    """List what is left of every budget behind the grants that the caller may know of."""
    with record.reading() as tx:
        known = [granted.signed.grant for granted in _known(tx, caller)]
        found = known_accounts(tx, known, reader=caller)
    return Listing(items=tuple(BudgetOut.of(each.scope, each.balance) for each in found))


def _known(tx: Reading, caller: Caller) -> Iterator[Granted]:
    return (each for each in grants.listed(tx) if _may_know(caller, each.signed.grant))


def _may_know(caller: Caller, grant: Grant) -> bool:
    """Say whether this grant exists for the caller: its parties and the institution know of it."""
    return caller.party in (grant.developer, grant.operator) or caller.party_kind == INSTITUTION
