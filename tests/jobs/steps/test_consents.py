"""Consents are given, withdrawn and listed through channels; the record knows their subjects by marks alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from jobs.errors import ConflictError, NotFoundError, OutOfOrderError
from jobs.grant import GrantState, PartyId, ScenarioId
from jobs.proof import bodies
from jobs.proof.consent import ConsentState, Receipt
from jobs.proof.keys import SigningKey, Suite
from jobs.record import grants, log
from jobs.record.event import Event
from jobs.record.schema import metadata
from jobs.rules.admit import Refused
from jobs.rules.consents import Offer
from jobs.steps.consents import register_channel
from sandbox.asset import AssetId
from tests.jobs.steps.consent_town import CHANNEL, CONSENTED, OTHER, PEOPLE, ConsentTown, mark
from tests.jobs.steps.town import CANARY, NOON, Town

ONE, TWO, *_ = PEOPLE


@pytest.fixture
def people(town: Town) -> ConsentTown:
    return ConsentTown.settled(town)


@pytest.fixture
def both(either: Town) -> ConsentTown:
    return ConsentTown.settled(either)


def rules(answer: Receipt | Refused) -> set[str]:
    assert isinstance(answer, Refused), answer
    for each in answer.reasons:
        assert each.why.zh
        assert each.why.en
        assert each.fix.zh
        assert each.fix.en
        assert CANARY not in repr(each)
    return {each.rule for each in answer.reasons}


def everything(town: Town) -> str:
    """Return all that the record has, in words."""
    with town.record.reading() as tx:
        rows = [tx.rows(select(table)) for table in metadata.sorted_tables]
    return repr(rows)


@pytest.mark.req("G-02")
def test_a_receipt_says_what_was_allowed_and_whom_it_is_about_by_a_mark(both: ConsentTown) -> None:
    receipt = both.give(ONE)

    [own] = both.own(ONE)
    assert own.consent.receipt == receipt
    assert (own.consent.state, own.consent.left, own.uses) == (ConsentState.LIVE, 3, ())
    assert receipt.mark == mark(ONE)
    assert both.town.kinds(receipt.id) == ["consent.given"]


@pytest.mark.req("G-02")
def test_the_record_and_its_log_never_have_the_subjects_own_key(both: ConsentTown) -> None:
    receipt = both.give(ONE)
    both.asked(replace(both.offer(TWO), signature="AA=="))
    both.withdraw(receipt)

    assert CANARY not in everything(both.town)
    with both.town.record.reading() as tx:
        said = repr(log.entries(tx, limit=1000))
    assert mark(ONE) not in said, "nor does the log have its mark"


def test_the_signature_can_be_checked_again_from_the_record_alone(people: ConsentTown) -> None:
    people.give(ONE)

    kept = people.own(ONE)[0].consent.receipt
    assert people.key.public.verifies(kept.signature, bodies.dump(kept.statement).encode())


@pytest.mark.req("G-02")
def test_a_channel_may_sign_with_sm2(town: Town) -> None:
    pytest.importorskip("gmssl_pyx")

    assert ConsentTown.settled(town, Suite.SM2).give(ONE).mark == mark(ONE)


@pytest.mark.req("G-02")
def test_a_forged_signature_is_refused(both: ConsentTown) -> None:
    stranger = replace(both, key=SigningKey.unsaved("stranger"))

    assert rules(both.asked(stranger.offer(ONE))) == {"consent.signature"}
    for broken in ("", "AA==", "not base64"):
        assert rules(both.asked(replace(both.offer(ONE), signature=broken))) == {
            "consent.signature"
        }
    changed = replace(both.offer(ONE).statement, times=4)
    assert rules(both.asked(replace(both.offer(ONE), statement=changed))) == {"consent.signature"}
    assert both.own(ONE) == ()


BAD: dict[str, tuple[dict[str, object], str]] = {
    "another channel": ({"channel": PartyId("bank-app")}, "consent.channel"),
    "an unknown asset": ({"asset": AssetId("NONE")}, "consent.asset"),
    "an unknown scenario": ({"scenario": ScenarioId("SC-9")}, "consent.scenario"),
    "a scenario that does not read by consents": (
        {"scenario": ScenarioId("SC-1")},
        "consent.scenario",
    ),
    "another recipient": ({"recipient": PartyId("rival")}, "consent.recipient"),
    "a column that was not granted": ({"columns": ("state", "card")}, "consent.columns"),
    "no column": ({"columns": ()}, "consent.columns"),
    "a column twice": ({"columns": ("state", "state")}, "consent.columns"),
    "an end before the start": ({"valid_to": NOON - timedelta(days=2)}, "consent.term"),
    "an end that is over": ({"valid_to": NOON}, "consent.term"),
    "no time": ({"times": 0}, "consent.times"),
    "too many times": ({"times": 1_000_001}, "consent.times"),
}


@pytest.mark.req("G-02")
@pytest.mark.parametrize(("changes", "rule"), BAD.values(), ids=BAD)
def test_what_does_not_hold_is_refused(
    people: ConsentTown, changes: dict[str, object], rule: str
) -> None:
    assert rule in rules(people.asked(people.offer(ONE, **changes)))
    assert people.own(ONE) == ()


@pytest.mark.parametrize(
    "broken",
    [
        lambda offer: replace(offer, unit=TWO),
        lambda offer: replace(offer, salt="00"),
        lambda offer: replace(offer, salt="no hex"),
        lambda offer: replace(offer, salt="00" * 32),
    ],
)
def test_a_statement_about_somebody_else_is_refused(
    people: ConsentTown, broken: Callable[[Offer], Offer]
) -> None:
    assert rules(people.asked(broken(people.offer(ONE)))) == {"consent.subject"}


def test_a_channel_without_a_key_and_one_with_another_key_are_refused(people: ConsentTown) -> None:
    assert "consent.channel" in rules(people.asked(people.offer(ONE), by=OTHER))
    with people.town.record.writing() as tx:
        register_channel(tx, CHANNEL.party, SigningKey.unsaved("fresh").public, actor="P-adm")

    assert rules(people.asked(people.offer(ONE))) == {"consent.signature"}


def test_a_scenario_that_was_suspended_takes_no_consents(people: ConsentTown) -> None:
    with people.town.record.writing() as tx:
        grants.move(
            tx, CONSENTED.id, GrantState.SUSPENDED, Event("grant.suspended", CONSENTED.id, "P-adm")
        )

    assert "consent.scenario" in rules(people.asked(people.offer(ONE)))


@pytest.mark.req("G-03")
def test_withdrawing_is_one_call_as_giving_is(both: ConsentTown) -> None:
    receipt = both.give(ONE)

    gone = both.withdraw(receipt)

    assert (gone.consent.state, gone.uses) == (ConsentState.WITHDRAWN, ())
    assert both.town.kinds(receipt.id) == ["consent.given", "consent.withdrawn"]
    with pytest.raises(OutOfOrderError):
        both.withdraw(receipt)


def test_a_withdrawn_statement_is_not_given_again(both: ConsentTown) -> None:
    receipt = both.give(ONE)
    both.withdraw(receipt)

    with pytest.raises(ConflictError):
        both.give(ONE)
    assert both.give(ONE, times=2).id != receipt.id, "the subject confirms another statement"


def test_another_channel_neither_withdraws_nor_sees_a_consent(people: ConsentTown) -> None:
    receipt = people.give(ONE)

    with pytest.raises(NotFoundError):
        people.withdraw(receipt, by=OTHER)
    assert people.own(ONE, by=OTHER) == ()
    assert people.own(TWO) == ()
