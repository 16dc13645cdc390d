"""A small domain in a real record, as the console's pages find it: people, a scenario, and jobs."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from gateway.app import create_app
from gateway.governance import scenarios
from gateway.governance.assets import register
from gateway.governance.office import Judgement, Office
from gateway.governance.parties import Caller, Party, Person, add_party, add_person
from gateway.governance.plan import read_plan
from gateway.governance.rulebook import Mode
from gateway.governance.rules import Rules
from gateway.governance.scenario import Scenario
from gateway.governance.tokens import issue_token
from gateway.rooms import Rooms
from jobs.grant import Grant, GrantId, PartyId, PersonId, ScenarioId
from jobs.job import ContainerWork, Job, JobId, JobState, QueryWork
from jobs.proof import bodies
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.record import budgets, findings, holds, jobs, log, releases
from jobs.record.database import Record, Writing
from jobs.record.event import Event
from jobs.record.findings import InspectionRow
from jobs.record.holds import Hold
from jobs.record.log import Filter
from jobs.record.shelf import Shelf
from jobs.release import Release, ReleasedFile, ReleaseId
from sandbox.asset import Asset, AssetId, Column, Digest, Grade, ImageDigest, Kind, Role, UnitKind
from sandbox.egress.finding import Finding, Weight
from sandbox.order import OutputName, ReleaseClass
from sandbox.reason import Reason, Said

LOANS = Path(scenarios.__file__).parent / "examples" / "loans.yaml"
SCENARIO = ScenarioId("SC-SH-2026-0001")
CANARY = "CANARY-7f3a91c2d4"
"""Stands in the held output: only reviewers may ever see it."""
EXACT = "CANARY-31-bits-of-surprise"
"""Stands in the exact figures of findings: for reviewers only."""
PREVIEW = f"AUC = 0.68\n<script>alert('{CANARY}')</script>\n<b>bold</b> & \u202ereversed"
START = datetime(2026, 11, 23, 8, tzinfo=UTC)
PICO = 10**12

PARTIES = (
    ("P-BANK", "developer", "示例银行上海分行", "91310000MA1FL0000N"),
    ("P-OTHER", "developer", "另一银行", "91310000MA1FL0001R"),
    ("P-OP", "operator", "示例数据运营有限公司", "91310115MA1K30000A"),
    ("P-IMPL", "implementing_institution", "示例实施机构", "11310000MB2F00001F"),
    ("P-PROV", "data_provider", "示例数据提供单位", "12310000MB2F100027"),
)
PEOPLE = (
    ("u-bank-lead", "P-BANK", ("developer_lead", "developer_user")),
    ("u-bank-dev", "P-BANK", ("developer_user",)),
    ("u-other", "P-OTHER", ("developer_user",)),
    ("u-op", "P-OP", ("operator_reviewer",)),
    ("u-impl", "P-IMPL", ("scenario_reviewer", "security_officer")),
    ("u-lead", "P-IMPL", ("implementer_lead",)),
    ("u-sec", "P-IMPL", ("security_officer",)),
    ("u-audit", "P-IMPL", ("auditor",)),
    ("u-prov", "P-PROV", ("provider_officer",)),
)


@dataclass(slots=True)
class Clock:
    """A clock that moves on by a second whenever it is asked."""

    now: datetime = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """One gateway with its console, everybody's token, and the names of what lies in the record."""

    app: FastAPI
    rooms: Rooms
    tokens: Mapping[str, str]
    callers: Mapping[str, Caller]
    jobs: dict[str, JobId] = field(default_factory=dict)

    @property
    def record(self) -> Record:
        return self.rooms.record

    def says(self, person: str, scenario: Scenario) -> Judgement:
        return Judgement(by=self.callers[person], opinion="同意。", plan=scenario.digest)

    def submitted(self, plan: Mapping[str, Any] | None = None) -> Scenario:
        plan = plan or read_plan(LOANS.read_text(encoding="utf-8"))
        answer = scenarios.submit(self.rooms.office, plan, by=self.callers["u-bank-lead"])
        assert isinstance(answer, Scenario), answer
        return answer

    def active(self) -> Scenario:
        office, scenario = self.rooms.office, self.submitted()
        scenario = scenarios.forward(office, SCENARIO, self.says("u-op", scenario))
        for person in ("u-impl", "u-prov"):
            seat = scenario.open_seats[0].action
            answer = scenarios.approve(office, SCENARIO, self.says(person, scenario), seat=seat)
            assert isinstance(answer, Scenario), answer
            scenario = answer
        assert scenario.state == "active", scenario.open_seats
        return scenario

    def events(self, kind: str) -> list[str]:
        """Return who did what kind of thing, from the log."""
        with self.record.reading() as tx:
            return [entry.event.actor for entry in log.newest(tx, only=Filter(kind=kind))]


def build(folder: Path, rules: Rules) -> Town:
    """Make the domain in `folder`; nothing has happened in it yet."""
    rooms = _rooms(folder, rules, Clock())
    rooms.record.migrate()
    _settle(rooms.record, rules)
    tokens = {
        name: issue_token(rooms.record, PersonId(name), days=30, by="init") for name, _, _ in PEOPLE
    }
    return _town(rooms, tokens, {})


def copied(town: Town, here: Path, *, there: Path) -> Town:
    """Return a town in `there` that stands as the closed one in `here` does."""
    shutil.copytree(here, there, dirs_exist_ok=True)
    clock = Clock(START + timedelta(hours=1))
    return _town(_rooms(there, town.rooms.office.rules, clock), town.tokens, town.jobs)


def _rooms(folder: Path, rules: Rules, clock: Clock) -> Rooms:
    record = Record.open(f"sqlite:///{folder / 'record.db'}", clock=clock)
    office = Office(
        record=record,
        rules=rules,
        mode=Mode.DEMO,
        key=SigningKey.unsaved("test/grant"),
        charge_limits=_open_budgets,
    )
    log_keys = KeyRing.of(SigningKey.unsaved("test/log").public)
    shelf = Shelf(folder / "shelf")
    return Rooms(record=record, clock=clock, office=office, shelf=shelf, log_keys=log_keys)


def _town(rooms: Rooms, tokens: Mapping[str, str], known: Mapping[str, JobId]) -> Town:
    return Town(
        app=create_app(rooms), rooms=rooms, tokens=tokens, callers=_callers(), jobs=dict(known)
    )


def furnish(town: Town) -> None:
    """Let a scenario be approved, and jobs of every end lie in the record."""
    grant = town.active().grant
    assert grant is not None
    with town.record.writing() as tx:
        for name, job in _jobs(grant).items():
            jobs.add(tx, job, Event("job.submitted", job.id, job.submitted_by))
            town.jobs[name] = job.id
        _hold(tx, town.jobs["held"])
        inspected(tx, town.jobs["blocked"], "blocked")
        inspected(tx, town.jobs["released"], "cleared")
        _release(tx, town, grant)


def _jobs(grant: GrantId) -> dict[str, Job]:
    query = QueryWork(
        sql="SELECT grade, COUNT(*) AS n FROM loans GROUP BY grade",
        epsilon=Fraction(1, 2),
        output=OutputName("O1"),
    )
    container = ContainerWork(
        image=ImageDigest("sha256:" + "0" * 64),
        command=("python", "job.py"),
        outputs=(OutputName("O3"),),
    )
    ungranted = Reason(
        rule="admit.column",
        why=Said(zh="该字段未获授权", en="that column was not granted"),
        fix=Said(zh="从查询中删去该字段", en="leave the column out of the query"),
        place="line 1, column 8",
        clause="Shanghai art. 21",
    )
    made = {
        "released": _job("1", grant, query, JobState.RELEASED),
        "refused": _job("2", grant, query, JobState.REFUSED, reasons=(ungranted,)),
        "blocked": _job("3", grant, container, JobState.BLOCKED, reasons=(_raw().reason,)),
        "held": _job("4", grant, container, JobState.HELD),
    }
    rival = _job("5", grant, query, JobState.QUEUED, developer=PartyId("P-OTHER"))
    return made | {"rival": rival}


def _job(
    number: str,
    grant: GrantId,
    work: QueryWork | ContainerWork,
    state: JobState,
    **more: object,
) -> Job:
    told = {"developer": PartyId("P-BANK"), "epoch": 1, "seconds": 4.25} | more
    return Job(
        id=JobId(f"J-{number:0>26}"),
        grant=grant,
        submitted_by=PersonId("u-bank-dev"),
        assets=(AssetId("BP-LOANS"),),
        work=work,
        submitted_at=START,
        state=state,
        **told,  # type: ignore[arg-type]  # the callers name real fields
    )


def _raw() -> Finding:
    return Finding(
        reason=Reason(
            rule="egress.raw_rows",
            why=Said(
                zh="输出含有某一行的多个取值", en="the output holds several values of one row"
            ),
            fix=Said(zh="只输出汇总统计", en="write aggregates only"),
            place="line 3",
            clause="Weifang art. 26",
        ),
        weight=Weight.REVIEW,
        stage=4,
        exact=Said(zh=EXACT, en=EXACT),
    )


def _hold(tx: Writing, job: JobId) -> None:
    hold = Hold(
        job=job,
        epoch=1,
        output=OutputName("O3"),
        digest=Digest("sha256:" + "9f" * 32),
        file="O3.txt",
        media_type="text/plain",
        preview=PREVIEW,
        findings_json=bodies.dump((_raw(),)),
    )
    holds.add_holds(tx, [hold], Event("egress.held", job, "system"))
    inspected(tx, job, "held")


def inspected(tx: Writing, job: JobId, verdict: str, *, output: str = "O3") -> None:
    """Note what the filter said of one output of `job`."""
    seen = InspectionRow(
        job=job,
        epoch=1,
        output=OutputName(output),
        verdict=verdict,
        digest=Digest("sha256:" + "9f" * 32),
        size=120,
        findings_json=bodies.dump(() if verdict == "cleared" else (_raw(),)),
        at=tx.now,
    )
    findings.add(tx, seen, Event("egress.inspected", job, "system"))


def _release(tx: Writing, town: Town, grant: GrantId) -> None:
    digests = [town.rooms.shelf.stage(each) for each in (b"grade,n\nA,120\n", b"{}")]
    for digest in digests:
        town.rooms.shelf.lay_out(digest)
    file = ReleasedFile(
        name=OutputName("O1"), file="O1.csv", media_type="text/csv", digest=digests[0], size=14
    )
    release = Release(
        id=ReleaseId(f"R-{1:0>26}"),
        job=town.jobs["released"],
        grant=grant,
        developer=PartyId("P-BANK"),
        release_class=ReleaseClass.DP,
        files=(file,),
        certificate=digests[1],
        at=START,
    )
    releases.add(tx, release, Event("release.made", release.id, "system"))


def _open_budgets(tx: Writing, grant: Grant) -> None:
    for scope, rho in ((f"grant:{grant.id}", PICO // 2), ("asset:BP-LOANS", 2 * PICO)):
        budgets.set_limit(tx, scope, rho, Event("budget.limited", scope, "system"))


def _settle(record: Record, rules: Rules) -> None:
    for party, kind, name, uscc in PARTIES:
        word = Party(id=PartyId(party), kind=kind, name_zh=name, name_en=party, uscc=uscc)
        add_party(record, word, by="init", duties=rules.duties)
    for name, party, roles in PEOPLE:
        someone = Person(id=PersonId(name), party=PartyId(party), name=name, roles=roles)
        add_person(record, someone, by="init", duties=rules.duties)
    register(record, _loans(), by="u-prov")


def _callers() -> dict[str, Caller]:
    kinds = {party: kind for party, kind, _, _ in PARTIES}
    return {
        name: Caller(
            person=PersonId(name),
            party=PartyId(party),
            party_kind=kinds[party],
            roles=frozenset(roles),
        )
        for name, party, roles in PEOPLE
    }


def _loans() -> Asset:
    dimensions = ("state", "grade", "homeownership", "term", "loan_status")
    measures = ("annual_income", "loan_amount", "interest_rate", "debt_to_income")
    roles = {"loan_id": Role.UNIT} | dict.fromkeys(dimensions, Role.DIMENSION)
    roles |= dict.fromkeys(measures, Role.MEASURE)
    columns = tuple(
        Column(
            name=name,
            kind=Kind.FLOAT if role is Role.MEASURE else Kind.STRING,
            role=role,
            grade=Grade.L3,
            title=Said(zh=name, en=name),
            domain=("A",) if role is Role.DIMENSION else (),
            lower="0" if role is Role.MEASURE else "",
            upper="1" if role is Role.MEASURE else "",
        )
        for name, role in roles.items()
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
