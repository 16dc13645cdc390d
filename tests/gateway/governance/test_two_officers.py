"""How many security officers a grant asks for, and whom they must not share: data and rulebook decide."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from gateway.governance.errors import RulebookError, SeatRefusedError
from gateway.governance.parties import Caller, Party, Person, add_party, add_person
from gateway.governance.rulebook import load_rulebooks
from gateway.governance.rules import REGULATION, Rules
from gateway.governance.verdicts import barred, give
from jobs.grant import PartyId, PersonId
from jobs.job import Job, JobState
from jobs.record import jobs
from jobs.release import Seat, SeatVerdict, Vote
from sandbox.asset import Grade
from tests.gateway.api.domain import NOON, Domain, Template, uscc
from tests.gateway.api.held import HELD, hold_important
from tests.gateway.api.released import TABLE, digest
from tests.gateway.governance.test_compiled import compiled
from tests.gateway.governance.town import loan_asset, loan_plan


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.make(tmp_path_factory.mktemp("template"))


@pytest.fixture
def domain(tmp_path: Path, template: Template) -> Iterator[Domain]:
    made = template.copied(tmp_path)
    yield made
    made.record.close()


def saying(rules: Rules, **values: object) -> Rules:
    """Return the regulation with other values in every rulebook."""
    books = {
        name: replace(
            book,
            rules=MappingProxyType(
                {
                    key: replace(rule, value=values.get(key.rpartition(".")[2], rule.value))
                    for key, rule in book.rules.items()
                }
            ),
        )
        for name, book in rules.rulebooks.items()
    }
    return replace(rules, rulebooks=MappingProxyType(books))


@pytest.mark.req("H-07")
@pytest.mark.parametrize(
    ("grade", "floor", "officers"),
    [(Grade.L2, 1, 1), (Grade.L2, 2, 2), (Grade.L4, 1, 2), (Grade.IMPORTANT, 1, 2)],
)
def test_an_assets_grade_sets_the_officers_and_the_rulebook_is_the_floor(
    rules: Rules, grade: Grade, floor: int, officers: int
) -> None:
    asset = replace(loan_asset(), grade=grade)

    grant = compiled(saying(rules, security_officers=floor), loan_plan(), asset)

    assert grant.security_officers == officers


@pytest.mark.parametrize(
    "stated", ["review.security_officers: {v: 3}", "review.officers_apart: {v: no}"]
)
def test_a_rulebook_cannot_ask_for_seats_that_there_are_not(tmp_path: Path, stated: str) -> None:
    for book in (REGULATION / "rulebooks").glob("*.yaml"):
        (tmp_path / book.name).write_text(book.read_text("utf-8"), "utf-8")
    town = "id: town\nname_zh: 镇\nstatus: in_force\ninherits: shanghai\nrules:\n"
    (tmp_path / "town.yaml").write_text(f"{town}  {stated}\n", "utf-8")

    with pytest.raises(RulebookError, match=r"relaxes an invariant: review\."):
        load_rulebooks(tmp_path)


def officer(domain: Domain, number: int, *, affiliates: tuple[PartyId, ...] = ()) -> Caller:
    """Enter a security officer of another implementing institution."""
    record, duties = domain.record, domain.rooms.office.rules.duties
    kind, party, name = "implementing_institution", PartyId(f"P-SISTER{number}"), f"sister{number}"
    body = Party(
        id=party, kind=kind, name_zh=name, name_en=name, uscc=uscc(number), affiliates=affiliates
    )
    add_party(record, body, by="setup", duties=duties)
    roles = ("security_officer",)
    someone = Person(id=PersonId(name), party=party, name=name, roles=roles)
    add_person(record, someone, by="setup", duties=duties)
    return Caller(person=someone.id, party=party, party_kind=kind, roles=frozenset(roles))


def caller(who: str, party: str, role: str) -> Caller:
    return Caller(
        person=PersonId(who), party=PartyId(party), party_kind="", roles=frozenset({role})
    )


def says(domain: Domain, by: Caller, seat: Seat, *, apart: str = "person") -> Job:
    said = SeatVerdict(
        job=HELD.id,
        epoch=HELD.epoch,
        seat=seat,
        person=by.person,
        party=by.party,
        vote=Vote.PASS,
        compliance="合规",
        safety="安全",
        consistency="一致",
        reason="同意",
        signed=(digest(TABLE),),
        at=NOON,
    )
    office = domain.rooms.office
    return give(replace(office, rules=saying(office.rules, officers_apart=apart)), said, by=by)


OPERATOR = caller("operator", "P-OP", "operator_reviewer")
OFFICER = caller("officer", "P-IMPL", "security_officer")


@pytest.mark.req("H-07")
@pytest.mark.parametrize("order", [1, -1])
def test_two_officers_of_two_organisations_judge_important_data_in_any_order(
    domain: Domain, order: int
) -> None:
    hold_important(domain)
    seats = [(OFFICER, Seat.SECURITY), (officer(domain, 8), Seat.SECOND_SECURITY)][::order]
    says(domain, OPERATOR, Seat.OPERATOR)

    states = [says(domain, by, seat, apart="organisation").state for by, seat in seats]

    assert states == [JobState.HELD, JobState.APPROVED]


@pytest.mark.req("H-07")
@pytest.mark.parametrize("affiliates", [("P-IMPL",), ()])
def test_a_rulebook_may_ask_that_two_officers_share_no_organisation_nor_a_tie(
    domain: Domain, affiliates: tuple[PartyId, ...]
) -> None:
    hold_important(domain)
    kin = (
        officer(domain, 8, affiliates=affiliates)
        if affiliates
        else replace(OFFICER, person=PersonId("officer2"))
    )
    says(domain, OPERATOR, Seat.OPERATOR)
    says(domain, OFFICER, Seat.SECURITY)

    with pytest.raises(SeatRefusedError) as refused:
        says(domain, kin, Seat.SECOND_SECURITY, apart="organisation")

    assert [each.rule for each in refused.value.reasons] == ["seat.organisation"]
    assert says(domain, kin, Seat.SECOND_SECURITY).state is JobState.APPROVED


@pytest.mark.req("H-07")
def test_under_a_rulebook_that_is_not_known_the_stricter_rule_holds(domain: Domain) -> None:
    hold_important(domain)
    says(domain, OPERATOR, Seat.OPERATOR)
    says(domain, OFFICER, Seat.SECURITY)
    office = domain.rooms.office
    unknown = replace(office.rules, rulebooks=MappingProxyType({}))

    with domain.record.reading() as tx:
        job = jobs.get(tx, HELD.id)
        twin = replace(OFFICER, person=PersonId("officer2"))
        found = barred(tx, unknown, twin, job=job, seat=Seat.SECOND_SECURITY)

    assert [each.rule for each in found] == ["seat.organisation"]
