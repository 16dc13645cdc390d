"""Words to keep in a record: one grant, and jobs under it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

from jobs.grant import (
    Approval,
    Grant,
    GrantId,
    PartyId,
    PersonId,
    ScenarioId,
    SignedGrant,
)
from jobs.job import ContainerWork, Job, JobId, JobState, QueryWork
from jobs.proof.bodies import digest_of
from jobs.record.event import Event
from jobs.release import Release, ReleasedFile, ReleaseId, Seat, SeatVerdict, Vote
from sandbox.asset import AssetId, Digest, ImageDigest
from sandbox.order import (
    EgressPolicy,
    Limits,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
    ViewTerms,
)

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
CANARY = "CANARY-7f3a91"
"""Stands where a careless caller might put a value from the data."""
SNAPSHOT = Digest("sha256:" + "a" * 64)
IMAGE = ImageDigest("sha256:" + "b" * 64)
BYTES = b"state,n\nA,120\n"


def output(name: str, release: ReleaseClass) -> OutputTerms:
    return OutputTerms(
        name=OutputName(name),
        form=OutputForm.STATISTICAL_TABLE,
        release=release,
        max_rows=100,
        max_bytes=10_000,
        epsilon=Fraction(1, 3),
    )


def approval(seat: str, party: str) -> Approval:
    return Approval(seat=seat, person=PersonId(f"P-{party}"), party=PartyId(party), at=NOON)


GRANT = Grant(
    id=GrantId("SC-1.v1"),
    scenario=ScenarioId("SC-1"),
    version=1,
    title_zh="普惠金融",
    title_en="Inclusive finance",
    purpose="credit",
    developer=PartyId("acme"),
    operator=PartyId("operator"),
    people=(PersonId("P-dev"),),
    recipients=("acme",),
    assets=(ViewTerms(asset=AssetId("LOANS"), snapshot=SNAPSHOT, columns=("state", "amount")),),
    outputs=(output("O1", ReleaseClass.DP), output("O2", ReleaseClass.REVIEWED)),
    images=(IMAGE,),
    limits=Limits(
        seconds=60,
        memory_bytes=2**30,
        cpus=1.0,
        processes=64,
        output_bytes=2**20,
        output_files=8,
    ),
    policy=EgressPolicy(min_units=10, dominance_percent=70),
    epsilon_total=Fraction(3),
    delta=Fraction(1, 10**9),
    epsilon_per_release=Fraction(1),
    max_uses=10,
    valid_from=date(2026, 1, 1),
    valid_to=date(2026, 12, 31),
    rulebook="shanghai@sha256:" + "c" * 64,
    plan="d" * 64,
    security_officers=1,
    approvals=(
        approval("approve_scenario_implementer", "institution"),
        approval("approve_scenario_provider", "bureau"),
    ),
)
SIGNED = SignedGrant(grant=GRANT, key="00000000", signature="AA==")

JOB = Job(
    id=JobId("J-00000000000000000000000001"),
    grant=GRANT.id,
    developer=GRANT.developer,
    submitted_by=PersonId("P-dev"),
    assets=(AssetId("LOANS"),),
    work=QueryWork(
        sql="SELECT count(*) FROM loans", epsilon=Fraction(1, 3), output=OutputName("O1")
    ),
    submitted_at=NOON,
)
CONTAINER_JOB = replace(
    JOB,
    id=JobId("J-00000000000000000000000002"),
    work=ContainerWork(image=IMAGE, command=("python", "main.py"), outputs=(OutputName("O2"),)),
)
FILE = ReleasedFile(
    name=OutputName("O1"),
    file="O1.csv",
    media_type="text/csv",
    digest=digest_of(BYTES),
    size=len(BYTES),
)
RELEASE = Release(
    id=ReleaseId("R-00000000000000000000000001"),
    job=JOB.id,
    grant=GRANT.id,
    developer=GRANT.developer,
    release_class=ReleaseClass.DP,
    files=(FILE,),
    certificate=digest_of(b"certificate"),
    at=NOON,
)


def job(number: int, *, state: JobState = JobState.SUBMITTED, developer: str = "acme") -> Job:
    name = JobId(f"J-{number:026}")
    return replace(JOB, id=name, state=state, developer=PartyId(developer))


def verdict(seat: Seat, party: str, *, digest: Digest, vote: Vote = Vote.PASS) -> SeatVerdict:
    return SeatVerdict(
        job=CONTAINER_JOB.id,
        epoch=1,
        seat=seat,
        person=PersonId(f"P-{party}-{seat}"),
        party=PartyId(party),
        vote=vote,
        reason="read line by line",
        signed=(digest,),
        at=NOON,
    )


def event(kind: str = "job.noted", subject: str = "J-1") -> Event:
    return Event(kind, subject, "system", {"count": 1})
