"""What may leave stands in the ledger before it leaves, and the next release is held against it."""

from dataclasses import replace

import pytest

from jobs.errors import StaleError
from jobs.grant import PartyId, PersonId
from jobs.job import Job, JobState
from jobs.rules.learned import learned
from jobs.rules.scopes import Grouping
from jobs.steps import budget
from jobs.steps.cancel import cancel
from jobs.steps.carry import leaving
from jobs.steps.locate import Told, locate
from jobs.steps.submit import Submitter
from sandbox.asset import AssetId
from sandbox.egress.inspection import Inspected
from sandbox.egress.span import Earlier, Quantity, Span
from sandbox.egress.spans.refusals import DIFFERENCING
from sandbox.egress.treatments.recomputed import GAPS
from sandbox.reason import Offer, Said
from tests.jobs.record.examples import SNAPSHOT
from tests.jobs.steps.town import COUNTING, DEVELOPER, REPORTING, Town, block, clear, hold, under

SPAN = Span(
    asset=AssetId("LOANS"),
    snapshot=SNAPSHOT,
    condition="",
    dimensions=("state",),
    quantities=(Quantity(),),
    cells=(("A",), ("B",)),
)
OFFER = Offer(said=Said(zh="去掉维度 state", en="drop the dimension state"), bits=3)


def before(town: Town, job: Job) -> tuple[Earlier, ...]:
    with town.record.reading() as tx:
        return leaving(tx, job, ()).before


def ids(town: Town, job: Job) -> list[str]:
    return [each.id for each in before(town, job)]


def told(town: Town, job: Job) -> Job:
    """Let the filter clear a table of this job."""
    verdict = replace(clear(), span=SPAN)
    return town.decided(job, Inspected((verdict,), frozenset(ids(town, job))))


def test_a_cleared_table_stands_in_the_ledger_before_it_leaves(either: Town) -> None:
    first, second = either.quarantined(COUNTING), either.quarantined(COUNTING)

    moved = told(either, first)

    [entry] = before(either, second)
    assert moved.state is JobState.APPROVED
    assert entry == Earlier(
        id=f"{first.id}.1.O3", release="R-" + first.id.removeprefix("J-"), span=SPAN
    )
    assert entry.release == either.release(moved).id
    assert "egress.entered" in either.kinds(first.id)


def test_a_table_that_people_may_let_go_stands_there_too(town: Town) -> None:
    first, second = town.quarantined(), town.quarantined(COUNTING)

    town.decided(first, Inspected((replace(hold(), span=SPAN),)))

    assert len(before(town, second)) == 1


def test_a_job_is_not_held_against_itself(town: Town) -> None:
    job = told(town, town.quarantined(COUNTING))

    assert before(town, job) == ()


def test_what_is_blocked_or_ends_without_a_release_does_not_count(town: Town) -> None:
    held, blocked = town.quarantined(), town.quarantined()
    last = town.quarantined(COUNTING)
    town.decided(blocked, Inspected((block(), replace(clear(), span=SPAN))))
    waiting = town.decided(held, Inspected((replace(hold(), span=SPAN),)))

    counted = len(before(town, last))
    cancel(waiting.id, by=DEVELOPER, record=town.record)

    assert (counted, len(before(town, last))) == (1, 0)


def test_two_jobs_that_were_inspected_at_once_are_not_both_decided(either: Town) -> None:
    first, second = either.quarantined(COUNTING), either.quarantined(COUNTING)
    seen_by_both = Inspected((replace(clear(), span=SPAN),))
    either.decided(first, seen_by_both)

    with pytest.raises(StaleError):
        either.decided(second, seen_by_both)

    assert either.now(second).state is JobState.QUARANTINED
    assert told(either, second).state is JobState.APPROVED


def test_another_party_is_held_against_it_only_where_the_two_are_in_one_group(town: Town) -> None:
    other = Submitter(person=PersonId("P-dev2"), party=PartyId("rival"))
    grant = under("SC-OTHER", developer=PartyId("rival"), people=(PersonId("P-dev2"),))
    town.issue(grant)
    told(town, town.quarantined(COUNTING))
    job = town.ran(town.start(town.submit(COUNTING, scenario=grant.scenario, by=other))[0])

    alone = len(before(town, job))
    with town.record.writing() as tx:
        for party in ("acme", "rival"):
            budget.move(tx, Grouping.DEVELOPER, party, to="TWINS", actor="P-adm")

    assert (alone, len(before(town, job))) == (0, 1)


def test_the_release_and_the_offer_are_told_when_asked_for_and_for_bits(town: Town) -> None:
    first = told(town, town.quarantined(COUNTING))
    name = "R-" + first.id.removeprefix("J-")
    found = DIFFERENCING.at(f"row 2, release {name}")
    found = replace(found, reason=replace(found.reason, offer=OFFER))
    second = town.quarantined(REPORTING)
    against = frozenset(ids(town, second))
    moved = town.decided(second, Inspected((replace(block(), findings=(found,)),), against))

    unasked = learned(moved).reasons
    asked = locate(second.id, by=DEVELOPER, record=town.record)

    assert [(each.place, each.offer) for each in unasked] == [("", None)]
    assert isinstance(asked, Told)
    assert (asked.place, asked.offer) == (f"row 2, release {name}", OFFER.said)
    plain = town.decided(town.quarantined(), Inspected((block(),), against))
    cheaper = locate(plain.id, by=DEVELOPER, record=town.record)
    assert isinstance(cheaper, Told)
    assert asked.bits == cheaper.bits + OFFER.bits


def test_a_release_of_nobody_known_is_not_told(town: Town) -> None:
    found = DIFFERENCING.at("row 2, release R-elsewhere")
    job = town.decided(town.quarantined(), Inspected((replace(block(), findings=(found,)),)))

    asked = locate(job.id, by=DEVELOPER, record=town.record)

    assert isinstance(asked, Told)
    assert asked.place == "row 2"


def test_of_a_released_table_with_gaps_the_tried_edit_is_told_when_asked_for(either: Town) -> None:
    gaps = replace(GAPS.at("O3").reason, offer=OFFER)
    job = either.decided(either.quarantined(COUNTING), Inspected((replace(clear(), gaps=gaps),)))
    either.release(job)

    unasked = learned(either.now(job))
    asked = locate(job.id, by=DEVELOPER, record=either.record)

    assert (unasked.state, unasked.reasons) == (JobState.RELEASED, ())
    assert isinstance(asked, Told)
    assert (asked.rule, asked.offer) == ("egress.gaps", OFFER.said)
    assert asked.bits > OFFER.bits
