"""The lawful routes of personal information: anonymised, consented, or left out (Shanghai art. 22)."""

from collections.abc import Iterator

from gateway.governance.facts import HIDDEN, Facts
from gateway.governance.plan import Plan, PlanAsset, Route
from gateway.governance.sentences import reason
from sandbox.asset import Asset, Role, UnitKind
from sandbox.reason import Reason

_PLACE = "$.personal_information"
_PIPL_73 = "PIPL art. 73"
_PIPL_55 = "PIPL art. 55"


def route_reasons(plan: Plan, facts: Facts) -> Iterator[Reason]:
    """Hold each column about natural persons against its route (requirements G-01, G-08)."""
    said = plan.personal_information
    personal = [
        (at, asked, asset)
        for at, asked, asset in facts.assets(plan)
        if asset.unit_kind is UnitKind.NATURAL_PERSON
    ]
    if personal and said.contains == "none":
        yield reason("plan.personal", place=f"{_PLACE}.contains", clause=_clause(facts))
    if said.automated_decision and not said.pia:
        yield reason("plan.pia", place=f"{_PLACE}.pia", clause=_PIPL_55)
    for at, asked, asset in personal:
        yield from _columns(f"$.assets[{at}]", asked, asset, plan, facts)
    for at, route in enumerate(said.routes):
        if route.route == "anonymised" and not route.evidence.strip():
            place = f"{_PLACE}.routes[{at}].evidence"
            yield reason("plan.evidence", place=place, clause=_clause(facts))


def _columns(
    place: str, asked: PlanAsset, asset: Asset, plan: Plan, facts: Facts
) -> Iterator[Reason]:
    for at, column in enumerate(asked.columns):
        known = asset.column(column.name)
        routes = [
            route
            for route in plan.personal_information.routes
            if route.asset == asked.asset and column.name in route.columns
        ]
        if known is not None:
            yield from _column(f"{place}.columns[{at}]", known.role, routes, facts)


def _column(place: str, role: Role, routes: list[Route], facts: Facts) -> Iterator[Reason]:
    """Judge one column; a pseudonym may only serve inside the domain, which is `excluded`."""
    if len(routes) != 1:
        yield reason("plan.route", place=place, clause=_clause(facts))
    elif role in HIDDEN and routes[0].route != "excluded":
        yield reason("plan.route_pseudonym", place=place, clause=_PIPL_73)
    elif role not in HIDDEN and routes[0].route == "excluded":
        yield reason("plan.route_excluded", place=place, clause=_clause(facts))


def _clause(facts: Facts) -> str:
    return facts.rulebook.clause("pi.routes")
