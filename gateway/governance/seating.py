"""Who may take which seat of a scenario now, as far as its file alone can say."""

from collections.abc import Iterator

from gateway.governance.duties import Duties
from gateway.governance.parties import Caller
from gateway.governance.scenario import Scenario
from gateway.governance.seats import OPERATOR, SEATS
from gateway.governance.sentences import reason
from sandbox.reason import Reason


def seat_reasons(scenario: Scenario, by: Caller, seat: str) -> tuple[Reason, ...]:
    """Return why this caller cannot take `seat` now; conflicts of duty are asked apart."""
    return tuple(_operator(scenario, by) if seat == OPERATOR else _panel(scenario, by, seat))


def seats_for(scenario: Scenario, by: Caller, duties: Duties) -> tuple[str, ...]:
    """Return the seats that a page may offer this caller; the step asks again."""
    return tuple(
        seat
        for seat in sorted({OPERATOR, *SEATS})
        if duties.may(by.roles, seat) and not seat_reasons(scenario, by, seat)
    )


def _operator(scenario: Scenario, by: Caller) -> Iterator[Reason]:
    if by.party != scenario.operator:
        yield reason("seat.operator", place=OPERATOR)
    if scenario.seats or scenario.state != "with_operator":
        yield reason("seat.taken", place=OPERATOR)


def _panel(scenario: Scenario, by: Caller, seat: str) -> Iterator[Reason]:
    asked = [
        each for each in scenario.seats if each.action == seat and each.party in {None, by.party}
    ]
    if not asked:
        yield reason("seat.not_asked", place=seat)
    elif asked[0] not in scenario.open_seats:
        yield reason("seat.taken", place=seat)
    if any(approval.party == by.party for approval in scenario.approvals):
        yield reason("seat.organisation", place=seat)
