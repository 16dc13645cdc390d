"""Asks a witness to cosign a checkpoint (C2SP tlog-witness), and believes only its key."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.anchoring.offer import (
    SECONDS,
    ForkError,
    Offer,
    OvertakenError,
    StrangerError,
    UnreachableError,
    UnsoundError,
)
from gateway.anchoring.post import Answer, post
from gateway.anchoring.request import AddCheckpoint
from jobs.errors import RecordBrokenError
from jobs.proof.cosignature import Voucher, WitnessKey, cosigned, vouchers

MAX_AHEAD = timedelta(minutes=5)
"""How far a witness's clock may be ahead of ours."""
_OK, _CONFLICT, _FORKED, _MISHAP = 200, 409, 422, 500
_STRANGER = (403, 404)
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,17})\n?")


class Cosigner:
    """One witness, as its log sees it."""

    def __init__(
        self,
        url: str,
        *,
        key: WitnessKey,
        clock: Callable[[], datetime],
        seconds: float = SECONDS,
    ) -> None:
        """Ask the witness at `url`, its submission prefix, whose key is `key`."""
        self._url = f"{url.rstrip('/')}/add-checkpoint"
        self._key, self._clock, self._seconds = key, clock, seconds

    @property
    def name(self) -> str:
        """The witness's own name."""
        return f"witness:{self._key.name}"

    def vouch(self, offer: Offer) -> bytes:
        """Return the witness's cosignature, a line of a signed note.

        Where it remembers another size than the record does, it is asked again from there. Raise
        `ForkError` where it knows a log that this one does not continue.
        """
        answer = self._ask(offer, old=offer.since)
        if answer.status == _CONFLICT:
            answer = self._ask(offer, old=self._remembered(offer, answer, sent=offer.since))
        if answer.status == _CONFLICT:
            self._remembered(offer, answer, sent=offer.checkpoint.head.size)
            raise OvertakenError("the witness is being asked by somebody else at the same time")
        return self._cosignature(offer.checkpoint.note, answer)

    def check(self, note: str, evidence: bytes) -> str:
        """Return when the witness cosigned; raise `UnsoundError` where it did not."""
        return self._voucher(note, evidence.decode(errors="replace")).at.isoformat()

    def _ask(self, offer: Offer, *, old: int) -> Answer:
        asked = AddCheckpoint(old=old, proof=offer.prove(old), note=offer.checkpoint.note)
        answer = post(self._url, asked.written(), media_type="text/plain", seconds=self._seconds)
        if answer.status == _FORKED:
            raise ForkError(f"the witness finds no proof that this continues entry {old}")
        if answer.status in _STRANGER:
            raise StrangerError("the witness does not know this log: give it the log's public key")
        if answer.status >= _MISHAP:
            raise UnreachableError(f"the witness has a mishap (status {answer.status})")
        return answer

    def _remembered(self, offer: Offer, answer: Answer, *, sent: int) -> int:
        found = _SIZE.fullmatch(answer.body)
        if found is None:
            raise UnsoundError("the witness is at another size and does not say which")
        size, offered = int(found[1]), offer.checkpoint.head.size
        if size == sent == offered:
            raise ForkError(f"the witness cosigned another log of {size} entries")
        if size <= offered:
            return size
        length = offer.length()
        if size > length:
            raise ForkError(f"the witness cosigned {size} entries, and the log has {length}")
        raise OvertakenError("the witness cosigned a newer checkpoint already")

    def _cosignature(self, note: str, answer: Answer) -> bytes:
        if answer.status != _OK:
            raise UnsoundError(f"the witness did not take the checkpoint (status {answer.status})")
        lines = answer.body.decode(errors="replace")
        self._voucher(note, lines)
        return cosigned(note, lines, [self._key]).removeprefix(note).encode()

    def _voucher(self, note: str, lines: str) -> Voucher:
        try:
            found = vouchers(cosigned(note, lines, [self._key]), [self._key])
        except RecordBrokenError as error:
            raise UnsoundError(str(error)) from None
        if not found:
            raise UnsoundError("the answer bears no cosignature of the key in witness_key")
        if any(each.at > self._clock() + MAX_AHEAD for each in found):
            raise UnsoundError("the witness's clock is ahead of ours")
        return found[0]
