"""Columns brought to their kind, exactly: the first value that does not fit is told by its row."""

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.asset import Kind
from sandbox.errors import DataError

ARROW: Mapping[Kind, pa.DataType] = MappingProxyType(
    {
        Kind.STRING: pa.string(),
        Kind.INT: pa.int64(),
        Kind.FLOAT: pa.float64(),
        Kind.BOOL: pa.bool_(),
        Kind.DATE: pa.date32(),
        Kind.TIMESTAMP: pa.timestamp("us"),
    }
)
"""How a snapshot stores each kind; timestamps are in UTC."""

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_SHAPES: Mapping[Kind, str] = MappingProxyType(
    {
        # A number with leading zeros or more digits than fit is a code, not a number.
        Kind.INT: r"^(0|-?[1-9][0-9]{0,17})$",
        Kind.FLOAT: r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$",
        Kind.BOOL: r"^(?i:true|false)$",
        Kind.DATE: f"^{_DAY}$",
        Kind.TIMESTAMP: f"^{_DAY}[T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\\.[0-9]{{1,6}})?)?$",
    }
)


def kind_of(given: pa.DataType) -> Kind | None:
    """Return the kind that a file's type stands for, or nothing where there is none."""
    value = given.value_type if pa.types.is_dictionary(given) else given
    return next((kind for kind, fits in _FITS.items() if any(fit(value) for fit in fits)), None)


_FITS: Mapping[Kind, tuple[Callable[[pa.DataType], bool], ...]] = MappingProxyType(
    {
        Kind.STRING: (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        Kind.INT: (pa.types.is_integer,),
        Kind.FLOAT: (pa.types.is_floating, pa.types.is_decimal),
        Kind.BOOL: (pa.types.is_boolean,),
        Kind.DATE: (pa.types.is_date,),
        Kind.TIMESTAMP: (pa.types.is_timestamp,),
    }
)


def may_become(given: pa.DataType, kind: Kind) -> bool:
    """Say whether a column of this type may be declared as `kind`: no text is read as numbers."""
    if pa.types.is_null(given) or kind_of(given) is kind:
        return True
    return (kind_of(given), kind) == (Kind.INT, Kind.FLOAT) or (
        pa.types.is_decimal(given) and kind is Kind.INT
    )


def as_kind(array: pa.Array, kind: Kind, *, column: str, row: int) -> pa.Array:
    """Return the array as `kind`; raise `DataError` at the first value that cannot become it.

    `row` is the number of the array's first row.
    """
    cast = _cast(array, kind)
    if cast is not None:
        return cast
    bad = first_bad(len(array), lambda rows: _cast(array.slice(0, rows), kind) is None)
    raise DataError(f"There is no valid {kind}", row=row + bad, column=column)


def as_text(array: pa.Array, *, column: str, row: int) -> pa.Array:
    """Return the bytes of a CSV column as text; raise `DataError` at the first invalid UTF-8."""
    text = _text(array)
    if text is not None:
        return text
    bad = first_bad(len(array), lambda rows: _text(array.slice(0, rows)) is None)
    raise DataError("There is invalid UTF-8", row=row + bad, column=column)


def first_bad(rows: int, spoils: Callable[[int], bool]) -> int:
    """Return the place of the first bad value: `spoils(n)` says whether the first n hold one."""
    return bisect.bisect_left(range(1, rows + 1), True, key=spoils)


def infer(batches: Iterable[Sequence[pa.Array]], columns: int) -> tuple[Kind, ...]:
    """Return the narrowest kind that all texts of each column fit, and `string` for the rest."""
    candidates = [list(_SHAPES) for _ in range(columns)]
    for batch in batches:
        for kinds, texts in zip(candidates, batch, strict=True):
            kinds[:] = [kind for kind in kinds if _has_shape(texts, kind)]
    seen_kinds = [kinds[0] if kinds and len(kinds) < len(_SHAPES) else None for kinds in candidates]
    return tuple(kind or Kind.STRING for kind in seen_kinds)


def _has_shape(texts: pa.Array, kind: Kind) -> bool:
    matches = pc.all(pc.match_substring_regex(texts, _SHAPES[kind]), min_count=0).as_py()
    return bool(matches) and _cast(texts, kind) is not None


def _cast(array: pa.Array, kind: Kind) -> pa.Array | None:
    try:
        return _naive(array).cast(ARROW[kind], safe=True)
    except pa.ArrowException:
        return None


def _naive(array: pa.Array) -> pa.Array:
    """Return zoned timestamps as their UTC clock time; dictionaries as their values."""
    if pa.types.is_dictionary(array.type):
        return array.dictionary_decode()
    if pa.types.is_timestamp(array.type) and array.type.tz is not None:
        return array.cast(pa.timestamp(array.type.unit))
    return array


def _text(array: pa.Array) -> pa.Array | None:
    try:
        return array.cast(pa.string())
    except pa.ArrowException:
        return None
