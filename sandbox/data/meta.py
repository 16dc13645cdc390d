"""What an institution declares of an asset before it is taken in: `asset.toml`."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from sandbox.asset import AssetId, Grade, Kind, Role, UnitKind
from sandbox.errors import DataError

MAX_COLUMNS = 2_000
_MAX_NAME = 128
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_NUMBERS = frozenset({Kind.INT, Kind.FLOAT})

Bound = Annotated[Decimal, Field(allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMeta:
    """One column, as declared."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    role: Role
    grade: Grade
    title_zh: str
    title_en: str
    kind: Kind | None = None
    """Where it is not declared, the file's own type decides, or for CSV all of its values."""
    domain: tuple[str, ...] = ()
    """For a dimension: every public category, as text."""
    lower: Bound | None = None
    upper: Bound | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetMeta:
    """One version of an asset, as declared; `columns` in the order that the snapshot gets."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: Annotated[AssetId, Field(pattern=r"^[A-Z][A-Z0-9-]{2,63}$")]
    version: Annotated[int, Field(ge=1)]
    title_zh: str
    title_en: str
    provider: str
    unit_kind: UnitKind
    unit_column: str
    input_tier: Literal["resource", "base_product"]
    authority_level: Literal["district", "other_district", "city", "ministry", "other_province"]
    columns: Annotated[Mapping[str, ColumnMeta], Field(min_length=1, max_length=MAX_COLUMNS)]


_META = TypeAdapter(AssetMeta)


def read_meta(path: Path) -> AssetMeta:
    """Read a declaration strictly; raise `DataError` naming the key that is wrong."""
    try:
        text = path.read_bytes()
    except OSError:
        raise DataError("The declaration cannot be read") from None
    return parse_meta(text)


def parse_meta(text: bytes) -> AssetMeta:
    """Parse the TOML text of a declaration; numbers keep their decimal digits."""
    try:
        declared = tomllib.loads(text.decode("utf-8"), parse_float=Decimal)
        meta = _META.validate_python(declared)
    except UnicodeDecodeError:
        raise DataError("The declaration is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"The declaration is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(step) for step in first["loc"])
        raise DataError(f"The declaration is wrong at key {key}: {first['msg']}") from None
    for wrong in _wrongs(meta):
        raise DataError(f"The declaration is wrong at key {wrong}")
    return meta


def is_plain_name(name: str) -> bool:
    """Say whether a column may be called this: printable, not padded, not ours (`_`)."""
    printable = not _UNPRINTABLE.search(name) and name == name.strip()
    return printable and 0 < len(name) <= _MAX_NAME and not name.startswith("_")


def _wrongs(meta: AssetMeta) -> Iterator[str]:
    yield from _unit_wrongs(meta)
    if len({name.casefold() for name in meta.columns}) < len(meta.columns):
        yield "columns: two names differ only in upper and lower case"
    for name, column in meta.columns.items():
        if not is_plain_name(name):
            yield "columns: a name is empty, too long, padded, unprintable or begins with _"
        for wrong in _column_wrongs(column):
            yield f"columns.{name}.{wrong}"


def _unit_wrongs(meta: AssetMeta) -> Iterator[str]:
    units = [name for name, column in meta.columns.items() if column.role is Role.UNIT]
    if meta.unit_kind is not UnitKind.NOBODY:
        if units != [meta.unit_column]:
            yield "unit_column: exactly one column has the role unit, and it is the unit column"
        return
    if meta.unit_column not in meta.columns:
        yield "unit_column: a table that protects nobody names the column that is its key"
    for name, column in meta.columns.items():
        if column.role in (Role.UNIT, Role.IDENTIFIER) or column.grade is not Grade.L1:
            yield f"columns.{name}: a table that protects nobody has no units, no identifiers, and grade L1"


def _column_wrongs(column: ColumnMeta) -> Iterator[str]:
    if column.grade is Grade.CORE:
        yield "grade: core data is never taken in"
    yield from _domain_wrongs(column)
    bounds = (column.lower, column.upper)
    if column.role is not Role.MEASURE:
        if bounds != (None, None):
            yield "lower: only a measure has bounds"
        return
    if column.lower is None or column.upper is None:
        yield "lower: a measure has a lower and an upper bound"
    elif column.lower >= column.upper:
        yield "lower: the lower bound is below the upper bound"
    if column.kind is not None and column.kind not in _NUMBERS:
        yield "kind: a measure is an int or a float"


def _domain_wrongs(column: ColumnMeta) -> Iterator[str]:
    if column.role is Role.DIMENSION and not column.domain:
        yield "domain: a dimension declares every category that it can have"
    if column.role is not Role.DIMENSION and column.domain:
        yield "domain: only a dimension has a domain"
    if len(set(column.domain)) < len(column.domain):
        yield "domain: a category stands twice"
