"""Private answers, priced before data is read; and rows for dry runs that need no data at all."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from gateway.api.jobs import Developer
from gateway.api.problems import RefusedError
from gateway.api.queries import granted_to
from gateway.api.shapes import Name, Shape
from gateway.api.shapes.prices import PriceIn, PriceOut
from gateway.rooms import TheClock, TheRecord
from jobs.errors import NotFoundError
from jobs.rules.admission import Refused
from jobs.steps.facts import catalogue
from jobs.steps.price import price
from jobs.steps.submit import Submitter
from sandbox.asset import AssetId
from sandbox.synthetic.plan import csv_of, from_declaration

router = APIRouter(tags=["prices"])
MOST_ROWS = 10_000
"""Rows made from a declaration, in one answer."""


class Made(Shape):
    """How many rows are to be made up, and which ones."""

    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 100
    seed: Annotated[int, Field(ge=0, le=1 << 31)] = 0


@router.post("/prices")
def price_work(asked: PriceIn, caller: Developer, record: TheRecord, clock: TheClock) -> PriceOut:
    """Tell what a private answer would cost, what it would leave of each budget, and how exact it would be.

    A budget that falls short is told with the price; whatever else would refuse it is a problem.
    """
    by = Submitter(person=caller.person, party=caller.party)
    with record.reading() as tx:
        granted = granted_to(tx, asked.scenario, caller.party)
        assets = tuple(AssetId(asset) for asset in asked.assets)
        priced = price(tx, asked.work.work(), granted, by=by, clock=clock, assets=assets)
    if isinstance(priced, Refused):
        raise RefusedError(priced.reasons)
    return PriceOut.of(priced)


@router.get("/scenarios/{scenario_id}/assets/{asset_id}/rows", response_class=Response)
def rows_from_declaration(
    scenario_id: Name,
    asset_id: Name,
    caller: Developer,
    record: TheRecord,
    made: Annotated[Made, Query()],
) -> Response:
    """Return rows as a job would see them, made up from the catalogue alone: they cost nothing and tell nothing."""
    with record.reading() as tx:
        grant = granted_to(tx, scenario_id, caller.party).signed.grant
        view = grant.view(AssetId(asset_id))
        asset = catalogue(tx, grant).get(AssetId(asset_id))
    if view is None or asset is None:
        raise NotFoundError(f"asset {asset_id} is not granted under {scenario_id}")
    whole = from_declaration(asset, view, rows=made.rows, seed=made.seed)
    return Response(csv_of(whole), media_type="text/csv; charset=utf-8")
