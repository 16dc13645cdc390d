"""Starts a queued job: asks its grant once more, charges its price, and says that it runs."""

import base64
from dataclasses import dataclass, replace

from jobs.grant import SignedGrant
from jobs.job import CodedWork, Job, JobState
from jobs.proof import bodies
from jobs.proof.ring import KeyRing
from jobs.record import blobs, budgets, grants, jobs, signers
from jobs.record.budgets import Charge, ScopeExhaustedError
from jobs.record.database import Reading, Record, Writing
from jobs.record.event import Event
from jobs.record.grants import Granted
from jobs.rules.admit import Admitted, Facts, Refused, admit, shortfalls
from jobs.rules.runtimes import Runtimes
from jobs.rules.sentences import reason
from jobs.steps import consenting
from jobs.steps.accounts import all_accounts, open_accounts
from jobs.steps.facts import Clock, facts
from jobs.steps.stop import RULE, stopped
from jobs.steps.submit import Bundle
from sandbox.asset import ImageDigest
from sandbox.order import BlocksOrder, ContainerOrder, Order
from sandbox.reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What this domain can run now."""

    images: frozenset[ImageDigest] | None
    """Unknown while no engine answers."""
    runtimes: Runtimes
    grant_keys: KeyRing
    """The institution's: a grant that none of them has signed is no grant."""
    trainers: frozenset[ImageDigest] | None = None
    """Those of the images that are the domain's own trainer."""


def start(job: Job, *, record: Record, clock: Clock, domain: Domain) -> tuple[Job, Order | None]:
    """Start `job`, or refuse it where its grant's terms have ended since it was queued.

    The admission, the charge and the new state are one transaction: the charge stands before any
    data is read, and is never taken back.

    Raises:
        StaleError: somebody else moved the job first.
        KeyPutAwayError: `domain` does not know of a change of the grant's keys; nothing is judged.

    """
    with record.writing() as tx:
        if stopped(tx):
            return _refuse(tx, job, (reason(RULE),)), None
        granted = grants.get(tx, job.grant)
        signers.demand_ring(tx, "grant", domain.grant_keys)
        if not _is_signed(granted.signed, domain.grant_keys):
            return _refuse(tx, job, (reason("admit.grant"),)), None
        found = facts(tx, granted, clock=clock, images=domain.images, runtimes=domain.runtimes)
        known = _without_itself(tx, job, replace(found, trainers=domain.trainers))
        admission = admit(job, granted.signed.grant, known)
        if isinstance(admission, Refused):
            return _refuse(tx, job, admission.reasons), None
        running = job.to(JobState.RUNNING)
        try:
            _charge(tx, running, granted, admission)
        except ScopeExhaustedError as short:
            # admission asked the same balance in this transaction: a belt beside the braces
            return _refuse(tx, job, tuple(shortfalls({short.scope: 0}, price=1))), None
        event = Event("job.started", job.id, "system", {"epoch": running.epoch})
        jobs.move(tx, running, was=job, event=event)
        order = _order(tx, running, admission)
        if isinstance(order, ContainerOrder):  # no other order is admitted over consented views
            views = consenting.opened(tx, running, granted.signed.grant, order.views)
            order = replace(order, views=views)
        return running, order


def _is_signed(signed: SignedGrant, keys: KeyRing) -> bool:
    try:
        signature = base64.b64decode(signed.signature, validate=True)
    except ValueError:
        return False
    known = keys.signer(signed.key, signature, bodies.dump(signed.grant).encode())
    return known is not None and known.revoked is None


def _without_itself(tx: Reading, job: Job, known: Facts) -> Facts:
    """Leave out what the job itself has used: a second attempt is neither charged nor counted again.

    What it was charged pays for it, wherever the budgets and the year stand now, and for no more.
    """
    others = replace(known, started=known.started - (job.epoch > 0))
    own = budgets.charged(tx, job.id)
    if own is None:
        return others
    return replace(others, left=lambda _: dict.fromkeys(own.scopes, own.rho))


def _charge(tx: Writing, job: Job, granted: Granted, admission: Admitted) -> None:
    price = admission.price
    if price is None or budgets.charged(tx, job.id) is not None:
        return
    drawn_on = all_accounts(tx, price.assets, granted.signed.grant)
    open_accounts(tx, drawn_on)
    charge = Charge(
        job=job.id,
        epoch=job.epoch,
        scopes=tuple(account.scope for account in drawn_on),
        rho=price.rho,
        events_json=price.events,
    )
    told: dict[str, str | int] = {"pico_rho": charge.rho, "scopes": ",".join(charge.scopes)}
    budgets.reserve(tx, charge, Event("budget.reserved", job.id, "system", told))


def _refuse(tx: Writing, job: Job, reasons: tuple[Reason, ...]) -> Job:
    refused = job.to(JobState.REFUSED, reasons=reasons)
    told = {"rules": ",".join(sorted({each.rule for each in reasons}))}
    jobs.move(tx, refused, was=job, event=Event("job.refused", job.id, "system", told))
    return refused


def _order(tx: Reading, job: Job, admission: Admitted) -> Order:
    order, code = replace(admission.order, epoch=job.epoch), _code(tx, job)
    match order:
        case ContainerOrder():
            return replace(order, code=code)
        case BlocksOrder(program=program):
            return replace(order, program=replace(program, epoch=job.epoch, code=code))
        case _:
            return order


def _code(tx: Reading, job: Job) -> tuple[tuple[str, bytes], ...]:
    if not isinstance(job.work, CodedWork) or job.work.code is None:
        return ()
    return bodies.load(Bundle, blobs.get(tx, job.work.code).decode()).files
