"""Jobs on the wire: what a developer may ask for, and the closed list of what it is told."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from gateway.api.shapes import Asked, Name, ReasonOut, SaidOut, Shape
from gateway.api.shapes.works import WorkIn
from jobs.grant import ScenarioId
from jobs.job import Job, JobState
from jobs.release import ReleaseId
from jobs.rules.enumeration import PER_DAY
from jobs.rules.learned import learned
from jobs.steps.locate import Told
from jobs.steps.submit import Submission
from sandbox.asset import AssetId
from sandbox.order import Ended

Unit = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""The key of a unit, as its asset has it."""
Column = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class JobIn(Asked):
    """A job as a developer asks for it."""

    scenario: Name
    work: Annotated[WorkIn, Field(discriminator="kind")]
    assets: Annotated[tuple[Name, ...], Field(max_length=32)] = ()
    """The granted assets that it will read; none for all of them."""
    columns: Annotated[tuple[Column, ...], Field(max_length=1000)] = ()
    """The columns that it will read; none for all that were granted."""
    subjects: Annotated[tuple[Unit, ...], Field(max_length=PER_DAY)] = ()
    """The keys of those whom alone it asks about; they are turned into marks at once, and kept nowhere."""

    def submission(self, key: str = "") -> Submission:
        """Say the same in the record's own words."""
        return Submission(
            scenario=ScenarioId(self.scenario),
            work=self.work.work(),
            assets=tuple(AssetId(asset) for asset in self.assets),
            columns=self.columns,
            bundle=self.work.bundle(),
            key=key,
        )


class JobOut(Shape):
    """A job as its developer sees it: a closed list (design section 8)."""

    id: str
    scenario: str
    state: JobState
    ended: Ended | None
    duration: Literal["<1s", "<10s", "<1m", "<10m", ">=10m"] | None
    submitted_at: datetime
    outputs: tuple[str, ...]
    reasons: tuple[ReasonOut, ...]
    release: str | None

    @classmethod
    def of(cls, job: Job, release: ReleaseId | None = None) -> Self:
        """Show what its developer is told of `job`."""
        told = learned(job)
        return cls.model_validate(
            {
                "id": job.id,
                "scenario": job.grant.rpartition(".v")[0],
                "state": told.state,
                "ended": told.ended,
                "duration": told.duration,
                "submitted_at": job.submitted_at,
                "outputs": job.outputs,
                "reasons": [ReasonOut.of(reason) for reason in told.reasons],
                "release": release,
            }
        )


class PlaceOut(Shape):
    """Where a job failed or was blocked, and what it cost to be told."""

    rule: str
    """The rule of the reason that the place belongs to."""
    place: str
    """Empty where there is none, or none that may be named."""
    bits: int
    """What it took of the grant's allowance."""
    left: int
    """What was left of the allowance, in bits."""
    offer: SaidOut | None
    """A change of the declaration that the gate has tried, and that would pass; null where there is none."""

    @classmethod
    def of(cls, told: Told) -> Self:
        """Show `told`."""
        offer = SaidOut.of(told.offer) if told.offer else None
        return cls(rule=told.rule, place=told.place, bits=told.bits, left=told.left, offer=offer)
