"""Puts right what a crash left: every job ends in a right state, and nothing lies about."""

from collections.abc import Collection, Iterator

from jobs.errors import NotFoundError, StaleError
from jobs.job import ENDS, JobId, JobState
from jobs.record import jobs, releases
from jobs.record.database import Reading
from jobs.release import Release
from jobs.steps import retention
from jobs.steps.carry import Hands, ran
from jobs.steps.destroy import finish_begun
from jobs.steps.facts import CHINA
from jobs.steps.inventory import Site
from sandbox.asset import Digest
from sandbox.order import Ended, Outcome

_PAGE = 100


def recover(hands: Hands, *, known: Collection[JobId] = ()) -> int:
    """End the runs that nobody has in hand: an earlier worker died over them; return how many.

    A run that was cut goes back to the queue once; a query's charge stands and pays for it.
    """
    with hands.record.reading() as tx:
        running = jobs.oldest(tx, JobState.RUNNING, 100_000)
    cut = [job for job in running if job.id not in known]
    for job in cut:
        try:
            ran(job, Outcome(ended=Ended.ENGINE_FAILED), inputs=(), hands=hands)
        except StaleError:
            continue  # it was stopped while this was being written: that is a right state too
    return len(cut)


def finish_releases(hands: Hands) -> None:
    """Lay out what a release in the record still waits for, and throw away what no release names."""
    staged = hands.shelf.staged()
    if not staged:
        return
    with hands.record.reading() as tx:
        named = _named(tx)
    for digest in staged:
        if digest in named:
            hands.shelf.lay_out(digest)
        else:
            hands.shelf.discard(digest)


def clear_quarantine(hands: Hands) -> int:
    """Destroy what attempts left whose job has ended, or has been started anew; return how many."""
    attempts = hands.quarantine.attempts()
    with hands.record.reading() as tx:
        done = [(job, epoch) for job, epoch in attempts if _is_over(tx, job, epoch)]
    for job, epoch in done:
        hands.quarantine.discard(job, epoch)
    return len(done)


def keep_to_terms(hands: Hands) -> int:
    """Destroy what is past its time, once a day, and go on with destructions that were begun.

    Return how many things were past their time, what runs said of themselves among them.
    """
    finish_begun(Site.of(hands))
    today = hands.clock().astimezone(CHINA).date().isoformat()
    if hands.quarantine.swept() == today:
        return 0
    done = retention.sweep(hands)
    hands.quarantine.call_swept(today)
    return sum(done.counts.values())


def _is_over(tx: Reading, job: str, epoch: int) -> bool:
    try:
        known = jobs.get(tx, JobId(job))
    except NotFoundError:
        return True
    return known.state in ENDS or known.epoch != epoch


def _named(tx: Reading) -> set[Digest]:
    return {
        digest
        for each in _every(tx)
        for digest in (each.certificate, *(file.digest for file in each.files))
    }


def _every(tx: Reading) -> Iterator[Release]:
    # ids sort by submission: a job that was long held is released after many younger ones
    page = releases.listed(tx, limit=_PAGE)
    while page:
        yield from page
        page = releases.listed(tx, limit=_PAGE, before=page[-1].id)
