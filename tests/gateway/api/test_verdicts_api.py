from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from gateway.governance.parties import Party, Person, add_party, add_person
from gateway.governance.tokens import issue_token
from jobs.grant import PartyId, PersonId
from jobs.record import holds
from tests.gateway.api.domain import Domain, uscc
from tests.gateway.api.held import HELD, hold
from tests.gateway.api.released import TABLE, digest

SAID: dict[str, Any] = {
    "epoch": HELD.epoch,
    "seat": "verdict_operator",
    "vote": "pass",
    "compliance": "合规",
    "safety": "安全",
    "consistency": "一致",
    "reason": "同意发布",
    "signed": [digest(TABLE)],
}
SECURITY = {**SAID, "seat": "verdict_security"}
SECOND = {**SAID, "seat": "second_security"}


def judge(client: TestClient, said: dict[str, Any]) -> int:
    return post(client, said).status_code


def post(client: TestClient, said: dict[str, Any]) -> Response:
    return client.post(f"/v1/review/{HELD.id}/verdict", json=said)


def spoken(domain: Domain) -> set[tuple[str, str]]:
    with domain.record.reading() as tx:
        given = holds.verdicts(tx, HELD.id, HELD.epoch)
    return {(verdict.seat, verdict.person) for verdict in given}


def rules_of(answer: Response) -> set[str]:
    return {reason["rule"] for reason in answer.json()["reasons"]}


@pytest.mark.req("H-06")
def test_each_seat_gives_its_verdict_over_the_wire(domain: Domain) -> None:
    hold(domain)

    codes = [judge(domain.client("operator"), SAID), judge(domain.client("officer"), SECURITY)]

    assert codes == [200, 200]
    assert spoken(domain) == {("verdict_operator", "operator"), ("verdict_security", "officer")}


@pytest.mark.req("H-07")
@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("officer", SAID),
        ("operator", SECURITY),
        ("other_operator", SECURITY),
        ("other_operator", SECOND),
        ("dev", SAID),
        ("dev", SECURITY),
        ("lead", SECURITY),
        ("auditor", SAID),
        ("reviewer", SECURITY),
    ],
)
def test_nobody_speaks_from_a_seat_without_its_role(
    domain: Domain, who: str, said: dict[str, Any]
) -> None:
    hold(domain)
    judge(domain.client("operator"), SAID)

    answer = post(domain.client(who), said)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:shuyu:problem:role")
    assert spoken(domain) == {("verdict_operator", "operator")}


def test_another_operators_reviewer_does_not_judge_this_ones_jobs(domain: Domain) -> None:
    hold(domain)

    assert judge(domain.client("other_operator"), SAID) == 404
    assert spoken(domain) == set()


@pytest.mark.req("H-06")
def test_security_speaks_after_the_operator(domain: Domain) -> None:
    hold(domain)

    answer = post(domain.client("officer"), SECURITY)

    assert (answer.status_code, rules_of(answer)) == (403, {"review.seat"})
    assert spoken(domain) == set()


@pytest.mark.req("H-07")
def test_whoever_approved_the_scenario_does_not_judge_what_came_of_it(domain: Domain) -> None:
    hold(domain)
    judge(domain.client("operator"), SAID)

    answer = post(domain.client("assessor"), SECURITY)

    assert (answer.status_code, rules_of(answer)) == (403, {"duties.conflict"})
    assert spoken(domain) == {("verdict_operator", "operator")}


@pytest.mark.req("H-07")
@pytest.mark.parametrize("kin", ["P-OP", "P-BANK"])
def test_no_affiliate_of_the_operator_or_the_developer_is_the_security_officer(
    domain: Domain, kin: str
) -> None:
    tied, free = officers_of_other_bodies(domain, kin)
    hold(domain)
    judge(domain.client("operator"), SAID)

    answer = post(domain.stranger(tied), SECURITY)

    assert (answer.status_code, rules_of(answer)) == (403, {"duties.conflict"})
    assert spoken(domain) == {("verdict_operator", "operator")}
    assert judge(domain.stranger(free), SECURITY) == 200


def officers_of_other_bodies(domain: Domain, kin: str) -> tuple[str, str]:
    """Return the token of an officer whose party is tied to `kin`, and of one that is not."""
    record, duties = domain.record, domain.rooms.office.rules.duties
    tokens = []
    for at, ties in enumerate(((PartyId(kin),), ())):
        party, person = PartyId(f"P-TIED{at}"), PersonId(f"tied{at}")
        kind = "implementing_institution"
        named = Party(
            id=party, kind=kind, name_zh=party, name_en=party, uscc=uscc(8 + at), affiliates=ties
        )
        add_party(record, named, by="setup", duties=duties)
        someone = Person(id=person, party=party, name=person, roles=("security_officer",))
        add_person(record, someone, by="setup", duties=duties)
        tokens.append(issue_token(record, person, days=1, by="setup"))
    return tokens[0], tokens[1]


@pytest.mark.parametrize("missing", ["epoch", "seat", "vote", "reason", "signed"])
def test_a_verdict_without_its_parts_is_no_verdict(domain: Domain, missing: str) -> None:
    hold(domain)

    said = {part: value for part, value in SAID.items() if part != missing}
    assert judge(domain.client("operator"), said) == 422
