"""A small domain in a real record: parties, people with tokens, one asset, one grant, one gateway."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Self

from fastapi import FastAPI
from fastapi.testclient import TestClient

from gateway.app import create_app
from gateway.governance.assets import register
from gateway.governance.grants import sign
from gateway.governance.office import Office
from gateway.governance.parties import Party, Person, add_party, add_person
from gateway.governance.rulebook import Mode
from gateway.governance.rules import Rules, load_rules
from gateway.governance.tokens import issue_token
from gateway.rooms import Rooms
from jobs.grant import Approval, Grant, GrantId, PartyId, PersonId, ScenarioId
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.record import budgets, grants
from jobs.record.database import Record
from jobs.record.event import Event
from jobs.record.shelf import Shelf
from sandbox.asset import Asset, AssetId, Column, Digest, Grade, ImageDigest, Kind, Role, UnitKind
from sandbox.order import (
    EgressPolicy,
    Function,
    Limits,
    OutputColumn,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
    ViewTerms,
)
from sandbox.reason import Said

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SCENARIO = ScenarioId("SC-SH-2026-0001")
GRANT = GrantId("SC-SH-2026-0001.v1")
LOANS = AssetId("BP-LOANS")
SNAPSHOT = Digest("sha256:" + "1" * 64)
IMAGE = ImageDigest("sha256:" + "a" * 64)
PARTIES = {
    "P-BANK": "developer",
    "P-RIVAL": "developer",
    "P-OP": "operator",
    "P-OP2": "operator",
    "P-IMPL": "implementing_institution",
    "P-PROV": "data_provider",
}
PEOPLE = {
    "dev": ("P-BANK", "developer_user"),
    "lead": ("P-BANK", "developer_lead"),
    "rival": ("P-RIVAL", "developer_user"),
    "operator": ("P-OP", "operator_reviewer"),
    "other_operator": ("P-OP2", "operator_reviewer"),
    "officer": ("P-IMPL", "security_officer"),
    "assessor": ("P-IMPL", "scenario_reviewer", "security_officer"),
    "auditor": ("P-IMPL", "auditor"),
    "reviewer": ("P-IMPL", "scenario_reviewer"),
    "chief": ("P-IMPL", "implementer_lead"),
    "provider": ("P-PROV", "provider_officer"),
}


@dataclass
class Ticking:
    """A clock that starts at noon and moves on by a millisecond whenever it is asked."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Tell the time."""
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass(frozen=True, slots=True)
class Domain:
    """One gateway over one record, and everybody's token."""

    rooms: Rooms
    app: FastAPI
    tokens: Mapping[str, str]
    log_key: SigningKey

    @property
    def record(self) -> Record:
        """Return the record."""
        return self.rooms.record

    def client(self, who: str) -> TestClient:
        """Return the gateway as `who` sees it."""
        return TestClient(self.app, headers={"Authorization": f"Bearer {self.tokens[who]}"})

    def stranger(self, token: str | None = None) -> TestClient:
        """Return the gateway as somebody sees it whose token is not good."""
        return TestClient(self.app, headers={"Authorization": f"Bearer {token}"} if token else {})


@dataclass(frozen=True, slots=True)
class Template:
    """A record that is made once and copied for each test: making it costs many syncs to disk."""

    file: Path
    rules: Rules
    tokens: Mapping[str, str]
    grant_key: SigningKey
    log_key: SigningKey

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Make the record in `folder`."""
        rules, file = load_rules(), folder / "record.db"
        keys = SigningKey.unsaved("test/grant"), SigningKey.unsaved("test/log")
        record = Record.open(f"sqlite:///{file}", clock=lambda: NOON)
        record.migrate()
        tokens = _people(record, rules)
        register(record, ASSET, by="setup")
        _grant(record, keys[0])
        record.close()
        return cls(file, rules, tokens, *keys)

    def copied(self, folder: Path) -> Domain:
        """Open a domain in `folder` over a copy of the record."""
        copy = shutil.copy(self.file, folder / "record.db")
        record = Record.open(f"sqlite:///{copy}", clock=lambda: NOON)
        office = Office(
            record=record,
            rules=self.rules,
            mode=Mode.DEMO,
            key=self.grant_key,
            charge_limits=lambda _tx, _grant: None,
        )
        rooms = Rooms(
            record=record,
            clock=Ticking(),
            office=office,
            shelf=Shelf(folder / "shelf"),
            log_keys=KeyRing.of(self.log_key.public),
        )
        return Domain(rooms, create_app(rooms), self.tokens, self.log_key)


def _people(record: Record, rules: Rules) -> dict[str, str]:
    for at, (party, kind) in enumerate(PARTIES.items()):
        named = Party(id=PartyId(party), kind=kind, name_zh=party, name_en=party, uscc=uscc(at))
        add_party(record, named, by="setup", duties=rules.duties)
    for who, (party, *roles) in PEOPLE.items():
        person = Person(id=PersonId(who), party=PartyId(party), name=who, roles=tuple(roles))
        add_person(record, person, by="setup", duties=rules.duties)
    return {who: issue_token(record, PersonId(who), days=30, by="setup") for who in PEOPLE}


def uscc(number: int) -> str:
    """Return a code with the right check character (GB 32100-2015)."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"9131000000000000{number}"
    total = sum(signs.index(sign) * pow(3, at, 31) for at, sign in enumerate(body))
    return body + signs[-total % 31]


def _grant(record: Record, key: SigningKey) -> None:
    with record.writing() as tx:
        grants.add(tx, sign(TERMS, key), Event("grant.issued", GRANT, "setup"))
        for scope in (f"asset:{LOANS}", f"grant:{GRANT}"):
            event = Event("budget.set", scope, "setup")
            budgets.set_limit(tx, scope, 2 * 10**12, event)


def _column(name: str, kind: Kind, role: Role, **more: object) -> Column:
    column = Column(name=name, kind=kind, role=role, grade=Grade.L2, title=Said(zh=name, en=name))
    return replace(column, **more)  # type: ignore[arg-type]  # the caller names real fields


ASSET = Asset(
    id=LOANS,
    version=1,
    title=Said(zh="贷款台账", en="loan book"),
    provider="P-PROV",
    unit_kind=UnitKind.NATURAL_PERSON,
    unit_column="loan_id",
    grade=Grade.L2,
    input_tier="base_product",
    authority_level="city",
    columns=(
        _column("loan_id", Kind.STRING, Role.UNIT),
        _column("state", Kind.STRING, Role.DIMENSION, domain=("CA", "NY", "TX")),
        _column("grade", Kind.STRING, Role.DIMENSION, domain=("A", "B", "C")),
        _column("homeownership", Kind.STRING, Role.DIMENSION, domain=("OWN", "RENT")),
        _column("annual_income", Kind.INT, Role.MEASURE, lower="0", upper="500000"),
        _column("loan_amount", Kind.INT, Role.MEASURE, lower="0", upper="40000"),
        _column("interest_rate", Kind.FLOAT, Role.MEASURE, lower="0", upper="40"),
        _column("term", Kind.INT, Role.ATTRIBUTE),
        _column("debt_to_income", Kind.FLOAT, Role.ATTRIBUTE),
        _column("loan_status", Kind.STRING, Role.ATTRIBUTE),
    ),
    snapshot=SNAPSHOT,
    rows=10_000,
)
TERMS = Grant(
    id=GRANT,
    scenario=SCENARIO,
    version=1,
    title_zh="普惠金融风险评估",
    title_en="Inclusive finance",
    purpose="sme_credit",
    developer=PartyId("P-BANK"),
    operator=PartyId("P-OP"),
    people=(PersonId("dev"),),
    recipients=("P-BANK",),
    assets=(
        ViewTerms(
            asset=LOANS,
            snapshot=SNAPSHOT,
            columns=("loan_id", "state", "grade", "loan_amount"),
            pseudonyms=("loan_id",),
        ),
    ),
    outputs=(
        OutputTerms(
            name=OutputName("O1"),
            form=OutputForm.STATISTICAL_TABLE,
            release=ReleaseClass.DP,
            columns=(
                OutputColumn(
                    name="grade", type="string", function=Function.DIMENSION, source="grade"
                ),
                OutputColumn(name="n", type="int", function=Function.COUNT),
            ),
            max_rows=1000,
            max_bytes=1 << 20,
            epsilon=Fraction(1, 2),
        ),
        OutputTerms(
            name=OutputName("O3"),
            form=OutputForm.REPORT,
            release=ReleaseClass.REVIEWED,
            max_rows=1000,
            max_bytes=1 << 20,
        ),
        *(
            OutputTerms(
                name=OutputName(name),
                form=form,
                release=ReleaseClass.DP,
                max_rows=1000,
                max_bytes=1 << 20,
                epsilon=Fraction(1, 2),
            )
            for name, form in (("O4", OutputForm.STATISTICAL_TABLE), ("O5", OutputForm.MODEL))
        ),
    ),
    images=(IMAGE,),
    limits=Limits(
        seconds=600,
        memory_bytes=1 << 30,
        cpus=1.0,
        processes=128,
        output_bytes=1 << 26,
        output_files=32,
    ),
    policy=EgressPolicy(min_units=10, dominance_percent=80),
    epsilon_total=Fraction(2),
    delta=Fraction(1, 10**6),
    epsilon_per_release=Fraction(1),
    max_uses=1000,
    valid_from=date(2026, 1, 1),
    valid_to=date(2026, 12, 31),
    rulebook="shanghai@sha256:" + "0" * 64,
    plan="sha256:" + "2" * 64,
    security_officers=1,
    approvals=(
        Approval(
            seat="approve_scenario_implementer",
            person=PersonId("assessor"),
            party=PartyId("P-IMPL"),
            at=NOON,
        ),
        Approval(
            seat="approve_scenario_provider",
            person=PersonId("provider"),
            party=PartyId("P-PROV"),
            at=NOON,
        ),
    ),
)
