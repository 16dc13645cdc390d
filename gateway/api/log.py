"""The log, for those who audit: its newest checkpoint, its tiles and proofs, and its entries."""

import base64
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field, StringConstraints

from gateway.api.egress import Moment
from gateway.api.shapes import Limit, Listing, Shape
from gateway.identity import need
from gateway.rooms import TheRecord, TheRooms
from jobs.errors import NotFoundError
from jobs.record import log, tiles
from jobs.record.log import Entry, Filter

router = APIRouter(prefix="/log", tags=["log"], dependencies=[Depends(need("read_audit"))])
Word = Annotated[str, StringConstraints(max_length=128, pattern=r"^[!-~]*$")]
Size = Annotated[int, Query(ge=0, le=2**53)]
"""How many entries a log has, or the place of one in it."""
_FOR_EVER = "private, max-age=31536000, immutable"
"""What the log has reached never changes; but only who may read it keeps it."""


class EntriesIn(Shape):
    """Which entries are asked for; each field that is set narrows the answer."""

    after: Annotated[int, Field(ge=-1, le=2**53)] = -1
    limit: Limit = 50
    kind: Word | None = None
    subject: Word | None = None
    actor: Word | None = None
    since: Moment | None = None
    until: Moment | None = None
    """Up to, but not including."""


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


class ProofOut(Shape):
    """The hashes that lead from what is proven to the root of a checkpoint (RFC 6962 section 2.1)."""

    hashes: tuple[str, ...]
    """Each in base64, in the order in which a verifier takes them."""

    @classmethod
    def of(cls, proof: tuple[bytes, ...]) -> Self:
        """Show `proof`."""
        return cls(hashes=tuple(base64.b64encode(each).decode() for each in proof))


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


@router.get(
    "/tile/{path:path}",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def show_tile(path: Annotated[str, Path(max_length=64)], record: TheRecord) -> Response:
    """Return a tile of hashes or a bundle of entries (C2SP tlog-tiles): `0/x001/234`, `entries/000.p/7`."""
    wanted = tiles.parse(f"tile/{path}")
    with record.reading() as tx:
        content = tiles.content(tx, wanted)
    full = wanted.width == tiles.WIDTH
    headers = {"Cache-Control": _FOR_EVER} if full else {}
    return Response(content, headers=headers, media_type="application/octet-stream")


@router.get("/proof/inclusion")
def prove_inclusion(seq: Size, size: Size, record: TheRecord) -> ProofOut:
    """Prove that entry `seq` is in the log of `size` entries."""
    with record.reading() as tx:
        return ProofOut.of(log.inclusion(tx, seq, size))


@router.get("/proof/consistency")
def prove_consistency(old: Size, new: Size, record: TheRecord) -> ProofOut:
    """Prove that the log of `new` entries begins with the log of `old` entries."""
    with record.reading() as tx:
        return ProofOut.of(log.consistency(tx, old, new))


@router.get("/entries")
def list_entries(asked: Annotated[EntriesIn, Query()], record: TheRecord) -> Listing[EntryOut]:
    """List the entries that follow `after`, oldest first; a kind that ends in a dot is a prefix."""
    with record.reading() as tx:
        only = Filter(
            kind=asked.kind,
            subject=asked.subject,
            actor=asked.actor,
            since=asked.since,
            until=asked.until,
        )
        found = log.entries(tx, after=asked.after, limit=asked.limit, only=only)
    following = str(found[-1].seq) if len(found) == asked.limit else None
    return Listing(items=tuple(EntryOut.of(entry) for entry in found), next=following)
