"""A town: the parties, people and the catalogue of the loan book, in a real record."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from gateway.governance import scenarios
from gateway.governance.assets import register
from gateway.governance.evidence import keep_evidence
from gateway.governance.office import Judgement, Office
from gateway.governance.parties import Caller, Party, Person, add_party, add_person
from gateway.governance.plan import read_plan
from gateway.governance.rulebook import Mode
from gateway.governance.rules import Rules
from gateway.governance.scenario import Scenario
from gateway.governance.seats import IMPLEMENTER, PROVIDER
from jobs.grant import Grant, PartyId, PersonId
from jobs.proof.keys import SigningKey
from jobs.record.database import Record, Writing
from sandbox.anonymity.judge import Known, evidence_of
from sandbox.anonymity.sealed import Sealed, seal
from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.reason import Said

LOANS = Path(scenarios.__file__).parent / "examples" / "loans.yaml"
CANARY = "CANARY-7f3a91c2"
"""Stands as a value in the data's declaration; no refusal may quote it."""

PARTIES = (
    ("P-BANK", "developer", "示例银行上海分行", "91310000MA1FL0000N"),
    ("P-OTHER", "developer", "另一银行", "91310000MA1FL0001R"),
    ("P-OP", "operator", "示例数据运营有限公司", "91310115MA1K30000A"),
    ("P-IMPL", "implementing_institution", "示例实施机构", "11310000MB2F00001F"),
    ("P-IMPL-OF-BANK", "implementing_institution", "银行下属机构", "91310000MA1FL0002W"),
    ("P-PROV", "data_provider", "示例数据提供单位", "12310000MB2F100027"),
    ("P-PROV2", "data_provider", "另一数据提供单位", "12310000MB2F200032"),
    ("P-JOINT", "city_or_ministry", "示例联动机制", "11310000MB2F00002J"),
    ("P-SECTOR", "sector_authority", "示例行业主管部门", "11310000MB2F00003M"),
)
PEOPLE = (
    ("u-bank-lead", "P-BANK", ("developer_lead", "developer_user")),
    ("u-bank-dev", "P-BANK", ("developer_user",)),
    ("u-other-lead", "P-OTHER", ("developer_lead",)),
    ("u-op", "P-OP", ("operator_reviewer",)),
    ("u-impl", "P-IMPL", ("scenario_reviewer",)),
    ("u-impl-too", "P-IMPL", ("scenario_reviewer",)),
    ("u-impl-of-bank", "P-IMPL-OF-BANK", ("scenario_reviewer",)),
    ("u-lead", "P-IMPL", ("implementer_lead",)),
    ("u-lead-too", "P-IMPL", ("implementer_lead",)),
    ("u-sec", "P-IMPL", ("security_officer",)),
    ("u-prov", "P-PROV", ("provider_officer",)),
    ("u-prov2", "P-PROV2", ("provider_officer",)),
    ("u-joint", "P-JOINT", ("joint_reviewer",)),
    ("u-sector", "P-SECTOR", ("sector_reviewer",)),
)


@dataclass(slots=True)
class Clock:
    """A clock that tests set."""

    now: datetime = datetime(2026, 11, 23, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: int) -> None:
        self.now += timedelta(**span)


@dataclass(slots=True)
class Budgets:
    """Remembers the grants that it was asked to open budgets for."""

    opened: list[str] = field(default_factory=list)

    def __call__(self, tx: Writing, grant: Grant) -> None:
        assert tx.noted, "budgets open in the transaction that issues the grant"
        self.opened.append(grant.id)


def loan_asset() -> Asset:
    text, whole, number = Kind.STRING, Kind.INT, Kind.FLOAT
    columns = (
        _column("loan_id", whole, Role.UNIT),
        _column("emp_title", text, Role.ATTRIBUTE),
        _column("holder", text, Role.IDENTIFIER),
        _column("state", text, Role.DIMENSION),
        _column("grade", text, Role.DIMENSION),
        _column("homeownership", text, Role.DIMENSION),
        _column("annual_income", number, Role.MEASURE),
        _column("loan_amount", whole, Role.MEASURE),
        _column("interest_rate", number, Role.MEASURE),
        _column("term", whole, Role.DIMENSION),
        _column("debt_to_income", number, Role.MEASURE),
        _column("loan_status", text, Role.DIMENSION),
    )
    return Asset(
        id=AssetId("BP-LOANS"),
        version=1,
        title=Said(zh="贷款台账", en="Loan book"),
        provider="P-PROV",
        unit_kind=UnitKind.NATURAL_PERSON,
        unit_column="loan_id",
        grade=Grade.L3,
        input_tier="base_product",
        authority_level="city",
        columns=columns,
        snapshot=Digest("sha256:" + "ab" * 32),
        rows=10_000,
    )


def _column(name: str, kind: Kind, role: Role) -> Column:
    return Column(
        name=name,
        kind=kind,
        role=role,
        grade=Grade.L3,
        title=Said(zh=name, en=name),
        domain=(CANARY,) if role is Role.DIMENSION else (),
        lower="0" if role is Role.MEASURE else "",
        upper="1" if role is Role.MEASURE else "",
    )


@dataclass(frozen=True, slots=True)
class Town:
    """Everybody who takes part, and the office that they come to."""

    office: Office
    clock: Clock
    budgets: Budgets
    callers: Mapping[str, Caller]

    def by(self, person: str) -> Caller:
        return self.callers[person]

    def says(self, person: str, scenario: Scenario) -> Judgement:
        return Judgement(by=self.by(person), opinion="同意，理由充分。", plan=scenario.digest)

    def submitted(self, plan: Mapping[str, Any] | None = None) -> Scenario:
        given = loan_plan() if plan is None else plan
        answer = scenarios.submit(self.office, given, by=self.by("u-bank-lead"))
        assert isinstance(answer, Scenario), answer
        return answer

    def forwarded(self, plan: Mapping[str, Any] | None = None) -> Scenario:
        scenario = self.submitted(plan)
        return scenarios.forward(self.office, scenario.id, self.says("u-op", scenario))

    def approved(self, scenario: Scenario, person: str, seat: str) -> Scenario:
        judgement = self.says(person, scenario)
        answer = scenarios.approve(self.office, scenario.id, judgement, seat=seat)
        assert isinstance(answer, Scenario), answer
        return answer

    def judged(self, scenario: Scenario) -> Sealed:
        return judge(self.office.record, scenario)

    def active(self) -> Scenario:
        scenario = self.approved(self.forwarded(), "u-impl", IMPLEMENTER)
        return self.approved(scenario, "u-prov", PROVIDER)


def loan_plan() -> dict[str, Any]:
    """Return the example plan, which the test may change."""
    return deepcopy(dict(read_plan(LOANS.read_text(encoding="utf-8"))))


def coarse_plan() -> dict[str, Any]:
    """Return the example plan over a generalised view: without keys, and without a private answer."""
    plan = loan_plan()
    asset, routes = plan["assets"][0], plan["personal_information"]["routes"]
    asset["columns"] = [each for each in asset["columns"] if each["name"] != "loan_id"]
    asset["generalise"] = {
        "quasi": ["state", "homeownership", "annual_income", "term", "debt_to_income"],
        "sensitive": ["grade", "loan_amount", "interest_rate", "loan_status"],
        "k": 5,
        "l": 2,
        "t": 0.4,
    }
    plan["personal_information"]["routes"] = routes[1:]
    plan["outputs"] = plan["outputs"][1:]
    return plan


def judge(record: Record, scenario: Scenario) -> Sealed:
    """Keep what was measured of the view of the loan book, as `shuyu asset judge` does."""
    loans = pa.table({"term": [36] * 5, "unit": range(5)})
    found = evidence_of(loans, (), unit="unit", known=Known(quasi=()))
    sealed = seal(AssetId("BP-LOANS"), found, level=3)
    with record.writing() as tx:
        keep_evidence(tx, scenario, [sealed], by="admin:test")
    return sealed


def settle(record: Record, rules: Rules) -> None:
    """Enter everybody and the catalogue into `record`, which has its tables."""
    for party, kind, name, uscc in PARTIES:
        ties = (PartyId("P-BANK"),) if party == "P-IMPL-OF-BANK" else ()
        word = Party(
            id=PartyId(party), kind=kind, name_zh=name, name_en=party, uscc=uscc, affiliates=ties
        )
        add_party(record, word, by="init", duties=rules.duties)
    for person, party, roles in PEOPLE:
        someone = Person(id=PersonId(person), party=PartyId(party), name=person, roles=roles)
        add_person(record, someone, by="init", duties=rules.duties)
    register(record, loan_asset(), by="u-prov")
    elsewhere = replace(loan_asset(), id=AssetId("BP-MINISTRY"), authority_level="ministry")
    register(record, replace(elsewhere, provider="P-PROV2"), by="u-prov2")
    register(
        record, replace(loan_asset(), id=AssetId("RS-LOANS"), input_tier="resource"), by="u-prov"
    )


def town_of(record: Record, rules: Rules, clock: Clock) -> Town:
    """Return the town that was settled in `record`."""
    budgets = Budgets()
    office = Office(
        record=record,
        rules=rules,
        mode=Mode.PRODUCTION,
        key=SigningKey.unsaved("shuyu.test/grant"),
        charge_limits=budgets,
    )
    kinds = {party: kind for party, kind, _, _ in PARTIES}
    callers = {
        person: Caller(
            person=PersonId(person),
            party=PartyId(party),
            party_kind=kinds[party],
            roles=frozenset(roles),
        )
        for person, party, roles in PEOPLE
    }
    return Town(office=office, clock=clock, budgets=budgets, callers=callers)
