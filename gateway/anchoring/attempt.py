"""One attempt: the newest checkpoint is offered to one target, and what becomes of it is kept."""

from dataclasses import dataclass

from gateway.anchoring.offer import AnchoringError, ForkError, Offer, Target
from jobs.proof.checkpoint import Checkpoint
from jobs.proof.ring import KeyRing
from jobs.record import anchors, log
from jobs.record.anchors import Anchor, AnchorState
from jobs.record.database import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The log that is anchored, and whose checkpoints are believed."""

    record: Record
    keys: KeyRing

    def offer(self, checkpoint: Checkpoint, *, since: int) -> Offer:
        """Return what shows `checkpoint` to a target that vouched for `since` entries last."""
        return Offer(
            checkpoint=checkpoint,
            since=since,
            prove=lambda old: self._prove(old, checkpoint.head.size),
            length=self._length,
        )

    def _prove(self, old: int, new: int) -> tuple[bytes, ...]:
        with self.record.reading() as tx:
            return log.consistency(tx, old, new)

    def _length(self) -> int:
        with self.record.reading() as tx:
            return log.head(tx).size


def attempt(ledger: Ledger, target: Target, *, tried: int = 0, by: str = "system") -> Anchor | None:
    """Offer the newest checkpoint to `target`, unless it is held or a refusal waits for a person.

    Return how `target` stands then, or nothing where the log has no checkpoint yet. No transaction
    is open while the target is asked. Raise as the record and `log.last_checkpoint` do.
    """
    with ledger.record.reading() as tx:
        newest = log.last_checkpoint(tx, ledger.keys)
        last, held = anchors.newest(tx, target.name), anchors.last_held(tx, target.name)
    if last is not None and last.state is AnchorState.REFUSED:
        return last
    if newest is None or (held is not None and held.size >= newest.head.size):
        return held
    offer = ledger.offer(newest, since=held.size if held else 0)
    evidence, error = _asked(target, offer)
    with ledger.record.writing() as tx:
        anchor = Anchor(
            target=target.name,
            size=newest.head.size,
            state=_state(error),
            tries=tried + 1,
            note=newest.note,
            evidence=evidence,
            error=f"{error.kind}: {error}" if error else "",
            at=tx.now,
        )
        anchors.keep(tx, anchor, actor=by)
    return anchor


def _asked(target: Target, offer: Offer) -> tuple[bytes, AnchoringError | None]:
    try:
        return target.vouch(offer), None
    except AnchoringError as error:
        return b"", error


def _state(error: AnchoringError | None) -> AnchorState:
    if error is None:
        return AnchorState.HELD
    return AnchorState.REFUSED if isinstance(error, ForkError) else AnchorState.FAILED
