"""Who must judge a held output, who may, who sees what was said, and whether all have spoken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs.grant import Grant, PartyId, PersonId
from jobs.release import Seat, SeatVerdict, Vote
from sandbox.reason import Reason, Said

_TWO_OFFICERS = 2


@dataclass(frozen=True, slots=True)
class Waiting:
    """These seats have not spoken yet; silence is never a yes."""

    seats: tuple[Seat, ...]


@dataclass(frozen=True, slots=True)
class Agreed:
    """Every seat that the grant asks for has passed it."""


@dataclass(frozen=True, slots=True)
class Vetoed:
    """One seat has blocked it, and none still waits that is to judge without knowing."""

    by: Seat


Quorum = Waiting | Agreed | Vetoed


def seats_of(grant: Grant) -> tuple[Seat, ...]:
    """Return the seats that must speak: the operator's first, the officers' in any order (Shanghai art. 23)."""
    two = grant.security_officers >= _TWO_OFFICERS
    return (Seat.OPERATOR, Seat.SECURITY, *((Seat.SECOND_SECURITY,) if two else ()))


def quorum(grant: Grant, verdicts: Sequence[SeatVerdict]) -> Quorum:
    """Say whether the seats have agreed, one has vetoed, or some still wait.

    One block is enough, whatever the others say; but an officer's is opened only once the other has
    spoken, because a job that ended would tell what was said: see docs/decisions/blind-votes.md.
    """
    spoken = {verdict.seat for verdict in verdicts}
    waiting = tuple(seat for seat in seats_of(grant) if seat not in spoken)
    for verdict in verdicts:
        if verdict.vote is Vote.BLOCK and (verdict.seat is Seat.OPERATOR or not waiting):
            return Vetoed(verdict.seat)
    return Waiting(waiting) if waiting else Agreed()


def heard_by(person: PersonId, verdicts: Sequence[SeatVerdict]) -> tuple[SeatVerdict, ...]:
    """Return what this person may know of the verdicts: all once it has spoken itself, none before."""
    spoke = any(verdict.person == person for verdict in verdicts)
    return tuple(verdicts) if spoke else ()


def may_sit(
    seat: Seat, *, person: PersonId, party: PartyId, grant: Grant, earlier: Sequence[SeatVerdict]
) -> tuple[Reason, ...]:
    """Return every reason why this person may not take this seat for a job of `grant`."""
    spoken = {verdict.seat for verdict in earlier}
    return (
        *_who(seat, person, party, grant=grant, earlier=earlier),
        *_when(seat, spoken, grant),
    )


def _who(
    seat: Seat, person: PersonId, party: PartyId, *, grant: Grant, earlier: Sequence[SeatVerdict]
) -> Iterator[Reason]:
    if party == grant.developer:
        yield _no("开发主体不得审核自己的输出", "a developer entity may not judge its own output")
    if any(verdict.person == person for verdict in earlier):
        yield _no("同一人不得占两个席位", "one person may not take two seats")
    if seat is Seat.OPERATOR and party != grant.operator:
        yield _no("该席位属于本场景的运营机构", "that seat belongs to the scenario's operator")
    if seat is not Seat.OPERATOR and party == grant.operator:
        yield _no(
            "出域安全审核员须来自运营机构之外",
            "a security officer must be of another organisation than the operator",
        )


def _when(seat: Seat, spoken: set[Seat], grant: Grant) -> Iterator[Reason]:
    asked = seats_of(grant)
    if seat not in asked:
        yield _no("该输出不需要此席位", "this output does not ask for that seat")
    elif seat in spoken:
        yield _no("该席位已作出结论", "that seat has spoken already")
    elif seat is not Seat.OPERATOR and Seat.OPERATOR not in spoken:
        yield _no("须先由运营机构作出结论", "the operator's seat speaks first")


def _no(zh: str, en: str) -> Reason:
    return Reason(
        rule="review.seat",
        why=Said(zh=zh, en=en),
        fix=Said(zh="由符合条件的人员审核", en="let a person who may take the seat judge it"),
        clause="Shanghai art. 23",
    )
