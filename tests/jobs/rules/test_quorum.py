from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.grant import Grant, PartyId, PersonId
from jobs.release import Seat, SeatVerdict, Vote
from jobs.rules.quorum import (
    Agreed,
    Vetoed,
    Waiting,
    heard_by,
    may_sit,
    quorum,
    seats_of,
)
from tests.jobs.record import examples
from tests.jobs.record.examples import FILE as RELEASED
from tests.jobs.record.examples import GRANT

TWO_OFFICERS = replace(GRANT, security_officers=2)
PARTIES = ("acme", "operator", "bureau", "institution")
CLAUSE = "Shanghai art. 23"


def spoken(seat: Seat, person: str, party: str, vote: Vote = Vote.PASS) -> SeatVerdict:
    word = examples.verdict(seat, party, digest=RELEASED.digest, vote=vote)
    return replace(word, person=PersonId(person))


OPERATOR = spoken(Seat.OPERATOR, "P-op", "operator")
OFFICER = spoken(Seat.SECURITY, "P-sec", "bureau")
SECOND = spoken(Seat.SECOND_SECURITY, "P-sec2", "bureau")

FORBIDDEN = [
    ("own output", Seat.OPERATOR, "P-dev", "acme", (), "may not judge its own output"),
    ("own output", Seat.SECURITY, "P-dev2", "acme", (OPERATOR,), "may not judge its own output"),
    ("strange operator", Seat.OPERATOR, "P-x", "bureau", (), "belongs to the scenario's operator"),
    ("one organisation", Seat.SECURITY, "P-op2", "operator", (OPERATOR,), "another organisation"),
    ("one person", Seat.SECURITY, "P-op", "bureau", (OPERATOR,), "may not take two seats"),
    ("too early", Seat.SECURITY, "P-sec", "bureau", (), "the operator's seat speaks first"),
    ("twice", Seat.OPERATOR, "P-op2", "operator", (OPERATOR,), "has spoken already"),
    ("unasked", Seat.SECOND_SECURITY, "P-s", "bureau", (OPERATOR, OFFICER), "does not ask for"),
]


@pytest.mark.req("H-07")
@pytest.mark.parametrize(
    ("seat", "person", "party", "earlier", "why"),
    [case[1:] for case in FORBIDDEN],
    ids=[f"{case[0]}-{case[1]}" for case in FORBIDDEN],
)
def test_a_forbidden_pair_is_told_why_and_by_which_clause(
    seat: Seat, person: str, party: str, earlier: tuple[SeatVerdict, ...], why: str
) -> None:
    barred = may_sit(
        seat, person=PersonId(person), party=PartyId(party), grant=GRANT, earlier=earlier
    )

    (told,) = (reason for reason in barred if why in reason.why.en)
    assert told.clause == CLAUSE
    assert all((told.why.zh, told.fix.zh, told.fix.en))


@pytest.mark.req("H-07")
@pytest.mark.parametrize(
    ("person", "allowed"), [("P-sec", False), ("P-op", False), ("P-sec2", True)]
)
def test_important_data_needs_two_officers_who_are_two_people(
    person: str, *, allowed: bool
) -> None:
    barred = may_sit(
        Seat.SECOND_SECURITY,
        person=PersonId(person),
        party=PartyId("bureau"),
        grant=TWO_OFFICERS,
        earlier=(OPERATOR, OFFICER),
    )

    assert (not barred) is allowed


@pytest.mark.req("H-14")
@pytest.mark.parametrize(
    ("grant", "words", "answer"),
    [
        (GRANT, (), Waiting((Seat.OPERATOR, Seat.SECURITY))),
        (GRANT, (OPERATOR,), Waiting((Seat.SECURITY,))),
        (GRANT, (OPERATOR, OFFICER), Agreed()),
        (TWO_OFFICERS, (OPERATOR, OFFICER), Waiting((Seat.SECOND_SECURITY,))),
        (TWO_OFFICERS, (OPERATOR, OFFICER, SECOND), Agreed()),
        (GRANT, (replace(OPERATOR, vote=Vote.BLOCK),), Vetoed(Seat.OPERATOR)),
        (GRANT, (OPERATOR, replace(OFFICER, vote=Vote.BLOCK)), Vetoed(Seat.SECURITY)),
        (TWO_OFFICERS, (replace(OPERATOR, vote=Vote.BLOCK),), Vetoed(Seat.OPERATOR)),
        (TWO_OFFICERS, (OPERATOR, SECOND), Waiting((Seat.SECURITY,))),
        (TWO_OFFICERS, (SECOND, OPERATOR, OFFICER), Agreed()),
        (TWO_OFFICERS, (OPERATOR, replace(OFFICER, vote=Vote.BLOCK), SECOND), Vetoed(OFFICER.seat)),
        (TWO_OFFICERS, (OPERATOR, OFFICER, replace(SECOND, vote=Vote.BLOCK)), Vetoed(SECOND.seat)),
    ],
)
def test_silence_is_never_a_yes_and_one_block_is_a_no(
    grant: Grant, words: tuple[SeatVerdict, ...], answer: Waiting | Agreed | Vetoed
) -> None:
    assert quorum(grant, words) == answer


@pytest.mark.req("H-07")
@pytest.mark.parametrize("vote", Vote)
def test_what_the_first_officer_said_ends_nothing_before_the_second_has_spoken(vote: Vote) -> None:
    first = replace(OFFICER, vote=vote)

    assert quorum(TWO_OFFICERS, (OPERATOR, first)) == Waiting((Seat.SECOND_SECURITY,))


@pytest.mark.req("H-07")
def test_two_officers_sit_in_any_order_and_neither_before_the_operator() -> None:
    def barred(*earlier: SeatVerdict) -> tuple[str, ...]:
        found = may_sit(
            SECOND.seat,
            person=SECOND.person,
            party=SECOND.party,
            grant=TWO_OFFICERS,
            earlier=earlier,
        )
        return tuple(reason.why.en for reason in found)

    assert barred() == ("the operator's seat speaks first",)
    assert barred(OPERATOR) == barred(OPERATOR, OFFICER) == ()


@pytest.mark.req("H-07")
@pytest.mark.parametrize(("person", "heard"), [("P-sec2", ()), ("P-op", (OPERATOR, OFFICER))])
def test_who_has_spoken_hears_all_and_who_has_not_hears_nothing(
    person: str, heard: tuple[SeatVerdict, ...]
) -> None:
    assert heard_by(PersonId(person), [OPERATOR, OFFICER]) == heard


@pytest.mark.req("N-04")
@given(
    st.sampled_from([GRANT, TWO_OFFICERS]),
    st.lists(
        st.builds(
            spoken,
            st.sampled_from(Seat),
            st.sampled_from(["P-1", "P-2", "P-3", "P-4"]),
            st.sampled_from(PARTIES),
            st.sampled_from([Vote.PASS, Vote.PASS, Vote.PASS, Vote.BLOCK]),
        ),
        max_size=30,
    ),
)
def test_whoever_asks_in_whatever_order_agreement_is_of_different_people_and_organisations(
    grant: Grant, asking: list[SeatVerdict]
) -> None:
    heard: list[SeatVerdict] = []
    for word in asking:
        if isinstance(quorum(grant, heard), Waiting) and not may_sit(
            word.seat, person=word.person, party=word.party, grant=grant, earlier=heard
        ):
            heard.append(word)

    assert all(word.party != grant.developer for word in heard)
    if isinstance(quorum(grant, heard), Agreed):
        operator, *officers = heard
        assert operator.seat is Seat.OPERATOR
        assert {word.seat for word in heard} == set(seats_of(grant))
        assert len(heard) == len(seats_of(grant))
        assert all(word.vote is Vote.PASS for word in heard)
        assert len({word.person for word in heard}) == len(heard)
        assert operator.party == grant.operator
        assert all(officer.party != grant.operator for officer in officers)
