"""Jobs on the wire: what a developer may ask for, and the closed list of what it is told."""

import base64
import json
import math
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Base64Encoder,
    EncodedBytes,
    Field,
    JsonValue,
    StringConstraints,
)
from pydantic_core import PydanticCustomError
from typing_extensions import override

from gateway.api.shapes import Asked, Name, ReasonOut, Shape
from jobs.grant import ScenarioId
from jobs.job import ContainerWork, Job, JobState, QueryWork
from jobs.release import ReleaseId
from jobs.steps.submit import Bundle, Submission
from sandbox.asset import AssetId, ImageDigest
from sandbox.order import Ended, OutputName

TEXT_BYTES = 64 * 1024
"""The largest SQL text, and the largest parameter object."""
_BUCKETS = ((1, "<1s"), (10, "<10s"), (60, "<1m"), (600, "<10m"), (math.inf, ">=10m"))


def _small(text: str) -> str:
    if len(text.encode()) > TEXT_BYTES:
        raise PydanticCustomError("too_large", "too large")
    return text


def _small_object(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    _small(json.dumps(value, ensure_ascii=False))
    return value


Sql = Annotated[str, StringConstraints(min_length=1), AfterValidator(_small)]
Decimal = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9]{1,9})?$")]
"""An exact decimal number, as text: a privacy cost is never a float."""
Column = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class QueryIn(Shape):
    """A differentially private query."""

    kind: Literal["query"]
    sql: Sql
    epsilon: Decimal
    output: Name

    def work(self) -> QueryWork:
        """Say the same in the record's own words."""
        output = OutputName(self.output)
        return QueryWork(sql=self.sql, epsilon=Fraction(self.epsilon), output=output)


class _StrictBase64(Base64Encoder):
    """Pydantic's own passes over characters that are not base64."""

    @classmethod
    @override
    def decode(cls, data: bytes) -> bytes:
        """Return the bytes."""
        try:
            return base64.b64decode(data, validate=True)
        except ValueError as error:
            raise PydanticCustomError("base64_decode", "not base64") from error


class FileIn(Shape):
    """One file of a code bundle, in base64."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    content: Annotated[bytes, EncodedBytes(encoder=_StrictBase64)]


class ContainerIn(Shape):
    """A container of a domain image, with the developer's own files at /job."""

    kind: Literal["container"]
    image: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """The image's digest; a tag is refused."""
    command: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=4096)], ...], Field(max_length=64)
    ]
    outputs: Annotated[tuple[Name, ...], Field(max_length=32)]
    parameters: Annotated[dict[str, JsonValue], AfterValidator(_small_object)] = Field(
        default_factory=dict
    )
    code: Annotated[tuple[FileIn, ...], Field(max_length=200)] = ()

    def work(self) -> ContainerWork:
        """Say the same in the record's own words."""
        return ContainerWork(
            image=ImageDigest(self.image),
            command=self.command,
            parameters=json.dumps(self.parameters, ensure_ascii=False, sort_keys=True),
            outputs=tuple(OutputName(name) for name in self.outputs),
        )

    def bundle(self) -> Bundle:
        """Return the files in the order of their names."""
        return Bundle(files=tuple(sorted((file.name, file.content) for file in self.code)))


class JobIn(Asked):
    """A job as a developer asks for it."""

    scenario: Name
    work: Annotated[QueryIn | ContainerIn, Field(discriminator="kind")]
    assets: Annotated[tuple[Name, ...], Field(max_length=32)] = ()
    """The granted assets that it will read; none for all of them."""
    columns: Annotated[tuple[Column, ...], Field(max_length=1000)] = ()
    """The columns that it will read; none for all that were granted."""

    def submission(self, key: str = "") -> Submission:
        """Say the same in the record's own words."""
        return Submission(
            scenario=ScenarioId(self.scenario),
            work=self.work.work(),
            assets=tuple(AssetId(asset) for asset in self.assets),
            columns=self.columns,
            bundle=self.work.bundle() if isinstance(self.work, ContainerIn) else Bundle(),
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
        """Show `job`; how an earlier attempt ended is not told while the next one waits or runs."""
        ended = None if job.state in {JobState.QUEUED, JobState.RUNNING} else job.ended
        return cls.model_validate(
            {
                "id": job.id,
                "scenario": job.grant.rpartition(".v")[0],
                "state": job.state,
                "ended": ended,
                "duration": bucket(job.seconds) if ended else None,
                "submitted_at": job.submitted_at,
                "outputs": outputs_of(job),
                "reasons": [ReasonOut.of(reason) for reason in job.reasons],
                "release": release,
            }
        )


def outputs_of(job: Job) -> tuple[OutputName, ...]:
    """Return the names of the outputs that a job will fill."""
    return job.work.outputs if isinstance(job.work, ContainerWork) else (job.work.output,)


def bucket(seconds: float) -> str:
    """Return the bucket that a duration falls into: developers never learn the exact time."""
    return next(name for bound, name in _BUCKETS if seconds < bound)
