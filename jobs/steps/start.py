"""Starts a queued job: asks its grant once more, charges its price, and says that it runs."""

import base64
from dataclasses import dataclass, replace

from jobs.errors import BudgetExhaustedError
from jobs.grant import SignedGrant
from jobs.job import ContainerWork, Job, JobState
from jobs.proof import bodies
from jobs.proof.keys import PublicKey
from jobs.record import blobs, budgets, grants, jobs
from jobs.record.budgets import Charge
from jobs.record.database import Reading, Record, Writing
from jobs.record.event import Event
from jobs.record.grants import Granted
from jobs.rules.admit import Admitted, Facts, Refused, admit, scopes
from jobs.rules.sentences import reason
from jobs.steps.facts import Clock, facts
from jobs.steps.submit import Bundle
from sandbox.asset import ImageDigest
from sandbox.order import ContainerOrder, Order
from sandbox.reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What this domain can run now."""

    images: frozenset[ImageDigest] | None
    """Unknown while no engine answers."""
    runtime: str
    """`runc` or `runsc`."""
    grant_key: PublicKey
    """The institution's: a grant that it has not signed is no grant."""


def start(job: Job, *, record: Record, clock: Clock, domain: Domain) -> tuple[Job, Order | None]:
    """Start `job`, or refuse it where its grant's terms have ended since it was queued.

    The admission, the charge and the new state are one transaction: the charge stands before any
    data is read, and is never taken back.

    Raises:
        StaleError: somebody else moved the job first.

    """
    with record.writing() as tx:
        granted = grants.get(tx, job.grant)
        if not _is_signed(granted.signed, domain.grant_key):
            return _refuse(tx, job, (reason("admit.grant"),)), None
        known = _without_itself(
            tx, job, facts(tx, granted, clock=clock, images=domain.images, runtime=domain.runtime)
        )
        admission = admit(job, granted.signed.grant, known)
        if isinstance(admission, Refused):
            return _refuse(tx, job, admission.reasons), None
        running = job.to(JobState.RUNNING)
        try:
            _charge(tx, running, granted, admission)
        except BudgetExhaustedError:
            # admission asked the same balance in this transaction: a belt beside the braces
            return _refuse(tx, job, (reason("admit.budget", place=f"grant:{job.grant}"),)), None
        event = Event("job.started", job.id, "system", {"epoch": running.epoch})
        jobs.move(tx, running, was=job, event=event)
        return running, _order(tx, running, admission)


def _is_signed(signed: SignedGrant, key: PublicKey) -> bool:
    try:
        signature = base64.b64decode(signed.signature, validate=True)
    except ValueError:
        return False
    return signed.key == key.id and key.verifies(signature, bodies.dump(signed.grant).encode())


def _without_itself(tx: Reading, job: Job, known: Facts) -> Facts:
    """Leave out what the job itself has used: a second attempt is neither charged nor counted again."""
    others = replace(known, started=known.started - (job.epoch > 0))
    own = budgets.charged(tx, job.id)
    if own is None:
        return others
    return replace(
        others, left=lambda scope: known.left(scope) + (own.rho if scope in own.scopes else 0)
    )


def _charge(tx: Writing, job: Job, granted: Granted, admission: Admitted) -> None:
    if admission.plan is None or budgets.charged(tx, job.id) is not None:
        return
    charge = Charge(
        job=job.id,
        epoch=job.epoch,
        scopes=scopes(admission.plan.asset, granted.signed.grant),
        rho=admission.plan.rho,
        events_json=bodies.dump(admission.plan.events),
    )
    told: dict[str, str | int] = {"pico_rho": charge.rho, "scopes": ",".join(charge.scopes)}
    budgets.reserve(tx, charge, Event("budget.reserved", job.id, "system", told))


def _refuse(tx: Writing, job: Job, reasons: tuple[Reason, ...]) -> Job:
    refused = job.to(JobState.REFUSED, reasons=reasons)
    told = {"rules": ",".join(sorted({each.rule for each in reasons}))}
    jobs.move(tx, refused, was=job, event=Event("job.refused", job.id, "system", told))
    return refused


def _order(tx: Reading, job: Job, admission: Admitted) -> Order:
    order = replace(admission.order, epoch=job.epoch)
    if isinstance(order, ContainerOrder) and isinstance(job.work, ContainerWork) and job.work.code:
        bundle = bodies.load(Bundle, blobs.get(tx, job.work.code).decode())
        return replace(order, code=bundle.files)
    return order
