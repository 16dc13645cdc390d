"""What a developer may have run, on the wire: each work's own part of a submission."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gateway.api.shapes import Name, Shape
from gateway.api.shapes.bundles import Decimal, FileIn, Parameters, Sql, bundle_of, text_of
from jobs.job import BlocksWork, ContainerWork, QueryWork, SampleWork, TrainWork
from jobs.steps.submit import Bundle
from sandbox.asset import AssetId, ImageDigest
from sandbox.order import OutputName

Image = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""An image's digest; a tag is refused."""
Command = Annotated[
    tuple[Annotated[str, StringConstraints(max_length=4096)], ...], Field(max_length=64)
]
Code = Annotated[tuple[FileIn, ...], Field(max_length=200)]
"""The developer's own files, at /job."""


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

    def bundle(self) -> Bundle:
        """Return no files."""
        return Bundle()


class ContainerIn(Shape):
    """A container of a domain image, with the developer's own files."""

    kind: Literal["container"]
    image: Image
    command: Command
    outputs: Annotated[tuple[Name, ...], Field(max_length=32)]
    parameters: Parameters = Field(default_factory=dict)
    code: Code = ()

    def work(self) -> ContainerWork:
        """Say the same in the record's own words."""
        return ContainerWork(
            image=ImageDigest(self.image),
            command=self.command,
            parameters=text_of(self.parameters),
            outputs=tuple(OutputName(name) for name in self.outputs),
        )

    def bundle(self) -> Bundle:
        """Return the files in the order of their names."""
        return bundle_of(self.code)


class BlocksIn(Shape):
    """Any program, run on each of k blocks of whole units; a private choice among what they say is released."""

    kind: Literal["blocks"]
    image: Image
    command: Command
    terms: Parameters
    """`k`, `rho` in pico-rho, the bounds of one block, and what each block writes: docs/blocks.md."""
    output: Name
    parameters: Parameters = Field(default_factory=dict)
    code: Code = ()

    def work(self) -> BlocksWork:
        """Say the same in the record's own words."""
        return BlocksWork(
            image=ImageDigest(self.image),
            command=self.command,
            parameters=text_of(self.parameters),
            terms=text_of(self.terms),
            output=OutputName(self.output),
        )

    def bundle(self) -> Bundle:
        """Return the files in the order of their names."""
        return bundle_of(self.code)


class TrainIn(Shape):
    """A model that the domain's own trainer fits under differential privacy."""

    kind: Literal["train"]
    terms: Parameters
    """Features, target, design, optimiser and the target epsilon: docs/training.md."""
    output: Name

    def work(self) -> TrainWork:
        """Say the same in the record's own words."""
        return TrainWork(terms=text_of(self.terms), output=OutputName(self.output))

    def bundle(self) -> Bundle:
        """Return no files."""
        return Bundle()


class SampleIn(Shape):
    """Synthetic rows of one asset, drawn from noisy counts."""

    kind: Literal["sample"]
    asset: Name
    rows: Annotated[int, Field(ge=1, le=1_000_000)]
    epsilon: Decimal
    rows_per_unit: Annotated[int, Field(ge=1, le=10_000)] = 1
    output: Name

    def work(self) -> SampleWork:
        """Say the same in the record's own words."""
        return SampleWork(
            asset=AssetId(self.asset),
            rows=self.rows,
            epsilon=Fraction(self.epsilon),
            rows_per_unit=self.rows_per_unit,
            output=OutputName(self.output),
        )

    def bundle(self) -> Bundle:
        """Return no files."""
        return Bundle()


WorkIn = QueryIn | ContainerIn | BlocksIn | TrainIn | SampleIn
