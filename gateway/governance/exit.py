"""How an asset or a scenario leaves the domain: by two people's word, with everything that was made of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.governance.errors import RoleError, SeatRefusedError
from gateway.governance.office import MAX_OPINION, Filed, Office, noted, put_back, unlocked
from gateway.governance.parties import Caller
from gateway.governance.rulebook import Rulebook
from gateway.governance.scenario import Decision
from gateway.governance.sentences import reason
from jobs.grant import ScenarioId
from jobs.proof.destruction import Signer
from jobs.record import documents, grants
from jobs.record.database import Reading, Record, Writing
from jobs.steps.destroy import Order, Plan, begin
from jobs.steps.inventory import Site, Target, survey
from jobs.steps.retention import Terms, set_terms

EXECUTE, CERTIFY = "execute_deletion", "certify_deletion"
"""What the two do, as actions of the duties table."""
_REVOKE = "revoke"
_RUNNING = ("active", "suspended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """The two people without whom nothing is destroyed."""

    admin: Caller
    """Who has it destroyed."""
    auditor: Caller
    """Another person, who answers for the certificate."""


def destroy(office: Office, site: Site, target: Target, two: Two, *, why: str) -> Plan:
    """Begin the destruction: scenarios, grants and jobs end, and the plan stands in the record.

    Raises `RoleError`, `SeatRefusedError` for one person in both places or a reason that is missing,
    `NotFoundError`, `ConflictError` where it has begun, and `LegalHoldError`.
    """
    _demand_two(office, two, why)
    seen = survey(site, target)
    order = Order(
        domain=office.key.public.name.rpartition("/")[0],
        target=target,
        reason=why,
        by=Signer(person=two.admin.person, party=two.admin.party),
        certified_by=Signer(person=two.auditor.person, party=two.auditor.party),
    )
    with office.record.writing() as tx:
        plan = begin(tx, order, seen)
        for filed in _running(tx, target):
            _end(tx, office, filed, two.admin, why)
    return plan


def strictest(rulebooks: Iterable[Rulebook]) -> Terms:
    """Return the longest time that any of the rulebooks has things kept."""
    books = tuple(rulebooks)
    return Terms(
        log_months=max(book.whole("retention.network_log_months") for book in books),
        pi_years=max(book.whole("retention.pi_processing_record_years") for book in books),
        exit_months=max(_exit_months(book) for book in books),
    )


def publish_terms(record: Record, terms: Terms, *, actor: str = "system") -> None:
    """Put into the record how long things are kept, so that the worker's sweep keeps to it."""
    with record.writing() as tx:
        set_terms(tx, terms, actor=actor)


def _exit_months(book: Rulebook) -> int:
    rule = book.rules.get("exit.delete_and_hold")
    months = rule.value.get("log_months", 0) if rule is not None else 0
    return max(int(months), book.whole("retention.network_log_months"))


def _demand_two(office: Office, two: Two, why: str) -> None:
    for caller, action in ((two.admin, EXECUTE), (two.auditor, CERTIFY)):
        office.demand_role(caller, action)
    if two.admin.person == two.auditor.person:
        raise RoleError("who has it destroyed and who certifies it are two people")
    if not why.strip() or len(why) > MAX_OPINION:
        raise SeatRefusedError((reason("seat.opinion", place="reason", most=MAX_OPINION),))


def _running(tx: Reading, target: Target) -> Iterator[Filed]:
    """Yield every scenario that the destruction ends, and that was running until now."""
    ended = {each.signed.grant.scenario for each in grants.listed(tx) if target.covers(each)}
    for state in _RUNNING:
        for paper in documents.listed(tx, "scenario", state=state):
            if paper.id in ended:
                yield unlocked(tx, ScenarioId(paper.id))


def _end(tx: Writing, office: Office, filed: Filed, by: Caller, why: str) -> None:
    was = filed.scenario
    decided = Decision(
        event=_REVOKE,
        action=EXECUTE,
        person=by.person,
        party=by.party,
        at=tx.now,
        opinion=why,
        plan=was.digest,
        rulebook=was.rulebook,
    )
    after = replace(was.moved(office.rules.scenario, _REVOKE).decided(decided), reasons=())
    put_back(tx, filed, after, noted("revoked", after, decided))
