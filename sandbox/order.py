"""What passes the sandbox's door: an `Order` goes in, an `Outcome` comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import NewType

from sandbox.asset import Asset, AssetId, Column, Digest, ImageDigest, Kind, Role

OutputName = NewType("OutputName", str)
"""The name of a declared output, such as `O1`: a letter, then letters, digits, `_` or `-`."""


LATER: Mapping[str, bool] = MappingProxyType({"later": True})
"""Marks a field that came after words had been signed: where it has its default, canonical JSON leaves it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generalise:
    """How far the columns of a view that others may know are coarsened: until each class of rows keeps this."""

    quasi: tuple[str, ...]
    """The columns that are coarsened: to intervals, or to sets of categories."""
    k: int
    """The fewest protected units of a class; at least 2."""
    sensitive: tuple[str, ...] = ()
    """The columns that `l` and `t` are about."""
    l: int = 1  # noqa: E741 - its name everywhere
    """The fewest different values of each sensitive column in a class."""
    t: Fraction = Fraction(1)
    """The largest distance of a class's sensitive values from the view's: 1 allows any."""
    relaxed: bool = False
    """Whether one value of a column may go to two classes, by the values of the others."""

    def shown(self, column: Column) -> Column:
        """Return a column of the asset as such a view has it: what is coarsened is a text, without categories or bounds."""
        if column.name not in self.quasi:
            return column
        return replace(column, kind=Kind.STRING, role=Role.ATTRIBUTE, domain=(), lower="", upper="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewTerms:
    """Which part of one asset a scenario may use."""

    asset: AssetId
    snapshot: Digest
    columns: tuple[str, ...]
    """The granted columns, in the order in which the view has them."""
    pseudonyms: tuple[str, ...] = ()
    """Those of `columns` that appear only as pseudonyms keyed by the scenario."""
    predicate: str = ""
    """An SQL condition over the snapshot's columns; empty for all rows."""
    generalise: Generalise | None = field(default=None, metadata=LATER)
    """How the view is made k-anonymous; such a view has no pseudonyms."""
    consented: bool = field(default=False, metadata=LATER)
    """Whether it has the rows of those units alone that consent to it: see `OpenedView`."""

    def shown(self, column: Column) -> Column:
        """Return a column of the asset as the view has it: a pseudonym is a text, whatever it stands for."""
        if column.name in self.pseudonyms:
            return replace(column, kind=Kind.STRING)
        return self.generalise.shown(column) if self.generalise else column


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedView(ViewTerms):
    """A consented view as one run reads it: no grant has one."""

    live: tuple[str, ...]
    """The marks of the units that consent, as `sandbox.data.consent_marks` makes them."""


class ReleaseClass(StrEnum):
    """What a release promises (design section 6)."""

    DP = "dp"
    SDC = "sdc"
    REVIEWED = "reviewed"
    CONSENTED = "consented"


class OutputForm(StrEnum):
    """The declared form of an output."""

    STATISTICAL_TABLE = "statistical_table"
    REPORT = "report"
    CHART = "chart"
    MODEL = "model"
    VERIFICATION = "verification"
    SCORE_SERVICE = "score_service"
    INDEX = "index"
    IN_DOMAIN_DATASET = "in_domain_dataset"


SERVED = frozenset({OutputForm.VERIFICATION, OutputForm.SCORE_SERVICE})
"""Forms that answer about units that were asked for by their keys: an enumeration guard stands before them."""


class Function(StrEnum):
    """What a released cell is computed by."""

    DIMENSION = "dimension"
    """Not computed: the category that the row is about."""
    COUNT = "count"
    COUNT_UNITS = "count_units"
    SUM = "sum"
    AVG = "avg"
    DIMENSION_TOTAL = "dimension_total"
    """A dimension that also shows the total over its categories, as a blank."""
    RATIO = "ratio"
    """Of two other declared counts or sums of the same row."""
    QUANTILE = "quantile"
    MEDIAN = "median"
    WEIGHTED_AVG = "weighted_avg"
    VARIANCE = "variance"
    STDDEV = "stddev"
    TERM = "term"
    """Not computed: the term of a regression that the row is about."""
    LINEAR = "linear"
    """A coefficient of least squares."""
    LOGISTIC = "logistic"
    """A coefficient of a logistic regression, fitted by maximum likelihood."""
    STANDARD_ERROR = "standard_error"
    """Of the coefficient in the same row."""
    SUBJECT = "subject"
    """Not computed: the protected unit that the row is about, by its pseudonym in the view."""
    VALUE = "value"
    """Of the row's subject; its source names the columns that it is made from, parted by commas."""
    FREE = "free"
    """Not declared: the gate cannot recompute it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputColumn:
    """One declared column of an output table."""

    name: str
    type: str
    """`string`, `int` or `float`."""
    function: Function = Function.FREE
    source: str = ""
    """The view's column that it is taken from, or a form of `sandbox.egress.declared`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTerms:
    """One output that the grant allows, as declared."""

    name: OutputName
    form: OutputForm
    release: ReleaseClass
    asset: AssetId | None = None
    """For `sdc`: the asset whose view the gate recomputes it from."""
    columns: tuple[OutputColumn, ...] = ()
    max_rows: int
    max_bytes: int
    epsilon: Fraction | None = None
    """For `dp`: the most that one release of this output may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressPolicy:
    """How much an output may say about any one protected unit."""

    min_units: int
    """The fewest protected units that any published cell may stand for."""
    dominance_percent: int
    """The largest share of a sum, in percent, that the two largest units may hold."""
    significant_digits: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may use; past any of these it is ended."""

    seconds: int
    memory_bytes: int
    cpus: float
    processes: int
    output_bytes: int
    """All outputs together."""
    output_files: int
    cpu_seconds: int = 0
    """The most processor time of each of its processes; 0 for no bound but `seconds`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerOrder:
    """One container run, stated in full: what to start, what it may read, what it may leave."""

    job: str
    epoch: int
    """The attempt; only the outcome of the newest one counts."""
    scope: str
    """The scenario, which keys the pseudonyms: two scenarios share none."""
    image: ImageDigest
    command: tuple[str, ...]
    code: tuple[tuple[str, bytes], ...] = ()
    """The developer's files, as (relative name, content); mounted read-only at /job."""
    parameters: str = "{}"
    """A JSON object, mounted read-only at /job/parameters.json."""
    views: tuple[ViewTerms, ...]
    outputs: tuple[OutputTerms, ...]
    limits: Limits
    runtime: str = "runc"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOrder:
    """One differentially private query, planned and charged."""

    job: str
    epoch: int
    scope: str
    sql: str
    epsilon: Fraction
    delta: Fraction = Fraction(0)
    """What the choice of private keys may spend; 0 forbids them."""
    output: OutputTerms
    views: tuple[ViewTerms, ...]
    assets: tuple[Asset, ...]
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class BlocksOrder:
    """One program over k blocks of whole units, priced and charged."""

    job: str
    epoch: int
    scope: str
    program: ContainerOrder
    """What every block runs: its limits are one block's own, and its one output is the answer's."""
    terms: str
    """`sandbox.blocks.terms.BlocksTerms` as JSON."""
    lanes: int
    """How many blocks run at once."""
    limits: Limits
    """Of all lanes together; `seconds` is past the time at which the answer comes."""

    @property
    def views(self) -> tuple[ViewTerms, ...]:
        """Return what is split."""
        return self.program.views


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOrder:
    """One model to be fitted by the domain's own trainer, priced and charged."""

    job: str
    epoch: int
    scope: str
    image: ImageDigest
    """The trainer's: what it leaves is believed to be private."""
    terms: str
    """`sandbox.training.terms.TrainingTerms` as JSON."""
    asset: Asset
    granted: tuple[str, ...]
    """The columns that the terms may name."""
    views: tuple[ViewTerms, ...]
    """The asset's alone, with its unit's key as a pseudonym, by which the trainer tells units apart."""
    output: OutputTerms
    limits: Limits
    runtime: str = "runc"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOrder:
    """Synthetic rows of one asset, priced and charged."""

    job: str
    epoch: int
    scope: str
    asset: Asset
    rows: int
    epsilon: Fraction
    rows_per_unit: int
    views: tuple[ViewTerms, ...]
    output: OutputTerms
    limits: Limits


Order = ContainerOrder | QueryOrder | BlocksOrder | TrainOrder | SampleOrder


def image_of(order: Order) -> ImageDigest | None:
    """Return the image that an order's containers run, or nothing where it has none."""
    match order:
        case ContainerOrder(image=image) | TrainOrder(image=image):
            return image
        case BlocksOrder(program=program):
            return program.image
        case QueryOrder() | SampleOrder():
            return None


class Ended(StrEnum):
    """How a run ended: with the state and a duration bucket, all that a developer learns of it."""

    FINISHED = "finished"
    FAILED = "failed"
    """The job's own program ended with an error."""
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    OUTPUT_REFUSED = "output_refused"
    """What it left was too large, too much, or not a plain file that was declared."""
    STOPPED = "stopped"
    ENGINE_FAILED = "engine_failed"
    """The sandbox failed, not the job: the job is tried again once."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One declared file that a run left behind; untrusted until it is cleared."""

    name: OutputName
    suffix: str
    """`csv`, `json`, `arrow`, `txt`, …: the declared name's ending, lower case, no dot."""
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended, and what it left behind."""

    ended: Ended
    artifacts: tuple[Artifact, ...] = ()
    seconds: float = 0.0
    """Wall time inside the sandbox; shown to developers only as a bucket."""
    views: tuple[Digest, ...] = ()
    """The digests of the views that it read, in the order of the order's `views`."""
    conformity: str = ""
    """The engine's own inspection of the container, as JSON, for the record and security staff."""
    anonymity: str = ""
    """How anonymous those views are: sealed evidence as JSON, for the record and security staff."""
    note: str = ""
    """Why it ended so, for security staff only: it may quote the job's own words."""


def runtime_of(order: Order) -> str:
    """Return the container runtime that an order demands; empty where it runs no container."""
    match order:
        case ContainerOrder(runtime=runtime) | TrainOrder(runtime=runtime):
            return runtime
        case BlocksOrder(program=program):
            return program.runtime
        case QueryOrder() | SampleOrder():
            return ""
