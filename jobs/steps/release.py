"""Releases an approved job: the log first, then the certificate, then the shelf."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from jobs.errors import StaleError
from jobs.grant import Grant
from jobs.job import (
    BlocksWork,
    CodedWork,
    ContainerWork,
    Job,
    JobState,
    QueryWork,
    SampleWork,
    TrainWork,
)
from jobs.proof import bodies
from jobs.proof.certificate import issue
from jobs.proof.keys import SigningKey, Suite
from jobs.proof.merkle import Hashing
from jobs.proof.ring import KeyRing
from jobs.proof.statement import (
    CertificateFacts,
    Check,
    KeyIds,
    LogProof,
    PrivacyCost,
    SeatSigned,
    decision,
)
from jobs.record import budgets, documents, findings, grants, holds, jobs, log, releases, signers
from jobs.record.budgets import Charge
from jobs.record.database import Reading, Writing
from jobs.record.event import Event
from jobs.record.findings import InspectionRow
from jobs.release import Release, ReleasedFile, ReleaseId
from jobs.rules.prices import equal_epsilon
from jobs.steps import consenting, metering
from jobs.steps.carry import RUNS, Hands, RunNote, asked_for
from jobs.steps.consenting import WithdrawnError
from jobs.steps.ledger import release_named
from jobs.steps.lots import Lottery, draw
from jobs.steps.metering import VolumeError
from jobs.steps.stop import demand_open
from sandbox.asset import Digest
from sandbox.egress.inspection import ChangedError, Cleared
from sandbox.order import OutputName, ReleaseClass

_STRICTNESS = tuple(ReleaseClass)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seals:
    """The keys that a release is signed with."""

    release: SigningKey
    log: SigningKey
    ring: KeyRing
    """Every key that has signed the log's checkpoints, `log` among them."""
    lots: Lottery | None = None
    """What releases are drawn with for a second look; nothing where none are made."""


def signed_digests(tx: Reading, job: Job) -> dict[str, Digest]:
    """Return what the filter cleared or people signed, for each output of the job's last run."""
    rows = [row for row in findings.of_job(tx, job.id) if row.epoch == job.epoch]
    return {row.output: Digest(row.digest) for row in rows if row.digest}


def release(job: Job, cleared: Sequence[Cleared], *, hands: Hands, seals: Seals) -> Release:
    """Let an approved job's files out.

    The decision stands in the log before the certificate proves it; certificate, release, charge and
    state are one transaction; the bytes come to the shelf last, and a sweep finishes what a crash cut.

    Raises:
        ChangedError: the bytes are not those that were decided on.
        StaleError: the job, or the whole domain, was stopped meanwhile; nothing is released.
        VolumeError: more would leave than may; nothing is released, and the job is blocked.
        WithdrawnError: one whom it is about consents no more; nothing is released, and the job is blocked.
        KeyPutAwayError: another key signs releases, or the log, by now; nothing is released.

    """
    try:
        return _let_out(job, cleared, hands=hands, seals=seals)
    except WithdrawnError:
        consenting.block(job, record=hands.record)
        raise
    except VolumeError:
        metering.block(job, record=hands.record)
        raise


def _let_out(job: Job, cleared: Sequence[Cleared], *, hands: Hands, seals: Seals) -> Release:
    files = tuple(_file(each) for each in cleared)
    bits = sum(each.bits for each in cleared)
    for each in cleared:
        hands.shelf.stage(each.content)
    with hands.record.writing() as tx:
        demand_open(tx)
        _demand_approved(tx, job)
        consenting.demand(tx, job)
        if {file.name: file.digest for file in files} != signed_digests(tx, job):
            raise ChangedError("the bytes are not those that were decided on")
        _demand_keys(tx, seals)
        told = decision(files, epoch=job.epoch)
        seq = tx.note(Event("release.decided", job.id, "system", told))
    with hands.record.writing() as tx:
        demand_open(tx)
        _demand_keys(tx, seals)
        proof = log.prove_entry(tx, seq, seals.log)
        facts = _facts(tx, job, cleared, proof=proof, seals=seals)
        certificate = issue(facts, key=seals.release, sm3=_sm3(cleared, seals.release))
        consenting.spend(tx, job, facts.release)
        metering.book(tx, job, facts.release, bits, hands.volumes)
        out = _released(tx, job, facts, hands=hands, certificate=certificate)
        draw(tx, out, seals.lots)
    for digest in (*(file.digest for file in files), out.certificate):
        hands.shelf.lay_out(digest)
    return out


def _demand_approved(tx: Reading, job: Job) -> None:
    now = jobs.get(tx, job.id)
    if (now.state, now.epoch) != (JobState.APPROVED, job.epoch):
        raise StaleError(f"job {job.id} is {now.state}: nothing is decided about it")


def _demand_keys(tx: Reading, seals: Seals) -> None:
    signers.demand(tx, "release", seals.release.id)
    signers.demand(tx, "log", seals.log.id)


def _released(
    tx: Writing, job: Job, facts: CertificateFacts, *, hands: Hands, certificate: bytes
) -> Release:
    out = Release(
        id=facts.release,
        job=job.id,
        grant=job.grant,
        developer=job.developer,
        release_class=facts.release_class,
        files=facts.files,
        certificate=hands.shelf.stage(certificate),
        at=facts.at,
    )
    told = {"release": out.id, "certificate": out.certificate, **_keys(facts.keys)}
    moved = job.to(JobState.RELEASED)
    jobs.move(tx, moved, was=job, event=Event("job.released", job.id, "system", told))
    releases.add(tx, out, Event("release.made", job.id, "system", told))
    charge = budgets.charged(tx, job.id)
    if charge is not None:
        spent = Event("budget.spent", job.id, "system", {"pico_rho": charge.rho})
        budgets.commit(tx, job.id, charge.epoch, spent)
    return out


def _keys(used: KeyIds) -> dict[str, str]:
    return {"release_key": used.release, "grant_key": used.grant, "log_key": used.log}


def _sm3(cleared: Sequence[Cleared], key: SigningKey) -> tuple[str, ...]:
    if key.public.suite is not Suite.SM2:
        return ()
    return tuple(Hashing.SM3.digest(each.content).hex() for each in cleared)


def _facts(
    tx: Writing, job: Job, cleared: Sequence[Cleared], *, proof: LogProof, seals: Seals
) -> CertificateFacts:
    signed = grants.get(tx, job.grant).signed
    run = bodies.load(RunNote, documents.get(tx, RUNS, f"{job.id}.{job.epoch}").body)
    return CertificateFacts(
        release=ReleaseId(release_named(job.id)),
        job=job.id,
        epoch=job.epoch,
        developer=job.developer,
        release_class=max((terms.release for terms in asked_for(job, signed.grant)),
                          key=_STRICTNESS.index),
        files=tuple(_file(each) for each in cleared),
        at=tx.now.replace(microsecond=0),  # finer, it would time the run for its developer
        grant=signed,
        inputs=run.inputs,
        image=job.work.image if isinstance(job.work, CodedWork) else None,
        code=_code(job),
        checks=tuple(_checks(tx, job, signed.grant, {each.name: each.card for each in cleared})),
        privacy=_privacy(tx, job, signed.grant),
        seats=tuple(SeatSigned.of(each) for each in holds.verdicts(tx, job.id, job.epoch)),
        log=proof,
        keys=KeyIds(release=seals.release.id, grant=signed.key, log=seals.log.id),
    )  # fmt: skip


def _checks(
    tx: Reading, job: Job, grant: Grant, cards: Mapping[OutputName, str]
) -> Iterator[Check]:
    policy = bodies.dump(grant.policy)
    for row in findings.of_job(tx, job.id):
        if row.epoch == job.epoch:
            yield Check(
                output=row.output,
                verdict=row.verdict,
                rules=_rules(row),
                parameters=policy,
                card=cards.get(row.output) or None,
            )


def _rules(row: InspectionRow) -> tuple[str, ...]:
    return tuple(sorted({found["reason"]["rule"] for found in json.loads(row.findings_json)}))


def _privacy(tx: Reading, job: Job, grant: Grant) -> PrivacyCost | None:
    charge = budgets.charged(tx, job.id)
    if charge is None:
        return None
    return PrivacyCost(
        events=charge.events_json,
        rho=charge.rho,
        scopes=charge.scopes,
        epsilon=str(_epsilon(job, charge)),
        delta=str(grant.delta),
    )


def _epsilon(job: Job, charge: Charge) -> Fraction:
    """Return what was asked for, or the epsilon of a query that costs the same."""
    asked = job.work.epsilon if isinstance(job.work, QueryWork | SampleWork) else None
    return asked or equal_epsilon(charge.rho)


def _code(job: Job) -> Digest | None:
    """Return the digest of what was asked to be run."""
    match job.work:
        case ContainerWork(code=code) | BlocksWork(code=code):
            return code
        case QueryWork(sql=sql):
            return bodies.digest_of(sql.encode())
        case TrainWork() | SampleWork():
            return bodies.digest_of(bodies.dump(job.work).encode())


def _file(cleared: Cleared) -> ReleasedFile:
    digest = "sha256:" + hashlib.sha256(cleared.content).hexdigest()
    if digest != cleared.digest:
        raise ChangedError("the bytes are not those of their digest")
    return ReleasedFile(
        name=cleared.name,
        file=cleared.file,
        media_type=cleared.media_type,
        digest=cleared.digest,
        size=len(cleared.content),
    )
