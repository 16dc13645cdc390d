"""Columns as codes: equal where the values are equal, and in the order in which values stand."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sandbox.asset import Column, Kind
from sandbox.errors import ViewError

Codes = NDArray[np.int32]
Figures = NDArray[np.float64]

_NUMBERS = frozenset({Kind.INT, Kind.FLOAT, Kind.DATE, Kind.TIMESTAMP})
_AS_INTEGER: Mapping[Kind, pa.DataType] = {Kind.DATE: pa.int32(), Kind.TIMESTAMP: pa.int64()}
_APART = 2.0
"""Where a missing value stands: further from every value than these are from each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """One column: a code for each row, and the value of each code in ascending order."""

    name: str
    codes: Codes
    values: pa.Array
    """By code; where rows lack the value, the last one is missing."""
    is_number: bool
    """Whether it is generalised to intervals; else to sets of categories."""
    positions: Figures
    """By code, of numbers and dates: from 0 to 1 by their size; a missing value stands apart, at 2. Categories have none."""

    @property
    def size(self) -> int:
        """Return how many different values there are."""
        return len(self.values)


def coded(array: pa.ChunkedArray, column: Column) -> Coded:
    """Code one column; categories are ordered as the catalogue lists them, or else by text.

    Raises `ViewError` where there is a category that the catalogue does not list.
    """
    encoded = _encoded(array, column)
    order = _order(encoded.dictionary, column)
    rank = np.empty(len(order) + 1, np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    rank[-1] = len(order)  # of a missing value
    indices = encoded.indices.fill_null(len(order)) if encoded.null_count else encoded.indices
    values = encoded.dictionary.take(pa.array(order))
    is_number = column.kind in _NUMBERS and not column.domain
    places = _places(values, column.kind) if is_number else None
    if encoded.null_count:
        values = pa.concat_arrays([values, pa.nulls(1, values.type)])
    return Coded(
        name=column.name,
        codes=rank[indices.to_numpy(zero_copy_only=False)],
        values=values,
        is_number=is_number,
        positions=_positions(places, len(values)),
    )


def _encoded(array: pa.ChunkedArray, column: Column) -> pa.DictionaryArray:
    if not pa.types.is_dictionary(array.type):
        if column.kind is Kind.FLOAT:
            array = pc.add(array, 0.0)  # makes -0.0 and 0.0 one value
        array = array.dictionary_encode()
    chunks = array.unify_dictionaries().chunks
    dictionary = chunks[0].dictionary if chunks else pa.array([], array.type.value_type)
    indices = pa.chunked_array([chunk.indices for chunk in chunks], pa.int32())
    return pa.DictionaryArray.from_arrays(indices.combine_chunks(), dictionary, safe=False)


def _order(dictionary: pa.Array, column: Column) -> NDArray[np.int64]:
    """Return the places of the dictionary's values, in ascending order of the values."""
    if not column.domain:
        found: NDArray[np.int64] = pc.array_sort_indices(dictionary).to_numpy().astype(np.int64)
        return found
    listed = pa.array(column.domain, pa.string()).cast(dictionary.type)
    places = pc.index_in(dictionary, listed)
    if places.null_count:
        raise ViewError(f"Column {column.name} holds a category that the catalogue does not list")
    return np.argsort(places.to_numpy(), kind="stable")


def _places(values: pa.Array, kind: Kind) -> Figures:
    integer = values.cast(_AS_INTEGER[kind]) if kind in _AS_INTEGER else values
    figures: Figures = integer.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return figures


def _positions(places: Figures | None, size: int) -> Figures:
    if places is None:
        return np.zeros(0)
    positions = np.full(size, _APART)
    there = len(places)
    if there:
        halves = places / 2  # so that no difference is too large for a number
        width = halves[-1] - halves[0]
        positions[:there] = (halves - halves[0]) / width if width > 0 else 0.0
    return positions
