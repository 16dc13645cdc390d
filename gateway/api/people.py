"""Who is calling, and whether the gateway answers."""

from fastapi import APIRouter

from gateway.api.shapes import Shape
from gateway.identity import Calling
from gateway.rooms import TheRecord

router = APIRouter(tags=["people"])


class MeOut(Shape):
    """Who the token stands for."""

    person: str
    party: str
    party_kind: str
    roles: tuple[str, ...]


class HealthOut(Shape):
    """That the gateway and its record answer; nothing else is told to strangers."""

    status: str


@router.get("/me")
def show_me(caller: Calling) -> MeOut:
    """Tell who the token stands for."""
    return MeOut(
        person=caller.person,
        party=caller.party,
        party_kind=caller.party_kind,
        roles=tuple(sorted(caller.roles)),
    )


@router.get("/health")
def show_health(record: TheRecord) -> HealthOut:
    """Tell that the gateway and its record answer."""
    with record.reading():
        return HealthOut(status="ok")
