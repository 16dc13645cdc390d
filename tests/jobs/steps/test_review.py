from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from jobs.errors import NotFoundError, OutOfOrderError, SeatError, StaleError
from jobs.grant import ScenarioId
from jobs.job import Job, JobId, JobState
from jobs.proof.bodies import digest_of, dump
from jobs.proof.certificate import verify
from jobs.record import holds, log
from jobs.release import Seat, SeatVerdict, Vote
from jobs.steps.cancel import cancel
from sandbox.asset import Digest
from sandbox.egress.inspection import Inspected
from tests.jobs.steps.town import (
    CANARY,
    COUNTING,
    DEVELOPER,
    Town,
    hold,
    officers,
    operators,
    under,
    verdict,
)


@pytest.mark.req("H-06")
def test_a_held_output_is_approved_by_its_last_seat(either: Town) -> None:
    job = either.held()

    after_one = either.says(operators(job))
    after_two = either.says(officers(job))

    assert (after_one.state, after_two.state) == (JobState.HELD, JobState.APPROVED)
    assert either.now(job) == after_two
    assert either.kinds(job.id)[-3:] == ["review.verdict", "review.verdict", "job.approved"]


@pytest.mark.req("H-06")
@pytest.mark.parametrize("seat", [Seat.OPERATOR, Seat.SECURITY])
def test_one_seats_block_is_final(either: Town, seat: Seat) -> None:
    job = either.held()
    if seat is Seat.OPERATOR:
        blocked = either.says(operators(job, vote=Vote.BLOCK))
    else:
        either.says(operators(job))
        blocked = either.says(officers(job, vote=Vote.BLOCK))

    assert blocked.state is JobState.BLOCKED
    (told,) = either.now(job).reasons
    assert (told.rule, told.clause) == ("review.blocked", "Shanghai art. 23")
    assert ("operator" in told.why.en) is (seat is Seat.OPERATOR)
    with pytest.raises(OutOfOrderError):
        either.says(officers(job))


BARRED = [
    ("two of one organisation", lambda job: verdict(job, Seat.SECURITY, "P-2", party="operator")),
    ("one person twice", lambda job: verdict(job, Seat.SECURITY, "P-op")),
    ("the developer", lambda job: verdict(job, Seat.SECURITY, "P-dev", party="acme")),
    ("a seat that has spoken", lambda job: verdict(job, Seat.OPERATOR, "P-3", party="operator")),
    ("a seat not asked for", lambda job: verdict(job, Seat.SECOND_SECURITY, "P-4")),
]


@pytest.mark.req("H-07")
@pytest.mark.parametrize("second", [case[1] for case in BARRED], ids=[case[0] for case in BARRED])
def test_a_second_verdict_of_the_wrong_person_is_not_taken(
    either: Town, second: Callable[[Job], SeatVerdict]
) -> None:
    job = either.held()
    either.says(operators(job))
    size = either.log_size()

    with pytest.raises(SeatError):
        either.says(second(job))

    assert (either.now(job).state, either.log_size()) == (JobState.HELD, size)
    assert either.says(officers(job)).state is JobState.APPROVED


@pytest.mark.req("H-07")
@pytest.mark.parametrize(
    ("word", "why"),
    [
        (officers, "the operator's seat speaks first"),
        (lambda job: verdict(job, Seat.OPERATOR, "P-x"), "belongs to the scenario's operator"),
    ],
)
def test_the_operators_seat_speaks_first_and_is_the_operators(
    town: Town, word: Callable[[Job], SeatVerdict], why: str
) -> None:
    job = town.held()

    with pytest.raises(SeatError, match=why):
        town.says(word(job))

    assert town.seats(job) == set()


def important(town: Town) -> Job:
    """Return a held job under a grant that asks for two officers."""
    town.issue(under("SC-2", security_officers=2))
    running, _ = town.start(town.submit(scenario=ScenarioId("SC-2")))
    return town.decided(town.ran(running), Inspected((hold(),)))


def second(job: Job, *, vote: Vote = Vote.PASS) -> SeatVerdict:
    return verdict(job, Seat.SECOND_SECURITY, "P-sec2", vote=vote)


def said(town: Town, job: Job) -> list[Mapping[str, str | int]]:
    """Return the facts of every verdict in the log, oldest first."""
    with town.record.reading() as tx:
        found = log.entries(tx, only=log.Filter(kind="review.verdict", subject=job.id))
    return [entry.event.facts for entry in found]


@pytest.mark.req("H-07")
def test_important_data_waits_for_its_second_officer(town: Town) -> None:
    job = important(town)

    town.says(operators(job))
    still = town.says(officers(job))
    with pytest.raises(SeatError, match="may not take two seats"):
        town.says(verdict(job, Seat.SECOND_SECURITY, "P-sec"))
    last = town.says(second(job))

    assert (still.state, last.state) == (JobState.HELD, JobState.APPROVED)


@pytest.mark.parametrize(
    "change",
    [
        {"signed": (Digest("sha256:" + "0" * 64),)},
        {"signed": ()},
        {"signed": (hold().digest, Digest("sha256:" + "0" * 64))},
        {"epoch": 0},
        {"epoch": 2},
    ],
    ids=["other bytes", "nothing", "too much", "older epoch", "newer epoch"],
)
def test_a_verdict_on_what_does_not_wait_here_is_stale(
    either: Town, change: dict[str, object]
) -> None:
    job = either.held()
    size = either.log_size()

    with pytest.raises(StaleError, match="not what waits for review"):
        either.says(replace(operators(job), **change))  # type: ignore[arg-type] # each by its name

    assert (either.seats(job), either.log_size()) == (set(), size)


@pytest.mark.req("H-06")
@pytest.mark.parametrize("missing", ["reason", "compliance", "safety", "consistency"])
def test_an_operators_verdict_without_its_words_is_none(town: Town, missing: str) -> None:
    job = town.held()

    with pytest.raises(SeatError, match="gives its reason"):
        town.says(replace(operators(job), **{missing: " \n"}))  # type: ignore[arg-type] # by name


def test_an_officer_needs_give_a_reason_alone(town: Town) -> None:
    job = town.held()
    town.says(operators(job))
    bare = replace(officers(job), compliance="", safety="", consistency="")

    with pytest.raises(SeatError, match="gives its reason"):
        town.says(replace(bare, reason=""))

    assert town.says(bare).state is JobState.APPROVED


def test_nothing_waits_for_review_of_a_job_that_is_not_held(town: Town) -> None:
    for job in (town.submit(), town.running(), town.quarantined(), town.approved(COUNTING)):
        with pytest.raises(OutOfOrderError, match="nothing of it waits for review"):
            town.says(operators(job))


def test_a_job_that_was_stopped_is_reviewed_no_more(town: Town) -> None:
    job = town.held()
    town.says(operators(job))
    cancel(job.id, by=DEVELOPER, record=town.record)

    with pytest.raises(OutOfOrderError):
        town.says(officers(job))

    assert town.now(job).state is JobState.STOPPED


def test_a_verdict_on_no_job_is_told_so(town: Town) -> None:
    job = replace(town.held(), id=JobId("J-none"))

    with pytest.raises(NotFoundError):
        town.says(operators(job))


def test_the_log_keeps_who_signed_what_and_no_words_of_theirs(town: Town) -> None:
    job = town.held()
    town.says(replace(operators(job), reason=f"I saw {CANARY}"))

    with town.record.reading() as tx:
        (entry,) = log.newest(tx, limit=1, only=log.Filter(kind="review.verdict"))
    assert entry.event.actor == "P-op"
    assert entry.event.facts["signed"] == hold().digest
    assert CANARY not in repr(entry)


@pytest.mark.req("H-07")
@pytest.mark.parametrize("blocking", [officers, second])
def test_one_officers_block_holds_whatever_the_other_says_and_whoever_speaks_first(
    town: Town, blocking: Callable[..., SeatVerdict]
) -> None:
    job = important(town)
    town.says(operators(job))
    words = [
        each(job, vote=Vote.BLOCK if each is blocking else Vote.PASS) for each in (second, officers)
    ]

    states = [town.says(word).state for word in words]

    assert states == [JobState.HELD, JobState.BLOCKED]


@pytest.mark.req("H-07")
def test_the_log_tells_no_vote_before_all_seats_have_spoken_and_then_every_one(town: Town) -> None:
    job = important(town)
    votes = [(operators, Vote.PASS), (second, Vote.BLOCK), (officers, Vote.PASS)]

    for word, vote in votes[:2]:
        town.says(word(job, vote=vote))
    sealed = said(town, job)
    town.says(officers(job))

    assert not [facts for facts in sealed if "vote" in facts or "pass" in facts.values()]
    with town.record.reading() as tx:
        (opened,) = log.newest(tx, limit=1, only=log.Filter(kind="job.blocked"))
    assert opened.event.facts == {
        "by": "verdict_security",
        "vote.second_security": "block",
        "vote.verdict_operator": "pass",
        "vote.verdict_security": "pass",
    }


@pytest.mark.req("H-07")
def test_a_verdict_is_sealed_under_a_digest_that_holds_it_and_that_nobody_can_guess(
    town: Town,
) -> None:
    job = town.held()
    town.says(operators(job))

    with town.record.reading() as tx:
        (kept,) = holds.verdicts(tx, job.id, job.epoch)
    (facts,) = said(town, job)
    assert facts["sealed"] == digest_of(dump(kept).encode())
    assert {digest_of(dump(operators(job, vote=vote)).encode()) for vote in Vote}.isdisjoint(
        facts.values()
    )


@pytest.mark.req("H-07")
def test_a_certificate_names_the_digest_under_which_the_log_has_the_sealed_verdict(
    town: Town,
) -> None:
    job = town.held()
    town.says(operators(job))
    out = town.release(town.says(officers(job)))

    shelf = town.hands.shelf
    facts = verify(shelf.fetch(out.certificate), keys=town.keys.trusted).facts

    assert {str(seat.words) for seat in facts.seats} == {
        str(one["sealed"]) for one in said(town, job)
    }
