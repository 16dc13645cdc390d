"""Consents, as the registered channels of data subjects hand them in, withdraw them and show them."""

from typing import Annotated

from fastapi import APIRouter, Depends, status

from gateway.api.problems import RefusedError
from gateway.api.shapes import Listing, Name
from gateway.api.shapes.consents import ConsentIn, ConsentOut, SubjectIn
from gateway.identity import Caller, need
from gateway.rooms import TheRecord, TheRooms, demand_mark_key
from jobs.proof.consent import Consent, ConsentId, ConsentState
from jobs.rules.admit import Refused
from jobs.steps.consents import Given, give, given_by, withdraw
from jobs.steps.submit import Submitter

router = APIRouter(prefix="/consents", tags=["consents"])
Clerk = Annotated[Caller, Depends(need("hand_in_consent"))]


async def _mark_key(rooms: TheRooms) -> bytes:
    return demand_mark_key(rooms)


MarkKey = Annotated[bytes, Depends(_mark_key)]


@router.post("", status_code=status.HTTP_201_CREATED)
def give_consent(asked: ConsentIn, caller: Clerk, record: TheRecord, key: MarkKey) -> ConsentOut:
    """Hand in what a data subject has consented to, signed by the channel."""
    receipt = give(asked.offer(), by=_submitter(caller), key=key, record=record)
    if isinstance(receipt, Refused):
        raise RefusedError(receipt.reasons)
    consent = Consent(receipt=receipt, state=ConsentState.LIVE, left=receipt.statement.times)
    return ConsentOut.of(Given(consent=consent, uses=()))


@router.post("/{consent_id}/withdraw")
def withdraw_consent(consent_id: Name, caller: Clerk, record: TheRecord) -> ConsentOut:
    """Withdraw a consent at once; the answer has the releases that were made under it."""
    gone = withdraw(ConsentId(consent_id), by=_submitter(caller), record=record)
    return ConsentOut.of(gone)


@router.post("/own")
def list_own(
    asked: SubjectIn, caller: Clerk, record: TheRecord, key: MarkKey
) -> Listing[ConsentOut]:
    """List what a subject has consented to through this channel, and each release under it."""
    found = given_by(asked.unit, by=_submitter(caller), key=key, record=record)
    return Listing(items=tuple(map(ConsentOut.of, found)))


def _submitter(caller: Caller) -> Submitter:
    return Submitter(person=caller.person, party=caller.party)
