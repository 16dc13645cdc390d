"""Grants in the record: a signed word that never changes, and the state that it is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import select, update

from jobs.errors import NotFoundError, OutOfOrderError
from jobs.grant import GrantId, GrantState, PartyId, SignedGrant
from jobs.proof.bodies import dump, load
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.schema import granted as table

NEXT: Mapping[GrantState, frozenset[GrantState]] = MappingProxyType(
    {
        GrantState.LIVE: frozenset({GrantState.SUSPENDED, GrantState.ENDED}),
        GrantState.SUSPENDED: frozenset({GrantState.LIVE, GrantState.ENDED}),
        GrantState.ENDED: frozenset(),
    }
)
"""The whole life of a grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A grant as it was signed, and whether jobs may run under it now."""

    signed: SignedGrant
    state: GrantState


def add(tx: Writing, signed: SignedGrant, event: Event) -> None:
    """Keep a newly issued grant, which is live; raise `ConflictError` where its id is taken."""
    grant = signed.grant
    row = {"id": grant.id, "developer": grant.developer, "state": GrantState.LIVE}
    tx.insert(table, {**row, "body": dump(signed)})
    tx.note(event)


def get(tx: Reading, grant: GrantId) -> Granted:
    """Return the grant of this id; raise `NotFoundError` where there is none."""
    row = tx.one(select(table.c.state, table.c.body).where(table.c.id == grant))
    if row is None:
        raise NotFoundError(f"no grant {grant}")
    return Granted(signed=load(SignedGrant, row.body), state=GrantState(row.state))


def move(tx: Writing, grant: GrantId, state: GrantState, event: Event) -> None:
    """Put the grant into `state`; raise `OutOfOrderError` where no step leads there."""
    was = get(tx, grant).state
    if state not in NEXT[was]:
        raise OutOfOrderError(f"grant {grant} is {was}, and cannot become {state}")
    tx.change(update(table).where(table.c.id == grant).values(state=state))
    tx.note(event)


def listed(tx: Reading, developer: PartyId | None = None) -> list[Granted]:
    """Return every grant, or every one of `developer`, by id."""
    wanted = select(table.c.state, table.c.body).order_by(table.c.id)
    if developer is not None:
        wanted = wanted.where(table.c.developer == developer)
    return [
        Granted(signed=load(SignedGrant, row.body), state=GrantState(row.state))
        for row in tx.rows(wanted)
    ]
