"""What the routes reach for: the record, the clock, the rules, the shelf and the log's keys."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from gateway.governance.office import Office
from jobs.errors import OutOfOrderError
from jobs.proof.ring import KeyRing
from jobs.record.database import Record
from jobs.record.quarantine import Quarantine
from jobs.record.shelf import Shelf
from jobs.steps.facts import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """All that one gateway works with; it has no data, no key to data, no engine and no Ray."""

    record: Record
    clock: Clock
    office: Office
    shelf: Shelf
    log_keys: KeyRing
    quarantine: Quarantine | None = None
    """What runs said, for security officers; nothing where the gateway stands apart from the worker."""
    mark_key: bytes | None = field(default=None, repr=False)
    """What keys the marks of those who consent; nothing where this gateway takes no consents."""


def demand_mark_key(rooms: Rooms) -> bytes:
    """Return what keys the marks; raise `OutOfOrderError` where this gateway takes no consents."""
    if rooms.mark_key is None:
        raise OutOfOrderError("this gateway takes no consents")
    return rooms.mark_key


async def _rooms(request: Request) -> Rooms:
    rooms: Rooms = request.app.state.rooms
    return rooms


TheRooms = Annotated[Rooms, Depends(_rooms)]


async def _record(rooms: TheRooms) -> Record:
    return rooms.record


async def _clock(rooms: TheRooms) -> Clock:
    return rooms.clock


async def _office(rooms: TheRooms) -> Office:
    return rooms.office


TheRecord = Annotated[Record, Depends(_record)]
TheClock = Annotated[Clock, Depends(_clock)]
TheOffice = Annotated[Office, Depends(_office)]
