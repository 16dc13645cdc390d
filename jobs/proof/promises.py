"""The promises of a release: what its certificate must show for it to have been allowed."""

import re
from collections.abc import Callable
from fractions import Fraction

from jobs.errors import RecordBrokenError
from jobs.grant import Grant
from jobs.proof.statement import CertificateFacts, SeatSigned
from jobs.release import Seat, Vote
from sandbox.asset import Digest
from sandbox.order import SERVED, OutputName, ReleaseClass

APPROVING = frozenset({"approve_scenario_implementer", "approve_scenario_provider"})
"""The seats without which no scenario is approved."""
CLEARED, HELD = "cleared", "held"
TWO_OFFICERS = 2
_NUMBER = re.compile(r"[0-9]{1,64}(/[0-9]{1,64})?", re.ASCII)
_STRICTNESS = tuple(ReleaseClass)
"""A release is of the strictest class that one of its outputs was granted under."""


def _demand(fulfilled: object, otherwise: str) -> None:
    if not fulfilled:
        raise RecordBrokenError(otherwise)


def terms(facts: CertificateFacts) -> None:
    """Demand that the release lies within its grant: developer, outputs, class, data, image."""
    grant = facts.grant.grant
    _demand(facts.developer == grant.developer, "another developer than the grant's")
    strictest = max(_declared(facts).values(), key=_STRICTNESS.index)
    _demand(facts.release_class is strictest, "its outputs were granted under another class")
    _demand(facts.inputs, "it names no data that was read")
    for read in facts.inputs:
        view = grant.view(read.asset)
        _demand(view and view.snapshot == read.snapshot, f"asset {read.asset} is not in the grant")
    _demand(facts.image is None or facts.image in grant.images, "the image is not in the grant")


def approvals(facts: CertificateFacts) -> None:
    """Demand that every seat approved the scenario, none of them the developer's own."""
    given = facts.grant.grant.approvals
    missing = APPROVING - {approval.seat for approval in given}
    _demand(not missing, f"not approved by {', '.join(sorted(missing))}")
    people = {approval.person for approval in given}
    _demand(len(people) == len(given), "one person approved from two seats")
    _demand(
        all(approval.party != facts.developer for approval in given),
        "the developer's own organisation approved it",
    )


def checks(facts: CertificateFacts) -> None:
    """Demand that the filter judged every file, and held all that only people may let out."""
    _demand(
        sorted(check.output for check in facts.checks) == sorted(file.name for file in facts.files),
        "not every released file was checked once",
    )
    declared = _declared(facts)
    unserved = {
        terms.name
        for terms in facts.grant.grant.outputs
        if terms.release is ReleaseClass.CONSENTED and terms.form not in SERVED
    }
    for check in facts.checks:
        signed = declared[check.output] is ReleaseClass.REVIEWED or check.output in unserved
        allowed = {HELD} if signed else {CLEARED, HELD}
        _demand(check.verdict in allowed, f"output {check.output} was not let out by the filter")


def seats(facts: CertificateFacts) -> None:
    """Demand that every seat passed every held file, each having signed its very bytes."""
    held = _held(facts)
    if not held:
        return
    given = {signed.seat: signed for signed in facts.seats}
    _demand(len(given) == len(facts.seats), "one seat spoke twice")
    for seat in _needed(facts.grant.grant):
        _demand(seat in given, f"{seat} has not signed")
    for signed in given.values():
        _seat_passed(signed, held, facts)
    _apart(given)


def privacy(facts: CertificateFacts) -> None:
    """Demand that a `dp` output states its cost, within the grant's bound for one release."""
    if ReleaseClass.DP not in _declared(facts).values():
        _demand(facts.privacy is None, "a privacy cost is stated for a release that has none")
        return
    cost = facts.privacy
    if cost is None:
        raise RecordBrokenError("no privacy cost is stated")
    try:
        epsilon = Fraction(cost.epsilon) if _NUMBER.fullmatch(cost.epsilon) else Fraction()
    except ZeroDivisionError:
        epsilon = Fraction()
    _demand(
        cost.rho > 0 and cost.scopes and epsilon > 0,
        "the privacy cost charges nothing, or is no number",
    )
    bound = facts.grant.grant.epsilon_per_release
    _demand(epsilon <= bound, "the epsilon is above the grant's bound for one release")


PROMISES: tuple[tuple[str, Callable[[CertificateFacts], None]], ...] = (
    ("terms", terms),
    ("approvals", approvals),
    ("checks", checks),
    ("seats", seats),
    ("privacy", privacy),
)
"""In the order in which a certificate is held against them."""


def _declared(facts: CertificateFacts) -> dict[OutputName, ReleaseClass]:
    granted = {terms.name: terms.release for terms in facts.grant.grant.outputs}
    strange = sorted({file.name for file in facts.files} - set(granted))
    _demand(not strange, f"not in the grant: output {', '.join(strange)}")
    return {file.name: granted[file.name] for file in facts.files}


def _held(facts: CertificateFacts) -> dict[OutputName, Digest]:
    names = {check.output for check in facts.checks if check.verdict == HELD}
    return {file.name: file.digest for file in facts.files if file.name in names}


def _needed(grant: Grant) -> tuple[Seat, ...]:
    if grant.security_officers >= TWO_OFFICERS:
        return (Seat.OPERATOR, Seat.SECURITY, Seat.SECOND_SECURITY)
    return (Seat.OPERATOR, Seat.SECURITY)


def _seat_passed(
    signed: SeatSigned, held: dict[OutputName, Digest], facts: CertificateFacts
) -> None:
    _demand(signed.vote is Vote.PASS, f"{signed.seat} did not pass it")
    _demand(signed.party != facts.developer, f"{signed.seat} is of the developer's organisation")
    unseen = [name for name, digest in held.items() if digest not in signed.signed]
    _demand(not unseen, f"{signed.seat} signed other bytes than those of {', '.join(unseen)}")


def _apart(given: dict[Seat, SeatSigned]) -> None:
    operator = given[Seat.OPERATOR]
    officers = [signed for seat, signed in given.items() if seat is not Seat.OPERATOR]
    _demand(
        all(officer.party != operator.party for officer in officers),
        "operator and security officer are of one organisation",
    )
    people = {signed.person for signed in given.values()}
    _demand(len(people) == len(given), "one person sat on two seats")
