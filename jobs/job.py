"""A job, and the states it passes through from submission to release."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Literal, NewType, Self

from jobs.errors import OutOfOrderError
from jobs.grant import GrantId, PartyId, PersonId
from sandbox.asset import AssetId, Digest, ImageDigest
from sandbox.order import LATER, Ended, OutputName
from sandbox.reason import Reason

JobId = NewType("JobId", str)
"""`J-` and 26 characters: sortable by time of submission."""


class JobState(StrEnum):
    """Where a job stands."""

    SUBMITTED = "submitted"
    REFUSED = "refused"
    QUEUED = "queued"
    RUNNING = "running"
    QUARANTINED = "quarantined"
    """It ended well; what it left waits for the egress filter."""
    FAILED = "failed"
    STOPPED = "stopped"
    """Its grant was suspended or revoked, or its developer cancelled it."""
    HELD = "held"
    """Waits for the seats' verdicts."""
    APPROVED = "approved"
    """Cleared by the filter or by every seat; its release is being laid out."""
    BLOCKED = "blocked"
    RELEASED = "released"


NEXT: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.SUBMITTED: frozenset({JobState.QUEUED, JobState.REFUSED}),
        JobState.QUEUED: frozenset({JobState.RUNNING, JobState.REFUSED, JobState.STOPPED}),
        JobState.RUNNING: frozenset(
            {JobState.QUARANTINED, JobState.FAILED, JobState.STOPPED, JobState.QUEUED}
        ),
        JobState.QUARANTINED: frozenset(
            {JobState.HELD, JobState.BLOCKED, JobState.APPROVED, JobState.FAILED, JobState.STOPPED}
        ),
        JobState.HELD: frozenset({JobState.APPROVED, JobState.BLOCKED, JobState.STOPPED}),
        JobState.APPROVED: frozenset({JobState.RELEASED, JobState.BLOCKED, JobState.STOPPED}),
        JobState.REFUSED: frozenset(),
        JobState.FAILED: frozenset(),
        JobState.STOPPED: frozenset(),
        JobState.BLOCKED: frozenset(),
        JobState.RELEASED: frozenset(),
    }
)
"""The whole life of a job: docs/states.md is drawn from this table."""

ENDS = frozenset(state for state, following in NEXT.items() if not following)
"""The states that nothing follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryWork:
    """A differentially private query over the grant's views."""

    kind: Literal["query"] = "query"
    sql: str
    epsilon: Fraction
    output: OutputName


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerWork:
    """A container: an image of the domain, a command, and the developer's own files."""

    kind: Literal["container"] = "container"
    image: ImageDigest
    command: tuple[str, ...]
    code: Digest | None = None
    """The code bundle's digest; its bytes lie in the record."""
    parameters: str = "{}"
    outputs: tuple[OutputName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlocksWork:
    """Any program, run on each of k blocks of whole units; what leaves is a private choice among what they say."""

    kind: Literal["blocks"] = "blocks"
    image: ImageDigest
    command: tuple[str, ...]
    code: Digest | None = None
    """The code bundle's digest; its bytes lie in the record."""
    parameters: str = "{}"
    terms: str
    """`sandbox.blocks.terms.BlocksTerms` as JSON."""
    output: OutputName


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainWork:
    """A model that the domain's own trainer fits under differential privacy."""

    kind: Literal["train"] = "train"
    terms: str
    """`sandbox.training.terms.TrainingTerms` as JSON."""
    output: OutputName


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleWork:
    """Synthetic rows of one asset, drawn from noisy counts."""

    kind: Literal["sample"] = "sample"
    asset: AssetId
    rows: int
    epsilon: Fraction
    rows_per_unit: int = 1
    output: OutputName


PrivateWork = QueryWork | BlocksWork | TrainWork | SampleWork
"""What the domain's own mechanisms answer: priced before data is read, and released without a person."""
CodedWork = ContainerWork | BlocksWork
"""What brings the developer's own files."""
Work = PrivateWork | ContainerWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one developer entity asked to run, and how far it has come."""

    id: JobId
    grant: GrantId
    developer: PartyId
    submitted_by: PersonId
    assets: tuple[AssetId, ...]
    columns: tuple[str, ...] = ()
    """The columns that it says it will read; empty for all that were granted."""
    work: Work
    submitted_at: datetime
    state: JobState = JobState.SUBMITTED
    epoch: int = 0
    """Counts its starts: an outcome of an older epoch is thrown away."""
    ended: Ended | None = None
    seconds: float = 0.0
    """Wall time of the run; developers see a bucket."""
    reasons: tuple[Reason, ...] = ()
    """Why it was refused, blocked or stopped, as its developer reads it."""
    asked: Digest | None = field(default=None, metadata=LATER)
    """Where the marks of those lie whom alone it asks about: the enumeration guard let them pass."""

    @property
    def outputs(self) -> tuple[OutputName, ...]:
        """Return the names of the outputs that it is to fill."""
        return self.work.outputs if isinstance(self.work, ContainerWork) else (self.work.output,)

    @property
    def is_private(self) -> bool:
        """Say whether the domain's own mechanisms make what leaves, and nobody else's code."""
        return not isinstance(self.work, ContainerWork)

    def to(
        self,
        state: JobState,
        *,
        ended: Ended | None = None,
        seconds: float | None = None,
        reasons: tuple[Reason, ...] | None = None,
    ) -> Self:
        """Return this job moved on to `state`; raise `OutOfOrderError` where no step leads there."""
        if state not in NEXT[self.state]:
            raise OutOfOrderError(f"job {self.id} is {self.state}, and cannot become {state}")
        return replace(
            self,
            state=state,
            epoch=self.epoch + (state is JobState.RUNNING),
            ended=ended or self.ended,
            seconds=self.seconds if seconds is None else seconds,
            reasons=self.reasons if reasons is None else reasons,
        )
