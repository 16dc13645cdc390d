"""A developer asks about subjects by their keys: the guard stands before it, and the job sees those alone who consent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.errors import ConflictError, NotFoundError
from jobs.grant import PartyId, PersonId, ScenarioId
from jobs.job import Job
from jobs.record import log
from jobs.record.log import Filter
from jobs.rules.admit import Refused
from jobs.steps.ask import ask
from jobs.steps.carry import leaving
from jobs.steps.submit import Submission, Submitter
from sandbox.asset import Digest
from sandbox.order import OpenedView
from tests.jobs.steps.consent_town import CONSENTED, MARK_KEY, PEOPLE, SCORING, ConsentTown, mark
from tests.jobs.steps.test_consents import everything
from tests.jobs.steps.town import CANARY, DEVELOPER, Town

ONE, TWO, THREE, FOUR = PEOPLE
STRANGERS = tuple(f"{CANARY}-{number * number * 7919}" for number in range(30))


@pytest.fixture
def people(town: Town) -> ConsentTown:
    return ConsentTown.settled(town)


@pytest.fixture
def both(either: Town) -> ConsentTown:
    return ConsentTown.settled(either)


def asked(people: ConsentTown, *units: str, scenario: str = CONSENTED.scenario) -> Digest | Refused:
    return ask(units, ScenarioId(scenario), by=DEVELOPER, key=MARK_KEY, record=people.town.record)


def rules(answer: Digest | Refused) -> list[str]:
    assert isinstance(answer, Refused), answer
    assert CANARY not in repr(answer)
    return [each.rule for each in answer.reasons]


def job_about(people: ConsentTown, *units: str) -> tuple[Job, tuple[str, ...]]:
    digest = asked(people, *units)
    assert isinstance(digest, str), digest
    submission = Submission(scenario=CONSENTED.scenario, work=SCORING, asked=digest)
    job, order = people.town.start(people.town.ask(submission))
    assert order is not None
    [view] = order.views
    assert isinstance(view, OpenedView)
    return job, view.live


@pytest.mark.req("H-08")
def test_the_job_sees_of_those_asked_about_the_ones_who_consent(both: ConsentTown) -> None:
    both.give(ONE)
    both.give(TWO)

    job, seen = job_about(both, THREE, TWO)

    assert seen == (mark(TWO),)
    with both.town.record.reading() as tx:
        assert leaving(tx, job, ()).asked == (mark(THREE), mark(TWO)), "in the order asked"


@pytest.mark.req("H-08")
def test_a_walk_is_refused_counted_and_noted_without_a_key(both: ConsentTown) -> None:
    walk = tuple(f"{CANARY}-{number:06}" for number in range(64))

    assert rules(asked(both, *walk)) == ["ask.sequential", "ask.hits"]

    with both.town.record.reading() as tx:
        [noted] = [each.event for each in log.entries(tx, only=Filter(kind="ask.refused"))]
    assert noted.facts == {
        "asked": 64,
        "today": 64,
        "scenario": CONSENTED.scenario,
        "rules": "ask.hits,ask.sequential",
    }
    assert CANARY not in everything(both.town)


@pytest.mark.req("H-08")
def test_who_asks_about_many_that_do_not_consent_is_stopped_for_the_day(both: ConsentTown) -> None:
    both.give(ONE)
    assert isinstance(asked(both, *STRANGERS[:19]), str)

    assert rules(asked(both, ONE)) == ["ask.hits"]

    both.town.clock.now += timedelta(days=1)
    assert isinstance(asked(both, ONE), str)


def test_a_key_that_no_asset_has_and_a_scenario_without_consents_are_refused(
    people: ConsentTown,
) -> None:
    assert rules(asked(people, " ")) == ["consent.unit"]
    assert rules(asked(people, ONE, scenario="SC-1")) == ["consent.scenario"]
    with pytest.raises(NotFoundError):
        asked(people, ONE, scenario="SC-9")
    rival = Submitter(person=PersonId("P-rival"), party=PartyId("rival"))
    with pytest.raises(NotFoundError):
        ask((ONE,), CONSENTED.scenario, by=rival, key=MARK_KEY, record=people.town.record)


def test_a_job_that_asked_about_nobody_is_not_guarded(people: ConsentTown) -> None:
    people.give(ONE)
    job, _ = people.started()

    with people.town.record.reading() as tx:
        assert leaving(tx, job, ()).asked == ()


def test_what_a_job_asks_is_part_of_its_idempotency_key(people: ConsentTown) -> None:
    first = Submission(scenario=CONSENTED.scenario, work=SCORING, key="k")
    people.town.ask(first)

    digest = asked(people, ONE)
    assert isinstance(digest, str)
    with pytest.raises(ConflictError):
        people.town.ask(replace(first, asked=digest))
