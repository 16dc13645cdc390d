"""A file's columns matched with what was declared: every declared column is there, and no other."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from sandbox.asset import Column, Kind, Role
from sandbox.data.kinds import ARROW, as_text, infer, kind_of, may_become
from sandbox.data.meta import MAX_COLUMNS, AssetMeta, ColumnMeta, is_plain_name
from sandbox.data.sources import Source
from sandbox.errors import DataError
from sandbox.reason import Said

_KINDS_OF: dict[Role, frozenset[Kind]] = {
    Role.UNIT: frozenset({Kind.STRING, Kind.INT, Kind.DATE, Kind.TIMESTAMP}),
    Role.IDENTIFIER: frozenset(Kind),
    Role.DIMENSION: frozenset({Kind.STRING, Kind.INT, Kind.BOOL}),
    Role.MEASURE: frozenset({Kind.INT, Kind.FLOAT}),
    Role.ATTRIBUTE: frozenset(Kind),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One declared column, and where the file has it."""

    place: int
    """The column's place in the file, from 0."""
    column: Column
    domain: pa.Array | None
    """The declared categories, in the column's kind."""
    is_key: bool
    """Whether it names the protected unit, or the row of a list that protects nobody: it is never missing."""


def match(source: Source, meta: AssetMeta) -> tuple[Match, ...]:
    """Return the columns in the declared order; raise `DataError` where file and word differ."""
    places = _places(source.names, meta)
    kinds = _inferred(source, meta, places) if source.is_text else {}
    return tuple(
        _match(
            column,
            declared,
            places[column],
            kinds.get(column) or _kind(source, meta, column),
            is_key=column == meta.unit_column,
        )
        for column, declared in meta.columns.items()
    )


def _places(names: Sequence[str], meta: AssetMeta) -> dict[str, int]:
    """Refuse odd headers by number: a file without a header has data where names should be."""
    if len(names) > MAX_COLUMNS:
        raise DataError(f"The file has more than {MAX_COLUMNS} columns")
    folded = Counter(name.casefold() for name in names)
    for number, name in enumerate(names, start=1):
        if not is_plain_name(name):
            raise DataError(
                f"The name of column number {number} is empty, longer than 128 characters, "
                "padded, unprintable or begins with _"
            )
        if folded[name.casefold()] > 1:
            raise DataError(f"The name of column number {number} stands twice")
        if name not in meta.columns:
            raise DataError(f"Column number {number} of the file is not declared")
    for name in meta.columns:
        if name not in names:
            raise DataError("The file lacks a declared column: there is no sign", column=name)
    return {name: place for place, name in enumerate(names)}


def _kind(source: Source, meta: AssetMeta, column: str) -> Kind:
    given, declared = source.types[source.names.index(column)], meta.columns[column].kind
    if source.is_text and declared is not None:
        return declared
    kind = declared or kind_of(given)
    if kind is None:
        raise DataError("The file's type cannot be taken in, or must be declared", column=column)
    if not may_become(given, kind):
        raise DataError(f"The file does not have the declared kind {kind}", column=column)
    return kind


def _inferred(source: Source, meta: AssetMeta, places: dict[str, int]) -> dict[str, Kind]:
    """Infer the undeclared kinds of a CSV file from all of its rows."""
    open_names = [name for name, declared in meta.columns.items() if declared.kind is None]
    if not open_names:
        return {}
    return dict(
        zip(open_names, infer(_texts(source, open_names, places), len(open_names)), strict=True)
    )


def _texts(
    source: Source, names: Sequence[str], places: dict[str, int]
) -> Iterator[list[pa.Array]]:
    row = 1
    for batch, _ in source.batches():
        yield [as_text(batch.column(places[name]), column=name, row=row) for name in names]
        row += batch.num_rows


def _match(name: str, declared: ColumnMeta, place: int, kind: Kind, *, is_key: bool) -> Match:
    if is_key and kind not in _KINDS_OF[Role.UNIT]:
        raise DataError(f"A key cannot be a {kind}; that is the kind", column=name)
    if kind not in _KINDS_OF[declared.role]:
        raise DataError(f"A {declared.role} cannot be a {kind}; that is the kind", column=name)
    column = Column(
        name=name,
        kind=kind,
        role=declared.role,
        grade=declared.grade,
        title=Said(zh=declared.title_zh, en=declared.title_en),
        domain=declared.domain,
        lower="" if declared.lower is None else format(declared.lower, "f"),
        upper="" if declared.upper is None else format(declared.upper, "f"),
    )
    return Match(place=place, column=column, domain=_domain(column), is_key=is_key)


def _domain(column: Column) -> pa.Array | None:
    if not column.domain:
        return None
    texts = pa.array(column.domain, pa.string())
    try:
        values = texts.cast(ARROW[column.kind])
    except pa.ArrowInvalid:
        values = None
    if values is None or not values.cast(pa.string()).equals(texts):
        raise DataError(
            f"The domain has a category that is not a {column.kind}", column=column.name
        )
    return values
