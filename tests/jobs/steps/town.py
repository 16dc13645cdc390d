"""A small town for the steps: one record with a grant, an asset and budgets, real keys and folders."""

import base64
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Self

from jobs.grant import Grant, GrantId, PartyId, PersonId, ScenarioId, SignedGrant
from jobs.job import BlocksWork, ContainerWork, Job, QueryWork, SampleWork, TrainWork, Work
from jobs.proof import bodies
from jobs.proof.bodies import digest_of
from jobs.proof.keys import SigningKey
from jobs.proof.ring import KeyRing
from jobs.proof.statement import Input
from jobs.proof.trusted import TrustedKeys
from jobs.record import budgets, documents, grants, holds, jobs, log
from jobs.record.database import Record
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.record.log import Filter
from jobs.record.quarantine import Quarantine
from jobs.record.shelf import Shelf
from jobs.release import Release, Seat, SeatVerdict, Vote
from jobs.rules.runtimes import Runtimes
from jobs.rules.volume import Volumes
from jobs.steps import budget
from jobs.steps.carry import Hands, decided, ran
from jobs.steps.facts import ASSETS
from jobs.steps.release import Seals, release
from jobs.steps.review import give_verdict
from jobs.steps.start import Domain, start
from jobs.steps.submit import Submission, Submitter, submit
from sandbox.asset import Asset, AssetId, Column, Grade, ImageDigest, Kind, Role, UnitKind
from sandbox.egress.finding import Rule
from sandbox.egress.inspection import Blocked, Cleared, Held, Inspected
from sandbox.order import Artifact, Ended, Order, Outcome, OutputForm, OutputName, ReleaseClass
from sandbox.privacy.accounting import PICO
from sandbox.reason import Said
from tests.jobs.record.examples import GRANT as EXAMPLE
from tests.jobs.record.examples import IMAGE, SNAPSHOT, output

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
CANARY = "CANARY-7f3a91"
"""Stands in what the job wrote and said: it may leave in released bytes and nowhere else."""
TABLE = b"state,n\nA,120\n"
REPORT = f"The scorecard of {CANARY}.\n".encode()
O1, O2, O3, O4 = (OutputName(f"O{number}") for number in range(1, 5))
OTHER_IMAGE = ImageDigest("sha256:" + "e" * 64)
SQL = "SELECT state, COUNT(*) AS n FROM LOANS GROUP BY state"
QUERY = QueryWork(sql=SQL, epsilon=Fraction(1, 3), output=O1)
"""It costs 0.0556 rho; the grant has 0.1014: one fits, and not two."""
REPORTING = ContainerWork(image=IMAGE, command=("python", "main.py"), outputs=(O2,))
COUNTING = replace(REPORTING, outputs=(O3,))
BOTH = replace(REPORTING, outputs=(O2, O3))
BLOCKS = BlocksWork(
    image=IMAGE,
    command=("python3", "/job/main.py"),
    terms=json.dumps(
        {
            "k": 256,
            "rho": PICO // 20,
            "cpu_seconds": 1,
            "wall_seconds": 2,
            "memory_bytes": 256 << 20,
            "coordinates": [
                {"is_a": "number", "name": "mean", "lower": "0", "upper": "100", "step": "1"}
            ],
        }
    ),
    output=O1,
)
TRAIN = TrainWork(
    terms=json.dumps(
        {
            "asset": "LOANS",
            "features": [{"kind": "number", "column": "amount"}],
            "target": {"kind": "binary", "column": "state", "positive": ["A"]},
            "design": {"kind": "logistic"},
            "loss": "logistic",
            "tries": [{"rate": "1/10", "clip": "1"}],
            "steps": 20,
            "sampling_rate": "1/10",
            "units": 100,
            "epsilon": "1",
        }
    ),
    output=O4,
)
SAMPLE = SampleWork(asset=AssetId("LOANS"), rows=50, epsilon=Fraction(1, 3), output=O1)
PRIVATE = (QUERY, BLOCKS, TRAIN, SAMPLE)
"""Every kind of private work; any one of them fits the grant."""
DEVELOPER = Submitter(person=PersonId("P-dev"), party=PartyId("acme"))
GRANT = replace(
    EXAMPLE,
    outputs=(
        output("O1", ReleaseClass.DP),
        output("O2", ReleaseClass.REVIEWED),
        output("O3", ReleaseClass.SDC),
        replace(output("O4", ReleaseClass.DP), form=OutputForm.MODEL),
    ),
    images=(IMAGE, OTHER_IMAGE),
    max_uses=1000,
)
FIELD = Said(zh="字段", en="field")
RAW = Rule(
    id="egress.raw_rows",
    stage=8,
    why=Said(zh="输出含原始行", en="it holds raw rows"),
    fix=Said(zh="输出汇总结果", en="leave aggregates"),
    clause="Weifang art. 26",
)


@dataclass(slots=True)
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    grant: SigningKey
    release: SigningKey
    log: SigningKey

    @classmethod
    def fresh(cls) -> Self:
        made = (SigningKey.unsaved(f"shuyu.test/{part}") for part in ("grant", "release", "log"))
        return cls(**dict(zip(("grant", "release", "log"), made, strict=True)))

    @property
    def trusted(self) -> TrustedKeys:
        parts = (self.release, self.grant, self.log)
        rings = (KeyRing.of(part.public) for part in parts)
        return TrustedKeys(**dict(zip(("release", "grant", "log"), rings, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    record: Record
    folder: Path
    clock: Clock
    keys: Keys
    volumes: Volumes = Volumes()  # noqa: RUF009 - a frozen word of constants

    @property
    def hands(self) -> Hands:
        return Hands(
            record=self.record,
            quarantine=Quarantine(self.folder / "quarantine"),
            shelf=Shelf(self.folder / "shelf"),
            clock=self.clock,
            volumes=self.volumes,
        )

    @property
    def seals(self) -> Seals:
        return Seals(
            release=self.keys.release,
            log=self.keys.log,
            ring=KeyRing.of(self.keys.log.public),
        )

    def issue(self, grant: Grant, *, key: SigningKey | None = None) -> None:
        """Keep a grant under the institution's signature, or under another's."""
        signing = key or self.keys.grant
        signature = base64.b64encode(signing.sign(bodies.dump(grant).encode())).decode()
        signed = SignedGrant(grant=grant, key=signing.id, signature=signature)
        with self.record.writing() as tx:
            grants.add(tx, signed, Event("grant.issued", grant.id, "system", {}))
            budget.open_grant(tx, grant)

    def settle(self) -> None:
        """Register the asset, open its budget and issue the usual grant."""
        paper = Document(kind=ASSETS, id="LOANS@1", body=bodies.dump(LOANS), at=self.clock())
        with self.record.writing() as tx:
            documents.add(tx, paper, Event("asset.registered", "LOANS", "P-adm", {}))
            budget.set_asset(
                tx, LOANS.id, epsilon=Fraction(30), delta=Fraction(1, 10**9), actor="P-adm"
            )
        self.issue(GRANT)

    def submit(
        self,
        work: Work = REPORTING,
        *,
        scenario: ScenarioId = GRANT.scenario,
        by: Submitter = DEVELOPER,
        key: str = "",
    ) -> Job:
        return self.ask(Submission(scenario=scenario, work=work, key=key), by=by)

    def ask(self, asked: Submission, *, by: Submitter = DEVELOPER) -> Job:
        return submit(asked, by=by, record=self.record, clock=self.clock)

    def start(
        self,
        job: Job,
        *,
        images: Collection[ImageDigest] | None = None,
        runtimes: Runtimes = Runtimes(),  # noqa: B008 - a frozen word of constants
        trainers: Collection[ImageDigest] | None = None,
    ) -> tuple[Job, Order | None]:
        domain = Domain(
            images=None if images is None else frozenset(images),
            runtimes=runtimes,
            grant_keys=KeyRing.of(self.keys.grant.public),
            trainers=None if trainers is None else frozenset(trainers),
        )
        return start(job, record=self.record, clock=self.clock, domain=domain)

    def running(self, work: Work = REPORTING) -> Job:
        return self.start(self.submit(work))[0]

    def ran(self, job: Job, outcome: Outcome | None = None) -> Job:
        inputs = (Input(asset=LOANS.id, snapshot=SNAPSHOT, view=digest_of(b"view")),)
        return ran(job, outcome or finished(job), inputs=inputs, hands=self.hands)

    def quarantined(self, work: Work = REPORTING) -> Job:
        return self.ran(self.running(work))

    def decided(self, job: Job, inspected: Inspected) -> Job:
        return decided(job, inspected, hands=self.hands)

    def held(self) -> Job:
        return self.decided(self.quarantined(), Inspected((hold(),)))

    def approved(self, work: Work = COUNTING) -> Job:
        """Return a job that the filter has cleared."""
        return self.decided(self.quarantined(work), Inspected((clear(name_of(work)),)))

    def release(self, job: Job) -> Release:
        name = name_of(job.work)
        content = REPORT if name == O2 else TABLE
        return release(job, (clear(name, content),), hands=self.hands, seals=self.seals)

    def says(self, verdict: SeatVerdict) -> Job:
        return give_verdict(verdict, record=self.record)

    def now(self, job: Job) -> Job:
        with self.record.reading() as tx:
            return jobs.get(tx, job.id)

    def kinds(self, subject: str) -> list[str]:
        """Return what the log says of `subject`, oldest first."""
        with self.record.reading() as tx:
            found = log.entries(tx, limit=10_000, only=Filter(subject=subject))
        return [entry.event.kind for entry in found]

    def log_size(self) -> int:
        with self.record.reading() as tx:
            return log.head(tx).size

    def balance(self, scope: str = f"grant:{GRANT.id}") -> budgets.Balance:
        with self.record.reading() as tx:
            return budgets.balance(tx, scope)

    def seats(self, job: Job) -> set[Seat]:
        with self.record.reading() as tx:
            given = holds.verdicts(tx, job.id, job.epoch)
        return {each.seat for each in given if each.vote is Vote.PASS}

    def on_shelf(self) -> set[str]:
        return {f"sha256:{path.name}" for path in (self.folder / "shelf").glob("[0-9a-f]*")}


def name_of(work: Work) -> OutputName:
    return work.outputs[0] if isinstance(work, ContainerWork) else work.output


def finished(job: Job) -> Outcome:
    name = name_of(job.work)
    suffix, content = ("txt", REPORT) if name == O2 else ("csv", TABLE)
    return Outcome(
        ended=Ended.FINISHED,
        artifacts=(Artifact(name, suffix, content),),
        seconds=1.5,
        note=f"said by the job: {CANARY}",
    )


def clear(name: OutputName = O3, content: bytes = TABLE) -> Cleared:
    return Cleared(
        name=name,
        file=f"{name}.csv",
        media_type="text/csv",
        content=content,
        digest=digest_of(content),
    )


def hold(name: OutputName = O2) -> Held:
    return Held(
        name=name,
        findings=(),
        digest=digest_of(REPORT),
        preview=REPORT.decode(),
        file=f"{name}.txt",
        media_type="text/plain",
    )


def block(name: OutputName = O2) -> Blocked:
    return Blocked(name=name, findings=(RAW.at("row 3"),))


def verdict(
    job: Job, seat: Seat, person: str, *, party: str = "bureau", vote: Vote = Vote.PASS
) -> SeatVerdict:
    return SeatVerdict(
        job=job.id,
        epoch=job.epoch,
        seat=seat,
        person=PersonId(person),
        party=PartyId(party),
        vote=vote,
        compliance="within the plan",
        safety="no unit can be told apart",
        consistency="as declared",
        reason="read line by line",
        signed=(digest_of(REPORT),),
        at=NOON,
    )


def operators(job: Job, *, vote: Vote = Vote.PASS) -> SeatVerdict:
    return verdict(job, Seat.OPERATOR, "P-op", party="operator", vote=vote)


def officers(job: Job, *, vote: Vote = Vote.PASS) -> SeatVerdict:
    return verdict(job, Seat.SECURITY, "P-sec", vote=vote)


def under(scenario: str, **terms: object) -> Grant:
    """Return the usual grant under other terms, as that of another scenario."""
    names = {"id": GrantId(f"{scenario}.v1"), "scenario": ScenarioId(scenario)}
    return replace(GRANT, **{**names, **terms})  # type: ignore[arg-type] # each by its name


def _column(name: str, kind: Kind, role: Role, **more: object) -> Column:
    given = {"name": name, "kind": kind, "role": role, "grade": Grade.L2, "title": FIELD}
    return Column(**{**given, **more})  # type: ignore[arg-type] # each by its name


LOANS = Asset(
    id=AssetId("LOANS"),
    version=1,
    title=FIELD,
    provider="bureau",
    unit_kind=UnitKind.NATURAL_PERSON,
    unit_column="person",
    grade=Grade.L2,
    input_tier="base_product",
    authority_level="city",
    columns=(
        _column("person", Kind.STRING, Role.UNIT),
        _column("state", Kind.STRING, Role.DIMENSION, domain=("A", "B")),
        _column("amount", Kind.FLOAT, Role.MEASURE, lower="0", upper="100"),
    ),
    snapshot=SNAPSHOT,
    rows=100,
)
