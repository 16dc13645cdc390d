"""Gives one seat's verdict on a held job, sealed until all may know it; the last seat's word opens and decides it."""

from collections.abc import Sequence
from dataclasses import replace
from secrets import token_hex

from jobs.errors import OutOfOrderError, SeatError, StaleError
from jobs.grant import Grant
from jobs.job import Job, JobState
from jobs.proof import bodies
from jobs.record import grants, holds, jobs
from jobs.record.database import Reading, Record, Writing
from jobs.record.event import Event
from jobs.release import Seat, SeatVerdict
from jobs.rules.quorum import Agreed, Vetoed, may_sit, quorum
from sandbox.reason import Reason, Said

_SALT_BYTES = 16


def give_verdict(verdict: SeatVerdict, *, record: Record) -> Job:
    """Write down a verdict; the job moves on with the last pass, or with the first block.

    Raises:
        NotFoundError: there is no such job.
        OutOfOrderError: the job is not held.
        StaleError: the person signed another attempt, or other bytes than wait here.
        SeatError: this person may not take this seat, or the verdict lacks its reasons.

    """
    with record.writing() as tx:
        return take_verdict(tx, verdict)


def take_verdict(tx: Writing, verdict: SeatVerdict) -> Job:
    """Do what `give_verdict` does, in the transaction of somebody who has asked more before."""
    job = jobs.get(tx, verdict.job)
    grant = grants.get(tx, job.grant).signed.grant
    _demand_same_bytes(tx, job, verdict)
    _demand_words(verdict)
    earlier = holds.verdicts(tx, job.id, job.epoch)
    barred = may_sit(
        verdict.seat, person=verdict.person, party=verdict.party, grant=grant, earlier=earlier
    )
    if barred:
        raise SeatError("; ".join(reason.why.en for reason in barred))
    sealed = replace(verdict, salt=token_hex(_SALT_BYTES))
    holds.add_verdict(tx, sealed, _event(sealed))
    return _moved(tx, job, grant, sealed)


def _demand_same_bytes(tx: Reading, job: Job, verdict: SeatVerdict) -> None:
    if job.state is not JobState.HELD:
        raise OutOfOrderError(f"job {job.id} is {job.state}: nothing of it waits for review")
    waiting = {hold.digest for hold in holds.holds(tx, job.id)}
    if verdict.epoch != job.epoch or set(verdict.signed) != waiting:
        raise StaleError("what was signed is not what waits for review")


def _demand_words(verdict: SeatVerdict) -> None:
    words = [verdict.reason]
    if verdict.seat is Seat.OPERATOR:
        words += [verdict.compliance, verdict.safety, verdict.consistency]
    if not all(word.strip() for word in words):
        raise SeatError(
            "a verdict gives its reason; the operator's also compliance, safety and consistency"
        )


def _moved(tx: Writing, job: Job, grant: Grant, verdict: SeatVerdict) -> Job:
    said = holds.verdicts(tx, job.id, job.epoch)
    reached = quorum(grant, said)
    if isinstance(reached, Agreed):
        moved = job.to(JobState.APPROVED)
    elif isinstance(reached, Vetoed):
        moved = job.to(JobState.BLOCKED, reasons=(_vetoed(reached.by),))
    else:
        return job
    told = {"by": str(verdict.seat), **_opened(said)}
    jobs.move(tx, moved, was=job, event=Event(f"job.{moved.state}", job.id, verdict.person, told))
    return moved


def _vetoed(seat: Seat) -> Reason:
    who = {Seat.OPERATOR: ("运营机构", "the operator")}.get(
        seat, ("安全审核员", "a security officer")
    )
    return Reason(
        rule="review.blocked",
        why=Said(zh=f"{who[0]}不同意放行", en=f"{who[1]} did not pass it"),
        fix=Said(zh="请与审核人联系，修改输出后重新提交作业",
                 en="talk to the reviewer, change the output, and submit again"),
        clause="Shanghai art. 23",
    )  # fmt: skip


def _opened(said: Sequence[SeatVerdict]) -> dict[str, str]:
    return {f"vote.{verdict.seat}": str(verdict.vote) for verdict in said}


def _event(verdict: SeatVerdict) -> Event:
    """Say who spoke, and the digest of what: officers read the log, and the next of them votes blindly."""
    told = {
        "seat": str(verdict.seat),
        "party": verdict.party,
        "sealed": bodies.digest_of(bodies.dump(verdict).encode()),
        "signed": ",".join(verdict.signed),
    }
    return Event("review.verdict", verdict.job, verdict.person, told)
