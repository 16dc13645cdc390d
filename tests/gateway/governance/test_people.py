"""Parties, people and credentials."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.governance.assets import catalogue, register, registered
from gateway.governance.errors import (
    ExpiredTokenError,
    IneligibleError,
    RevokedTokenError,
    TokenError,
    UnknownTokenError,
)
from gateway.governance.parties import (
    Party,
    Person,
    add_party,
    add_person,
    affiliates,
    people,
    uscc_is_sound,
)
from gateway.governance.tokens import (
    caller,
    close_session,
    credentials,
    issue_token,
    open_session,
    revoke_token,
    session_caller,
    token_id,
)
from jobs.errors import ConflictError, NotFoundError
from jobs.grant import PartyId, PersonId
from jobs.record.database import Record
from jobs.record.documents import get
from jobs.record.log import entries
from sandbox.asset import AssetId, Grade
from tests.gateway.governance.town import PARTIES, Clock, Town, loan_asset

DEV = PersonId("u-bank-dev")
SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def party(name: str, **changes: object) -> Party:
    word = Party(
        id=PartyId(name), kind="developer", name_zh="某行", name_en="A bank", uscc=PARTIES[0][3]
    )
    return replace(word, **changes)  # type: ignore[arg-type]


@pytest.mark.req("A-01")
@given(at=st.integers(0, 17), sign=st.sampled_from(SIGNS))
def test_any_one_wrong_character_of_a_credit_code_is_found(at: int, sign: str) -> None:
    sound = "91310000MA1FL0000N"

    changed = sound[:at] + sign + sound[at + 1 :]

    assert uscc_is_sound(changed) == (changed == sound)


def test_a_published_credit_code_is_sound_and_odd_digits_are_not() -> None:
    assert uscc_is_sound("91350100M000100Y43")  # the worked example of GB 32100-2015
    assert not uscc_is_sound("９１350100M000100Y43")
    assert not uscc_is_sound("91350100M000100Y4\n")


@pytest.mark.req("A-01")
@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"kind": "wizard"}, "party.kind"),
        ({"uscc": "91310000MA1FL0000X"}, "party.uscc"),
        ({"name_zh": " "}, "party.name"),
        ({"id": "P 1"}, "party.id"),
    ],
)
def test_a_party_that_is_not_in_order_is_not_entered(
    town: Town, changes: dict[str, object], rule: str
) -> None:
    with pytest.raises(IneligibleError) as refused:
        add_party(
            town.office.record,
            party("P-NEW", **changes),
            by="init",
            duties=town.office.rules.duties,
        )

    assert [each.rule for each in refused.value.reasons] == [rule]


@pytest.mark.req("A-01")
@pytest.mark.parametrize(
    ("where", "roles", "rule"),
    [
        ("P-BANK", ("security_officer",), "person.role"),
        ("P-OP", ("developer_user",), "person.role"),
        ("P-IMPL", ("archmage",), "person.role"),
        ("P-IMPL", (), "person.roles"),
        ("P-IMPL", ("security_officer", "domain_admin"), "person.key_positions"),
        ("P-IMPL", ("key_custodian", "auditor"), "person.key_positions"),
    ],
)
def test_a_person_whose_roles_do_not_fit_is_not_entered(
    town: Town, where: str, roles: tuple[str, ...], rule: str
) -> None:
    person = Person(id=PersonId("u-new"), party=PartyId(where), name="某人", roles=roles)

    with pytest.raises(IneligibleError) as refused:
        add_person(town.office.record, person, by="init", duties=town.office.rules.duties)

    assert rule in {each.rule for each in refused.value.reasons}


def test_a_taken_id_or_an_unknown_party_is_an_error(town: Town) -> None:
    duties, record = town.office.rules.duties, town.office.record
    stray = Person(id=PersonId("u-x"), party=PartyId("P-X"), name="x", roles=("auditor",))

    with pytest.raises(ConflictError):
        add_party(record, party("P-BANK"), by="init", duties=duties)
    with pytest.raises(NotFoundError):
        add_person(record, stray, by="init", duties=duties)
    with record.reading() as tx:
        assert "u-x" not in {each.id for each in people(tx)}


def test_ties_between_organisations_are_followed_both_ways_and_all_the_way() -> None:
    a, b, c = PartyId("A"), PartyId("B"), PartyId("C")
    known = [party("A", affiliates=(b,)), party("B"), party("C", affiliates=(b,)), party("D")]

    assert affiliates(known, "A") == {b, c}
    assert affiliates(known, "B") == {a, c}
    assert affiliates(known, "D") == frozenset()


def test_a_token_stands_for_its_person_with_the_roles_of_the_record(
    record: Record, clock: Clock, town: Town
) -> None:
    token = issue_token(record, DEV, days=30, by="u-lead")

    assert caller(record, token, now=clock()) == town.by("u-bank-dev")


def test_the_record_and_its_log_keep_nothing_that_opens_a_door(record: Record) -> None:
    token = issue_token(record, DEV, days=30, by="u-lead")

    secret = token.split("_", 2)[2]
    with record.reading() as tx:
        kept = repr((get(tx, "token", token_id(token)), entries(tx, limit=500)))
        assert token_id(token) in credentials(tx, party=PartyId("P-BANK"))
    assert token not in kept
    assert secret not in kept


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda _: "shuyu_",
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.replace(token.split("_")[1], "0" * 16),
        lambda token: token + "\n",
        lambda token: "Shuyu" + token[5:],
    ],
)
def test_a_wrong_token_is_unknown(record: Record, clock: Clock, spoil: object) -> None:
    token = issue_token(record, DEV, days=30, by="u-lead")
    assert callable(spoil)

    with pytest.raises(UnknownTokenError):
        caller(record, spoil(token), now=clock())


def test_revoked_expired_and_unknown_tokens_read_the_same_to_a_stranger(
    record: Record, clock: Clock
) -> None:
    gone = issue_token(record, DEV, days=30, by="u-lead")
    old = issue_token(record, DEV, days=1, by="u-lead")
    revoke_token(record, token_id(gone), by="u-lead")
    revoke_token(record, token_id(gone), by="u-lead")
    said: list[str] = []

    for token, error in (
        (gone, RevokedTokenError),
        (old, ExpiredTokenError),
        ("x", UnknownTokenError),
    ):
        with pytest.raises(error) as refused:
            caller(record, token, now=clock() + timedelta(days=1))
        said.append(str(refused.value))

    assert len(set(said)) == 1


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_token_lives_for_a_day_to_a_year(record: Record, days: int) -> None:
    with pytest.raises(IneligibleError):
        issue_token(record, DEV, days=days, by="u-lead")


def test_a_session_ends_when_it_is_closed_when_it_is_old_and_with_its_token(
    record: Record, clock: Clock
) -> None:
    token = issue_token(record, DEV, days=30, by="u-lead")
    closed, old, orphan = (open_session(record, token, now=clock()) for _ in range(3))
    assert session_caller(record, old, now=clock()).person == DEV

    close_session(record, closed, now=clock())
    close_session(record, "nonsense", now=clock())
    with pytest.raises(RevokedTokenError):
        session_caller(record, closed, now=clock())
    with pytest.raises(ExpiredTokenError):
        session_caller(record, old, now=clock() + timedelta(hours=8))
    revoke_token(record, token_id(token), by="u-lead")
    with pytest.raises(RevokedTokenError):
        session_caller(record, orphan, now=clock())


def test_a_session_secret_is_no_token_and_a_token_no_session(record: Record, clock: Clock) -> None:
    token = issue_token(record, DEV, days=30, by="u-lead")
    session = open_session(record, token, now=clock())

    with pytest.raises(TokenError):
        caller(record, session, now=clock())
    with pytest.raises(TokenError):
        session_caller(record, token, now=clock())


@pytest.mark.req("A-08")
def test_core_data_are_refused_even_in_one_column(town: Town) -> None:
    asset = loan_asset()
    columns = (replace(asset.columns[0], grade=Grade.CORE), *asset.columns[1:])

    with pytest.raises(IneligibleError) as refused:
        register(
            town.office.record, replace(asset, id=AssetId("BP-CORE"), columns=columns), by="u-prov"
        )

    assert [each.rule for each in refused.value.reasons] == ["asset.core"]


@pytest.mark.req("C-10")
def test_an_assets_grade_is_not_below_its_columns_and_its_provider_provides(town: Town) -> None:
    low = replace(loan_asset(), id=AssetId("BP-LOW"), grade=Grade.L1, provider="P-OP")

    with pytest.raises(IneligibleError) as refused:
        register(town.office.record, low, by="u-prov")

    assert [each.rule for each in refused.value.reasons] == ["asset.grade", "asset.provider"]


def test_registering_the_same_again_changes_nothing_and_other_content_is_a_conflict(
    town: Town,
) -> None:
    record = town.office.record

    register(record, loan_asset(), by="u-prov")
    with pytest.raises(ConflictError):
        register(record, replace(loan_asset(), rows=5), by="u-prov")

    with record.reading() as tx:
        assert registered(tx, AssetId("BP-LOANS"), 1) == loan_asset()
        assert {each.id for each in catalogue(tx).values()} == {
            "BP-LOANS",
            "BP-MINISTRY",
            "RS-LOANS",
        }
