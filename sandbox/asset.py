"""A data asset as the institution declares it: its protected unit, its columns and its grades."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from sandbox.reason import Said

AssetId = NewType("AssetId", str)
"""The asset's catalogue name, such as `BP-LOANS`: upper-case letters, digits and hyphens."""
Digest = NewType("Digest", str)
"""`sha256:` and 64 hexadecimal digits."""
ImageDigest = NewType("ImageDigest", str)
"""The engine's id of an imported image: `sha256:` and 64 hexadecimal digits."""


class UnitKind(StrEnum):
    """Whom or what the privacy promises of an asset are about."""

    NATURAL_PERSON = "natural_person"
    ENTERPRISE = "enterprise"
    HOUSEHOLD = "household"
    METER = "meter"
    VEHICLE = "vehicle"
    VISIT = "visit"
    NOBODY = "nobody"
    """A public list, such as of districts: each row has a key of its own, and protects nobody."""


class Grade(StrEnum):
    """How much harm a leak would do (GB/T 43697: core, important, general; general in levels)."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    IMPORTANT = "important"
    CORE = "core"


class Role(StrEnum):
    """What a column is, for privacy."""

    UNIT = "unit"
    """The key of the protected unit; leaves the asset only as a scenario-keyed pseudonym."""
    IDENTIFIER = "identifier"
    """Identifies a person or an enterprise directly; never granted in the clear."""
    DIMENSION = "dimension"
    """A public category with a declared domain: tables may be grouped by it."""
    MEASURE = "measure"
    """A number with declared bounds: it may be summed under a known sensitivity."""
    ATTRIBUTE = "attribute"
    """Anything else: usable inside a job and in predicates, not in released cells as it is."""


class Kind(StrEnum):
    """The physical type of a column after ingest."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    DATE = "date"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column, as declared and as profiled."""

    name: str
    kind: Kind
    role: Role
    grade: Grade
    title: Said
    domain: tuple[str, ...] = ()
    """For a dimension: every public category, in the order in which tables show them."""
    lower: str = ""
    """For a measure: the declared lower bound, a decimal number as text; never read from the data."""
    upper: str = ""
    """For a measure: the declared upper bound, a decimal number as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One immutable version of an asset: what was declared, and the snapshot that it stands for."""

    id: AssetId
    version: int
    title: Said
    provider: str
    """The party that provides the data (公共数据资源提供单位)."""
    unit_kind: UnitKind
    unit_column: str
    grade: Grade
    """The strictest grade of its columns."""
    input_tier: str
    """`resource` (for operators) or `base_product` (for developers)."""
    authority_level: str
    """`district`, `other_district`, `city`, `ministry` or `other_province`."""
    columns: tuple[Column, ...]
    snapshot: Digest
    rows: int

    @property
    def is_public(self) -> bool:
        """Say whether it protects nobody: its unit column is the key of its rows."""
        return self.unit_kind is UnitKind.NOBODY

    def column(self, name: str) -> Column | None:
        """Return the column of this name, or nothing."""
        return next((column for column in self.columns if column.name == name), None)
