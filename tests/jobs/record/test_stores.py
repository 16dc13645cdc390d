from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.errors import (
    ConflictError,
    NotFoundError,
    OutOfOrderError,
    RecordBrokenError,
    StaleError,
)
from jobs.grant import GrantId, GrantState, PartyId, PersonId
from jobs.job import JobId, JobState
from jobs.proof.bodies import digest_of
from jobs.record import blobs, documents, findings, grants, holds, jobs, log, releases
from jobs.record.blobs import BlobTooLargeError
from jobs.record.database import Record
from jobs.record.documents import Document
from jobs.record.findings import InspectionRow, Search
from jobs.record.holds import Hold
from jobs.record.schema import blob
from jobs.release import ReleaseId, Seat, Vote
from sandbox.order import OutputName
from tests.jobs.record.examples import (
    CANARY,
    CONTAINER_JOB,
    GRANT,
    JOB,
    NOON,
    RELEASE,
    SIGNED,
    event,
    job,
    verdict,
)

DIGEST = digest_of(b"table")
PAPER = Document(kind="token", id="T-1", state="live", org="acme", body='{"a":1}', at=NOON)


def test_a_job_comes_back_as_it_was_added(record: Record) -> None:
    with record.writing() as tx:
        jobs.add(tx, CONTAINER_JOB, event("job.submitted"))

    with record.reading() as tx:
        assert jobs.get(tx, CONTAINER_JOB.id) == CONTAINER_JOB
        with pytest.raises(NotFoundError):
            jobs.get(tx, JobId("J-none"))


def test_a_job_moves_only_from_where_its_mover_saw_it(record: Record) -> None:
    queued = JOB.to(JobState.QUEUED)
    with record.writing() as tx:
        jobs.add(tx, JOB, event())
        jobs.move(tx, queued, was=JOB, event=event())

    with pytest.raises(StaleError), record.writing() as tx:
        jobs.move(tx, JOB.to(JobState.REFUSED), was=JOB, event=event())

    with record.reading() as tx:
        assert jobs.get(tx, JOB.id) == queued
        assert log.head(tx).size == 2


def test_an_outcome_of_an_older_epoch_is_stale(record: Record) -> None:
    first = JOB.to(JobState.QUEUED).to(JobState.RUNNING)
    again = first.to(JobState.QUEUED).to(JobState.RUNNING)
    with record.writing() as tx:
        jobs.add(tx, again, event())

    with pytest.raises(StaleError), record.writing() as tx:
        jobs.move(tx, first.to(JobState.QUARANTINED), was=first, event=event())


def test_a_job_takes_no_step_that_the_table_lacks(record: Record) -> None:
    with record.writing() as tx:
        jobs.add(tx, JOB, event())

    with pytest.raises(OutOfOrderError), record.writing() as tx:
        jobs.move(tx, replace(JOB, state=JobState.RELEASED), was=JOB, event=event())


def test_a_job_that_is_not_there_cannot_move(record: Record) -> None:
    with pytest.raises(NotFoundError), record.writing() as tx:
        jobs.move(tx, JOB.to(JobState.QUEUED), was=JOB, event=event())


def test_jobs_are_listed_newest_first_and_narrowed(record: Record) -> None:
    with record.writing() as tx:
        for number in range(1, 6):
            jobs.add(tx, job(number, developer="acme" if number % 2 else "other"), event())
        jobs.add(tx, job(9, state=JobState.HELD), event())

    with record.reading() as tx:
        everything = [each.id for each in jobs.listed(tx)]
        assert everything == sorted(everything, reverse=True)
        assert len(jobs.listed(tx, developer=PartyId("other"))) == 2
        assert len(jobs.listed(tx, grant=GRANT.id, states=[JobState.HELD])) == 1
        assert jobs.listed(tx, states=[]) == []
        assert jobs.listed(tx, before=job(3).id, limit=1) == [job(2, developer="other")]
        assert [each.id for each in jobs.oldest(tx, JobState.SUBMITTED, 2)] == [
            job(1).id,
            job(2).id,
        ]


def test_a_job_that_started_twice_counts_as_one_use(record: Record) -> None:
    twice = job(1).to(JobState.QUEUED).to(JobState.RUNNING).to(JobState.QUEUED).to(JobState.RUNNING)
    with record.writing() as tx:
        jobs.add(tx, twice, event())
        jobs.add(tx, job(2), event())

    with record.reading() as tx:
        assert jobs.count_started(tx, GRANT.id) == 1
        assert jobs.count_started(tx, GrantId("SC-2.v1")) == 0


def test_an_idempotency_key_is_remembered_for_its_person_and_once(record: Record) -> None:
    me, other = PersonId("P-1"), PersonId("P-2")
    with record.writing() as tx:
        jobs.add(tx, JOB, event())
        jobs.remember(tx, me, "key", "sha256:1", JOB.id)

    with record.reading() as tx:
        assert jobs.remembered(tx, me, "key") == ("sha256:1", JOB.id)
        assert jobs.remembered(tx, other, "key") is None
    with pytest.raises(ConflictError), record.writing() as tx:
        jobs.remember(tx, me, "key", "sha256:2", JOB.id)


@pytest.mark.parametrize(
    ("path", "last_is_allowed"),
    [
        ((GrantState.SUSPENDED, GrantState.LIVE), True),
        ((GrantState.SUSPENDED, GrantState.ENDED), True),
        ((GrantState.ENDED, GrantState.LIVE), False),
        ((GrantState.ENDED, GrantState.SUSPENDED), False),
        ((GrantState.LIVE,), False),
    ],
)
def test_a_grant_that_ended_never_comes_back(
    sqlite_record: Record, path: tuple[GrantState, ...], *, last_is_allowed: bool
) -> None:
    with sqlite_record.writing() as tx:
        grants.add(tx, SIGNED, event())
        for state in path[:-1]:
            grants.move(tx, GRANT.id, state, event())
        if last_is_allowed:
            grants.move(tx, GRANT.id, path[-1], event())
            assert grants.get(tx, GRANT.id).state is path[-1]
            return
        with pytest.raises(OutOfOrderError):
            grants.move(tx, GRANT.id, path[-1], event())


def test_grants_come_back_as_they_were_signed(record: Record) -> None:
    with record.writing() as tx:
        grants.add(tx, SIGNED, event())

    with record.reading() as tx:
        assert grants.get(tx, GRANT.id).signed == SIGNED
        assert grants.listed(tx, PartyId("acme")) == grants.listed(tx)
        assert grants.listed(tx, PartyId("other")) == []
        with pytest.raises(NotFoundError):
            grants.get(tx, GrantId("SC-2.v1"))


def test_a_document_is_replaced_only_by_who_read_its_last_version(record: Record) -> None:
    with record.writing() as tx:
        documents.add(tx, PAPER, event())
        kept = documents.replace(tx, replace(PAPER, state="used"), was_version=1, event=event())

    assert kept.version == 2
    with pytest.raises(StaleError), record.writing() as tx:
        documents.replace(tx, replace(PAPER, state="void"), was_version=1, event=event())
    with record.reading() as tx:
        assert documents.get(tx, "token", "T-1") == kept
        assert documents.listed(tx, "token", state="used", org="acme") == [kept]
        assert documents.listed(tx, "token", state="live") == []
        with pytest.raises(NotFoundError):
            documents.get(tx, "party", "T-1")


def test_the_versions_of_a_thing_are_found_among_things_of_like_names(record: Record) -> None:
    names = ("LOANS", "LOANS@1", "LOANS@10", "LOANS2@1", "LOANSA@1", "LOAN@1", "loans@1")
    with record.writing() as tx:
        for name in names:
            documents.add(tx, replace(PAPER, kind="asset", id=name), event())
        documents.add(tx, replace(PAPER, kind="party", id="LOANS@1"), event())

    with record.reading() as tx:
        found = documents.versions(tx, "asset", "LOANS")
    assert [(each.kind, each.id) for each in found] == [("asset", "LOANS@1"), ("asset", "LOANS@10")]


def test_bytes_that_were_altered_in_the_record_are_not_handed_out(record: Record) -> None:
    with record.writing() as tx:
        digest = blobs.put(tx, b"code")
        assert blobs.put(tx, b"code") == digest
        tx.note(event())
    with record._writers.begin() as connection:
        connection.execute(blob.update().values(content=b"c0de"))

    with record.reading() as tx, pytest.raises(RecordBrokenError):
        blobs.get(tx, digest)


def test_bytes_past_the_cap_are_not_kept(sqlite_record: Record) -> None:
    with pytest.raises(BlobTooLargeError), sqlite_record.writing() as tx:
        blobs.put(tx, bytes(blobs.MAX_BYTES + 1))


def test_held_outputs_and_the_seats_words_come_back(record: Record) -> None:
    held = CONTAINER_JOB.to(JobState.QUEUED).to(JobState.RUNNING).to(JobState.QUARANTINED)
    hold = _hold("O2")
    operator = verdict(Seat.OPERATOR, "operator", digest=DIGEST)
    security = verdict(Seat.SECURITY, "bureau", digest=DIGEST, vote=Vote.BLOCK)
    with record.writing() as tx:
        jobs.add(tx, held, event())
        holds.add_holds(tx, [hold, _hold("O1")], event())
        jobs.move(tx, held.to(JobState.HELD), was=held, event=event())
        holds.add_verdict(tx, operator, event())
        holds.add_verdict(tx, security, event())

    with record.reading() as tx:
        assert holds.holds(tx, held.id) == [_hold("O1"), hold]
        assert [each.id for each in holds.queue(tx)] == [held.id]
        assert holds.verdicts(tx, held.id, 1) == [operator, security]
        assert holds.verdicts(tx, held.id, 2) == []


def test_a_seat_speaks_once_on_one_epoch(record: Record) -> None:
    with record.writing() as tx:
        jobs.add(tx, CONTAINER_JOB, event())
        holds.add_verdict(tx, verdict(Seat.OPERATOR, "operator", digest=DIGEST), event())

    other = verdict(Seat.OPERATOR, "operator", digest=DIGEST, vote=Vote.BLOCK)
    with pytest.raises(ConflictError), record.writing() as tx:
        holds.add_verdict(tx, other, event())


def test_a_release_is_kept_once_for_its_job_and_counts_its_downloads(record: Record) -> None:
    with record.writing() as tx:
        jobs.add(tx, JOB, event())
        releases.add(tx, RELEASE, event())
        releases.downloaded(tx, RELEASE.id, event("release.downloaded"))
        with pytest.raises(ConflictError):
            releases.add(tx, replace(RELEASE, id=ReleaseId("R-2")), event())

    with record.reading() as tx:
        assert releases.get(tx, RELEASE.id) == releases.of_job(tx, JOB.id) == RELEASE
        assert releases.downloads(tx, RELEASE.id) == 1
        assert releases.listed(tx, developer=PartyId("acme"), grant=GRANT.id) == [RELEASE]
        assert releases.listed(tx, before=RELEASE.id) == []
        assert releases.of_job(tx, CONTAINER_JOB.id) is None


def test_a_download_of_nothing_is_not_noted(record: Record) -> None:
    with pytest.raises(NotFoundError), record.writing() as tx:
        releases.downloaded(tx, ReleaseId("R-none"), event())

    with record.reading() as tx:
        assert log.head(tx).size == 0


SEARCHES = [
    (Search(), [3, 2, 1]),
    (Search(verdict="blocked"), [2, 1]),
    (Search(rule="egress.raw_rows"), [2]),
    (Search(developer=PartyId("other")), [3]),
    (Search(job=job(1).id, output=OutputName("O2")), [2]),
    (Search(grant=GRANT.id, limit=1), [3]),
    (Search(before=3), [2, 1]),
    (Search(since=NOON + timedelta(minutes=2)), [3, 2]),
    (Search(until=NOON + timedelta(minutes=2)), [1]),
    (Search(text="RAW"), [2]),
    (Search(text="100%"), []),
    (Search(text="_"), [2, 1]),
    (Search(rule="egress.raw"), []),
]


@pytest.mark.parametrize(("asked", "numbers"), SEARCHES)
def test_the_egress_log_answers_each_question(
    searched: Record, asked: Search, numbers: list[int]
) -> None:
    with searched.reading() as tx:
        assert [found.number for found in findings.search(tx, asked)] == numbers


def test_a_searched_line_says_whose_it_is(searched: Record) -> None:
    with searched.reading() as tx:
        (found,) = findings.search(tx, Search(rule="egress.raw_rows"))
        of_job = findings.of_job(tx, job(1).id)

    assert (found.developer, found.grant) == (PartyId("acme"), GRANT.id)
    assert found.inspection == of_job[1]


@pytest.fixture
def searched(record: Record) -> Record:
    small = '[{"reason":{"rule":"egress.small_groups"}}]'
    raw = '[{"reason":{"rule":"egress.raw_rows"}},{"reason":{"rule":"egress.raw_rows"}}]'
    with record.writing() as tx:
        jobs.add(tx, job(1), event())
        jobs.add(tx, job(2, developer="other"), event())
        findings.add(tx, _inspected(job(1).id, "O1", "blocked", small), event())
        findings.add(tx, _inspected(job(1).id, "O2", "blocked", raw), event())
        findings.add(tx, _inspected(job(2).id, "O3", "cleared", "[]"), event())
    return record


def _inspected(name: JobId, output: str, said: str, found: str) -> InspectionRow:
    return InspectionRow(
        job=name,
        epoch=1,
        output=OutputName(output),
        verdict=said,
        digest=DIGEST,
        size=5,
        findings_json=found,
        at=NOON + timedelta(minutes=int(output[1])),
    )


def _hold(output: str) -> Hold:
    return Hold(
        job=CONTAINER_JOB.id,
        epoch=1,
        output=OutputName(output),
        digest=DIGEST,
        file=f"{output}.txt",
        media_type="text/plain",
        preview=f"for reviewers: {CANARY}",
        findings_json="[]",
    )
