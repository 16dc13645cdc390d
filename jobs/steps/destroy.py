"""Destroys an asset or what a scenario made: a plan first, then each copy and key, then a certificate.

Every step finds for itself what is still there, so that it may be cut anywhere and taken again.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex

from jobs.backup.making import MADE
from jobs.errors import ConflictError, JobsError, NotFoundError, OutOfOrderError, StaleError
from jobs.grant import GrantState
from jobs.job import JobId
from jobs.proof import destruction
from jobs.proof.bodies import dump, load
from jobs.proof.destruction import (
    DONE,
    Copy,
    CopyKind,
    DestroyedKey,
    DestructionFacts,
    Remaining,
    Signer,
    TargetKind,
)
from jobs.record import blobs, documents, grants, log
from jobs.record.database import Reading, Writing
from jobs.record.documents import Document
from jobs.record.erasure import compact, forget_blobs, forget_findings, forget_holds
from jobs.record.event import Event
from jobs.record.gone import mark
from jobs.record.grants import Granted
from jobs.record.inside import needed_files
from jobs.record.log import Filter
from jobs.steps import revoke
from jobs.steps.facts import ASSETS
from jobs.steps.inventory import KIND, Reach, Site, Survey, Target, reach, survey
from jobs.steps.release import Seals
from jobs.steps.retention import held
from sandbox.asset import Digest
from sandbox.data.staging import discard, staged
from sandbox.errors import SandboxError
from sandbox.reason import Said

_LOG = logging.getLogger("shuyu.worker")
BEGUN, ERASED, CERTIFIED = "begun", "erased", "certified"
GONE = "destroyed"
"""The state of an asset's document once it is."""
SETTLED = timedelta(seconds=15)
"""After so long nothing that a worker still had in hand can add a copy."""


class LegalHoldError(JobsError):
    """Nothing of it may be destroyed before the hold is lifted."""


class StillHeldError(JobsError):
    """Something of it is still in somebody's hand: the destruction goes on when it is let go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is destroyed, and how far that has come; its document's state says the rest."""

    id: str
    domain: str
    target: Target
    reason: str
    by: Signer
    certified_by: Signer
    begun: datetime
    copies: tuple[Copy, ...]
    """Those that were found at first, and those that were found later."""
    keys: tuple[DestroyedKey, ...]
    seq: int = -1
    """The log's entry that says that all of it is gone; -1 before."""
    ended: datetime | None = None
    certificate: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who has what destroyed, and why."""

    domain: str
    target: Target
    reason: str
    by: Signer
    certified_by: Signer


def begin(tx: Writing, order: Order, seen: Survey) -> Plan:
    """End every grant that it covers with its jobs, and write down what will be destroyed.

    Raise `NotFoundError` where there is no such asset or scenario, `ConflictError` where its
    destruction has begun already, `LegalHoldError` where it, or a scenario that it ends, is held.
    """
    target = order.target
    papers = documents.versions(tx, ASSETS, target.id) if target.kind is TargetKind.ASSET else []
    covered = [granted for granted in grants.listed(tx) if target.covers(granted)]
    if not papers and not covered:
        raise NotFoundError(f"there is no {target.kind} {target.id}")
    if any(plan.target == target for plan, state in plans(tx) if state == BEGUN):
        raise ConflictError(f"the destruction of {target.kind} {target.id} has begun already")
    _demand_free(tx, target, covered)
    for granted in covered:
        if granted.state is not GrantState.ENDED:
            revoke.end(tx, granted.signed.grant.id, actor=order.by.person)
    for paper in papers:
        event = Event("asset.destroyed", paper.id, order.by.person)
        documents.replace(tx, replace(paper, state=GONE), was_version=paper.version, event=event)
    plan = Plan(
        id=f"D-{tx.now:%Y%m%d}-{token_hex(4)}",
        domain=order.domain,
        target=target,
        reason=order.reason,
        by=order.by,
        certified_by=order.certified_by,
        begun=tx.now,
        copies=seen.copies,
        keys=seen.keys,
    )
    told: dict[str, str | int] = {
        "kind": target.kind,
        "target": target.id,
        "reason": order.reason,
        "certified_by": order.certified_by.person,
        "copies": len(plan.copies),
        "keys": len(plan.keys),
    }
    event = Event("destruction.begun", plan.id, order.by.person, told)
    documents.add(tx, _paper(tx, plan, BEGUN), event)
    return plan


def plans(tx: Reading) -> list[tuple[Plan, str]]:
    """Return every destruction and its state, by id."""
    return [(load(Plan, paper.body), paper.state) for paper in documents.listed(tx, KIND)]


def erase(site: Site, plan_id: str, *, alone: bool) -> bool:
    """Destroy every copy and key, and say whether that is now all; what is not there is passed over.

    `alone` says that no worker is at work on the domain. Raise `StillHeldError` where a container's
    room of one of its jobs is still there, `RecordDownError` where the database is not let go of, and
    `StaleError` where all of it was done before.
    """
    record = site.hands.record
    with record.reading() as tx:
        target = load(Plan, documents.get(tx, KIND, plan_id).body).target
    seen = survey(site, target)
    with record.writing() as tx:
        plan = _with_more(tx, plan_id, seen)
        _erase_rows(tx, plan, reach(tx, target))
    _demand_let_go(site, seen.reach.jobs)
    for copy in seen.copies:
        _erase_copy(site, copy)
    with staged(site.home / "views"), staged(site.home / "data"):
        pass  # what a process that died was writing goes with it
    if alone:
        _drop_staged(site)
    for key in seen.keys:
        site.keys.destroy(key.scope)
    compact(record)
    after = survey(site, target)
    if after.copies or after.keys:
        return False
    with record.writing() as tx:
        if not alone and tx.now < plan.begun + SETTLED:
            return False
        _finish(tx, plan)
    return True


def finish_begun(site: Site) -> int:
    """Go on with what was begun, beside a worker that is at work; return how many are now done.

    What cannot be done now is tried with the next sweep: it never holds the worker up.
    """
    with site.hands.record.reading() as tx:
        begun = [plan for plan, state in plans(tx) if state == BEGUN]
        due = [plan.id for plan in begun if tx.now >= plan.begun + SETTLED]
    return sum(_tried(site, plan) for plan in due)


def _tried(site: Site, plan_id: str) -> bool:
    try:
        return erase(site, plan_id, alone=False)
    except (JobsError, SandboxError, OSError) as error:
        _LOG.warning("destruction %s waits: %s", plan_id, type(error).__name__)
        return False


def certify(site: Site, plan_id: str, *, seals: Seals) -> bytes:
    """Sign the certificate of a destruction that is done, keep it, and return it.

    Asked again, it is signed again, by the key of now. Raise `OutOfOrderError` before the end.
    """
    with site.hands.record.writing() as tx:
        paper = documents.get(tx, KIND, plan_id)
        plan = load(Plan, paper.body)
        if paper.state == BEGUN or plan.ended is None:
            raise OutOfOrderError(f"destruction {plan_id} is not done: a worker goes on with it")
        facts = DestructionFacts(
            id=plan.id,
            domain=plan.domain,
            kind=plan.target.kind,
            target=plan.target.id,
            reason=plan.reason,
            by=plan.by,
            certified_by=plan.certified_by,
            begun=plan.begun,
            at=plan.ended,
            copies=plan.copies,
            keys=plan.keys,
            remains=_remains(tx, plan),
            log=log.prove_entry(tx, plan.seq, seals.log),
            release_key=seals.release.id,
            log_key=seals.log.id,
        )
        content = destruction.issue(facts, key=seals.release)
        after = replace(plan, certificate=blobs.put(tx, content))
        told = {"certificate": after.certificate or "", "key": seals.release.id}
        event = Event("destruction.certified", plan.id, plan.certified_by.person, told)
        documents.replace(tx, _paper(tx, after, CERTIFIED), was_version=paper.version, event=event)
    return content


def certificate(tx: Reading, plan_id: str) -> bytes:
    """Return the certificate of a destruction; raise `NotFoundError` where it has none."""
    plan = load(Plan, documents.get(tx, KIND, plan_id).body)
    if plan.certificate is None:
        raise NotFoundError(f"destruction {plan_id} has no certificate yet")
    return blobs.get(tx, plan.certificate)


def _demand_free(tx: Reading, target: Target, covered: Iterable[Granted]) -> None:
    names = {target.id}
    for granted in covered:
        names |= {
            granted.signed.grant.scenario,
            *(terms.asset for terms in granted.signed.grant.assets),
        }
    kept = sorted(names & held(tx))
    if kept:
        raise LegalHoldError(
            f"under a legal hold: {', '.join(kept)}; `shuyu retention lift` ends it"
        )


def _paper(tx: Reading, plan: Plan, state: str) -> Document:
    return Document(kind=KIND, id=plan.id, state=state, body=dump(plan), at=tx.now)


def _with_more(tx: Writing, plan_id: str, seen: Survey) -> Plan:
    """Write down the copies and keys that have come to be since the plan, before they are destroyed."""
    plan = load(Plan, documents.get(tx, KIND, plan_id).body)
    known, scopes = set(plan.copies), {key.scope for key in plan.keys}
    more = tuple(copy for copy in seen.copies if copy not in known)
    new_keys = tuple(key for key in seen.keys if key.scope not in scopes)
    if not more and not new_keys:
        return plan
    after = replace(plan, copies=(*plan.copies, *more), keys=(*plan.keys, *new_keys))
    _put(tx, after, BEGUN, Event("destruction.extended", plan.id, "system", {"copies": len(more)}))
    return after


def _erase_rows(tx: Writing, plan: Plan, found: Reach) -> None:
    told: dict[str, str | int] = {
        "previews": forget_holds(tx, found.jobs),
        "findings": forget_findings(tx, found.jobs),
        "codes": forget_blobs(tx, found.codes),
        "releases": mark(tx, found.releases, why=plan.id),
    }
    if any(told.values()):
        tx.note(Event("destruction.erased", plan.id, "system", told))


def _demand_let_go(site: Site, mine: Iterable[JobId]) -> None:
    rooms = site.home / "run" / "rooms"
    held = {folder.name.rpartition(".")[0] for folder in rooms.glob("*")} & set(mine)
    if held:
        raise StillHeldError(
            f"{len(held)} rooms of its jobs are not cleared: `shuyu keep` does that"
        )


def _erase_copy(site: Site, copy: Copy) -> None:
    path = site.home / copy.place
    match copy.kind:
        case CopyKind.SNAPSHOT | CopyKind.VIEW:
            discard(path)
        case CopyKind.SHELF:
            site.hands.shelf.destroy(copy.digest)
        case CopyKind.QUARANTINE:
            site.hands.quarantine.destroy(path)
        case CopyKind.RECORD:
            pass  # gone with its transaction


def _drop_staged(site: Site) -> None:
    """Throw away bytes that wait for a release which never came: nobody else is about to name them."""
    with site.hands.record.reading() as tx:
        named = needed_files(tx, besides=frozenset())
    for digest in site.hands.shelf.staged():
        if digest not in named:
            site.hands.shelf.discard(digest)


def _finish(tx: Writing, plan: Plan) -> None:
    told = destruction.noted(plan.target.kind, plan.target.id, plan.copies, plan.keys)
    # the event is noted by the document's change: it is the entry after those there are
    seq = log.head(tx).size
    after = replace(plan, seq=seq, ended=tx.now)
    _put(tx, after, ERASED, Event(DONE, plan.id, plan.by.person, told))


def _put(tx: Writing, plan: Plan, state: str, event: Event) -> None:
    paper = documents.get(tx, KIND, plan.id)
    if paper.state != BEGUN:
        raise StaleError(f"destruction {plan.id} is {paper.state} already")
    documents.replace(tx, _paper(tx, plan, state), was_version=paper.version, event=event)


def _remains(tx: Reading, plan: Plan) -> tuple[Remaining, ...]:
    """Say what is not destroyed: the log, the records of processing, and keys that were handed out."""
    forever = Said(zh="长期保存", en="for good")
    kept = [
        Remaining(
            what=Said(zh="日志（仅含名称、摘要与计数）、隐私预算与审批记录",
                      en="the log (names, digests and counts), budgets, and the approvals"),
            until=forever,
        ),
        Remaining(
            what=Said(zh="发布证书（不含数据）与交付给接收方的成果",
                      en="the releases' certificates (no data), and what recipients were given"),
            until=Said(zh="接收方依约保存", en="the recipients keep it as agreed"),
        ),
    ]  # fmt: skip
    entries = log.entries(tx, only=Filter(kind=MADE), limit=100_000)
    holders = [each for each in entries if each.event.facts.get("keys_for")]
    if holders and plan.keys:
        named = ", ".join(each.event.subject for each in holders)
        kept.append(
            Remaining(
                what=Said(zh=f"备份 {named} 中为指定接收人加密的密钥副本",
                          en=f"the copies of keys that backups {named} hold for a named recipient"),
                until=Said(zh="由该接收人销毁", en="that recipient destroys them"),
            )
        )  # fmt: skip
    return tuple(kept)
