"""The log, for those who audit: its newest checkpoint, and its entries."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field, StringConstraints

from gateway.api.shapes import Limit, Listing, Shape
from gateway.identity import need
from gateway.rooms import TheRecord, TheRooms
from jobs.errors import NotFoundError
from jobs.record import log
from jobs.record.log import Entry, Filter

router = APIRouter(prefix="/log", tags=["log"], dependencies=[Depends(need("read_audit"))])
Word = Annotated[str, StringConstraints(max_length=128, pattern=r"^[!-~]*$")]


class EntriesIn(Shape):
    """Which entries are asked for; each field that is set narrows the answer."""

    after: Annotated[int, Field(ge=-1, le=2**53)] = -1
    limit: Limit = 50
    kind: Word | None = None
    subject: Word | None = None
    actor: Word | None = None


class EntryOut(Shape):
    """One event in its place in the log."""

    seq: int
    at: datetime
    kind: str
    subject: str
    actor: str
    facts: dict[str, str | int]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Show `entry`."""
        event = entry.event
        return cls(
            seq=entry.seq,
            at=entry.at,
            kind=event.kind,
            subject=event.subject,
            actor=event.actor,
            facts=dict(event.facts),
        )


@router.get(
    "/checkpoint", response_class=Response, responses={200: {"content": {"text/plain": {}}}}
)
def show_checkpoint(rooms: TheRooms) -> Response:
    """Return the newest checkpoint: the log's size and root, as a signed note (C2SP)."""
    with rooms.record.reading() as tx:
        found = log.last_checkpoint(tx, rooms.log_keys)
    if found is None:
        raise NotFoundError("the log has no checkpoint yet")
    return Response(found.note, media_type="text/plain; charset=utf-8")


@router.get("/entries")
def list_entries(asked: Annotated[EntriesIn, Query()], record: TheRecord) -> Listing[EntryOut]:
    """List the entries that follow `after`, oldest first; a kind that ends in a dot is a prefix."""
    with record.reading() as tx:
        only = Filter(kind=asked.kind, subject=asked.subject, actor=asked.actor)
        found = log.entries(tx, after=asked.after, limit=asked.limit, only=only)
    following = str(found[-1].seq) if len(found) == asked.limit else None
    return Listing(items=tuple(EntryOut.of(entry) for entry in found), next=following)
