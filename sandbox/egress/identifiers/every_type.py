"""Turns Arrow columns of every type, and JSON values of every type, into texts; what it cannot read it refuses."""

import datetime as dt
import numbers
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.errors import SandboxError

LEAST = 10**9
"""Whole numbers below have too few digits for any identifier, unless a header announces one."""
_WHOLE = 2.0**63
MAX_DEPTH = 64


class UnscannableError(SandboxError):
    """A value is of a type that no text can be made of: what cannot be searched is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """The texts at one place of a nested column."""

    header: str
    """The names on the way to it, outermost first, as one text."""
    texts: pa.Array
    """Large strings; a null where there is nothing to search."""
    is_number: bool = False
    rows: pa.Array | None = None
    """The row of the column that each text belongs to, null where it is unknown; nothing where the two are the same."""


def leaves(
    values: pa.Array | pa.ChunkedArray, *, header: str = "", small: bool = False
) -> list[Leaf]:
    """Return the texts of a column, those of its fields, items and map keys included.

    With `small` numbers of few digits are texts too. Raises `UnscannableError`.
    """
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    return list(_leaves(_stored(values), header, small=small, rows=None))


def _stored(values: pa.Array) -> pa.Array:
    """Return an array without the wrappings of Arrow's own: extension, dictionary, run ends."""
    if isinstance(values, pa.ExtensionArray):
        return _stored(values.storage)
    if pa.types.is_dictionary(values.type):
        return _stored(values.dictionary_decode())
    if pa.types.is_run_end_encoded(values.type):
        return _stored(pc.run_end_decode(values))
    return values


def _leaves(values: pa.Array, header: str, *, small: bool, rows: pa.Array | None) -> Iterator[Leaf]:
    kind = values.type
    if pa.types.is_struct(kind):
        for field, child in zip(kind, values.flatten(), strict=True):
            yield from _leaves(_stored(child), f"{header} {field.name}", small=small, rows=rows)
    elif pa.types.is_map(kind):
        offsets = pa.ListArray.from_arrays(values.offsets, values.keys)
        at = _parents(offsets, rows)
        yield from _leaves(_stored(values.keys), header, small=small, rows=at)
        yield from _leaves(_stored(values.items), header, small=small, rows=at)
    elif _is_list(kind):
        at = _parents(values, rows)
        yield from _leaves(_stored(values.flatten()), header, small=small, rows=at)
    elif pa.types.is_union(kind):
        for place in range(kind.num_fields):
            child = values.field(place)
            unknown = pa.nulls(len(child), pa.int64())
            yield from _leaves(_stored(child), header, small=small, rows=unknown)
    else:
        texts, is_number = _texts(values, small=small)
        yield Leaf(header=header.strip(), texts=texts, is_number=is_number, rows=rows)


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def _parents(values: pa.Array, rows: pa.Array | None) -> pa.Array:
    at = pc.list_parent_indices(values)
    return at if rows is None else rows.take(at)


def _texts(values: pa.Array, *, small: bool) -> tuple[pa.Array, bool]:
    """Return the texts of a flat column, and whether they are numbers."""
    kind = values.type
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return pa.nulls(len(values), pa.large_string()), False
    if pa.types.is_temporal(kind):
        return _times(values, small=small), not small
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _amounts(values, small=small), True
    return values.cast(pa.large_string()) if _is_text(kind) else _bytes(values), False


def _amounts(values: pa.Array, *, small: bool) -> pa.Array:
    if pa.types.is_decimal(values.type):
        return pc.replace_substring_regex(values.cast(pa.large_string()), r"\.0+$", "")
    return (
        _floats(values, small=small)
        if pa.types.is_floating(values.type)
        else _numbers(values, small=small)
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _numbers(values: pa.Array, *, small: bool) -> pa.Array:
    if small:
        return values.cast(pa.large_string())
    if values.type.bit_width < 64:  # noqa: PLR2004 - fewer bits hold at most ten digits
        values = values.cast(pa.int64())
    many = pc.or_kleene(
        pc.greater(values, LEAST),
        pc.less(values, -LEAST if pa.types.is_signed_integer(values.type) else 0),
    )
    return pc.if_else(many, values, None).cast(pa.large_string())


def _floats(values: pa.Array, *, small: bool) -> pa.Array:
    values = values.cast(pa.float64())
    fits = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), _WHOLE))
    return _numbers(pc.if_else(fits, values, None).cast(pa.int64()), small=small)


def _times(values: pa.Array, *, small: bool) -> pa.Array:
    """Write dates and times as such where a header announces any, and else as the numbers that they are stored as."""
    if small and not pa.types.is_interval(values.type):
        return values.cast(pa.large_string())
    if pa.types.is_interval(values.type):
        raise UnscannableError("An interval of months and days cannot be searched")
    stored = pa.int32() if values.type.bit_width == 32 else pa.int64()  # noqa: PLR2004 - as wide as the type
    return _numbers(values.cast(stored), small=False)


def _bytes(values: pa.Array) -> pa.Array:
    """Read bytes as UTF-8."""
    if not (pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type)
            or pa.types.is_binary_view(values.type) or pa.types.is_fixed_size_binary(values.type)):  # fmt: skip
        raise UnscannableError(f"A column of type {values.type.id} cannot be searched")
    try:
        return values.cast(pa.binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        raise UnscannableError("A column of bytes that are no UTF-8 cannot be searched") from None


def texts_of(value: object, *, header: str = "") -> Iterator[tuple[str, str]]:
    """Yield (header, text) for every key and every value of JSON or plain Python, however nested.

    Raises `UnscannableError` for a value of any other type, and below `MAX_DEPTH` levels.
    """
    waiting: list[tuple[str, object, int]] = [(header, value, 0)]
    while waiting:
        name, each, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise UnscannableError("A value is nested too deeply to be searched")
        if isinstance(each, Mapping):
            for key in each:
                yield name, _word(key)
            waiting += [(_word(key), item, depth + 1) for key, item in each.items()]
        elif isinstance(each, Sequence | AbstractSet) and not isinstance(
            each, str | bytes | bytearray
        ):
            waiting += [(name, item, depth + 1) for item in each]
        elif each is not None:
            yield name, _word(each)


def _word(value: object) -> str:
    match value:
        case str():
            return value
        case bytes() | bytearray():
            return _decoded(bytes(value))
        case bool() | None:
            return ""
        case dt.date() | dt.time():
            return value.isoformat()
        case dt.timedelta():
            return str(int(value.total_seconds()))
        case numbers.Real() | Decimal():  # int, float, Fraction and numpy's
            return _digits(value)
        case _:
            raise UnscannableError(f"A value of type {type(value).__name__} cannot be searched")


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise UnscannableError("Bytes that are no UTF-8 cannot be searched") from None


def _digits(value: numbers.Real | Decimal) -> str:
    text = str(value)
    return text.removesuffix(".0") if "e" not in text.lower() else f"{value:.0f}"
