"""The sealed store: which cells a snapshot has, as keyed codes, so that what leaves can be held against it.

For each column it has the distinct codes, sorted, with the rows in which each stands; for each row the numbers of its
codes; and for numbers a sketch of how large they are. It is as sensitive as the snapshot: it lies in its folder, for the owner's eyes only, and goes with it.
"""

import math
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from sandbox.asset import Asset, Column, Kind, Role
from sandbox.data.codes import KEY_BYTES, number_codes, text_codes
from sandbox.data.snapshot import snapshot_path
from sandbox.data.staging import discard, staged
from sandbox.errors import DataError

MOST_ROWS = 2**32
"""A store counts rows in 32 bits."""
SKETCH = 1001
"""Quantiles of a column's sizes that are kept."""

_TRIES = 3
_FOLDER, _KEY, _MANIFEST = "sealed", "key", "store.json"
_PLACES, _RANKS = "places.u32", "ranks.u32"
_FORM = "shuyu-sealed-1"
_SKETCHED = 1_000_000
"""Numbers that a sketch is taken from, evenly spaced: its shape is off by a thousandth or so."""
_NUMBERS = frozenset({Kind.INT, Kind.FLOAT})
_TIMES = frozenset({Kind.DATE, Kind.TIMESTAMP})
_NEVER_GRANTED = frozenset({Role.UNIT, Role.IDENTIFIER})
_ARRAYS = ("codes", "starts", "sketch")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SealedColumn:
    """The cells of one column."""

    name: str
    is_number: bool
    number: int
    """Its own among the columns of the store's `ranks`."""
    codes: np.ndarray = field(repr=False)
    """Distinct and sorted, uint64; `sandbox.data.codes` says of what."""
    starts: np.ndarray = field(repr=False)
    """Where the rows of each code begin among the column's own, uint32; one more than there are codes."""
    base: int
    """Where the column's own rows begin in the store's `places`."""
    sketch: np.ndarray = field(repr=False)
    """Evenly spaced quantiles of the sizes of its numbers but zero, float64; empty where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Store:
    """The columns of one table that may be granted as they are."""

    rows: int
    key: bytes = field(repr=False)
    columns: tuple[SealedColumn, ...]
    places: np.ndarray = field(repr=False)
    """Row numbers from 0, uint32: column after column, code after code, ascending within a code."""
    ranks: np.ndarray = field(repr=False)
    """Of each row and column, the number of its code counted from 1, 0 where there is none: (rows, columns), uint32."""

    def of(self, names: Sequence[str]) -> "Store":
        """Return the store of these columns alone."""
        kept = tuple(column for column in self.columns if column.name in names)
        return replace(self, columns=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """`store.json`: written last, it says that the files beside it are whole."""

    form: str
    rows: int
    columns: tuple[tuple[str, bool, int], ...]
    """Name, whether it is of numbers, and its base."""
    sizes: dict[str, int]
    """Bytes of each file, by its name."""


_KEPT = TypeAdapter(_Kept)


def snapshot_store(found: Asset, *, data: Path) -> Store:
    """Return the store of a snapshot, building it for one that was taken in before there were any; raises as `sealed_store`."""
    table = snapshot_path(found.snapshot, data=data)
    return sealed_store(table.parent, table, found.columns)


def sealed_store(folder: Path, table: Path, columns: Sequence[Column]) -> Store:
    """Return the store beside a snapshot or view, building it from the Parquet file `table` where it is missing.

    Raises `DataError` where the table cannot be read, `StorageFullError`.
    """
    for _ in range(_TRIES):
        found = _opened(folder / _FOLDER)
        if found is not None:
            return found
        discard(folder / _FOLDER)  # it may be another's by now, who then tries again
        with staged(folder.parent) as stage:
            write_store(table, columns, into=stage.whole)
            stage.publish(folder / _FOLDER)
    raise DataError("The sealed store cannot be kept")


def seal(folder: Path, found: Asset) -> None:
    """Write the store of a snapshot that is being made in `folder`."""
    into = folder / _FOLDER
    into.mkdir(mode=0o700)
    write_store(folder / "snapshot.parquet", found.columns, into=into)


def store_of(table: Path, columns: Sequence[Column]) -> Store:
    """Return the store of a Parquet file without keeping it."""
    key, rows, sealed = secrets.token_bytes(KEY_BYTES), _rows(table), _sealable(columns)
    ranks = np.zeros((rows, len(sealed)), np.uint32)
    parts: list[np.ndarray] = [np.zeros(0, np.uint32)]
    made = []
    for column, places in _columns(table, sealed, key, ranks):
        made.append(column)
        parts.append(places)
    places = np.concatenate(parts)
    return Store(rows=rows, key=key, columns=tuple(made), places=places, ranks=ranks)


def write_store(table: Path, columns: Sequence[Column], *, into: Path) -> None:
    """Write the store of a Parquet file, a column at a time, under a fresh key of its own."""
    key, rows, sealed = secrets.token_bytes(KEY_BYTES), _rows(table), _sealable(columns)
    (into / _KEY).write_bytes(key)
    ranks = _array(into / _RANKS, (rows, len(sealed)), mode="w+")
    named = []
    with (into / _PLACES).open("wb") as file:
        for column, places in _columns(table, sealed, key, ranks):
            named.append((column.name, column.is_number, column.base))
            places.tofile(file)
            for name in _ARRAYS:
                np.save(into / _file(column.number, name), getattr(column, name))
    sizes = {path.name: path.stat().st_size for path in into.iterdir()}
    kept = _Kept(form=_FORM, rows=rows, columns=tuple(named), sizes=sizes)
    (into / _MANIFEST).write_bytes(_KEPT.dump_json(kept))
    for path in into.iterdir():
        path.chmod(0o400)


def _opened(folder: Path) -> Store | None:
    """Return what lies there where all of it does."""
    try:
        kept = _KEPT.validate_json((folder / _MANIFEST).read_bytes())
        is_whole = all((folder / name).stat().st_size == size for name, size in kept.sizes.items())
    except (FileNotFoundError, ValidationError):
        return None
    if not is_whole or kept.form != _FORM:
        return None
    columns = tuple(
        SealedColumn(
            name=name, is_number=is_number, number=number, base=base, **_arrays(folder, number)
        )
        for number, (name, is_number, base) in enumerate(kept.columns)
    )
    return Store(
        rows=kept.rows,
        key=(folder / _KEY).read_bytes(),
        columns=columns,
        places=_array(folder / _PLACES, (kept.sizes[_PLACES] // 4,), mode="r"),
        ranks=_array(folder / _RANKS, (kept.rows, len(columns)), mode="r"),
    )


def _array(path: Path, shape: tuple[int, ...], *, mode: Literal["r", "w+"]) -> np.ndarray:
    """Return an array of uint32 that lies in a file."""
    if not math.prod(shape):  # an empty file cannot be mapped
        path.touch()
        return np.zeros(shape, np.uint32)
    return np.memmap(path, np.uint32, mode, shape=shape)


def _arrays(folder: Path, place: int) -> dict[str, np.ndarray]:
    return {name: _mapped(folder / _file(place, name)) for name in _ARRAYS}


def _mapped(path: Path) -> np.ndarray:
    found: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return found


def _file(place: int, name: str) -> str:
    return f"{place:03d}.{name}.npy"


def _rows(table: Path) -> int:
    try:
        rows: int = pq.read_metadata(table).num_rows
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"The table cannot be read: {type(error).__name__}") from None
    if rows >= MOST_ROWS:
        raise DataError("The table has too many rows for a sealed store")
    return rows


def _sealable(columns: Sequence[Column]) -> list[Column]:
    """Return the columns that may be granted in the clear; truths tell too little."""
    return [
        column
        for column in columns
        if column.role not in _NEVER_GRANTED and column.kind is not Kind.BOOL
    ]


def _columns(
    table: Path, columns: Sequence[Column], key: bytes, ranks: np.ndarray
) -> Iterator[tuple[SealedColumn, np.ndarray]]:
    """Yield each column sealed, with its rows; its ranks are written into `ranks`."""
    base = 0
    for number, column in enumerate(columns):
        try:
            values = pq.read_table(table, columns=[column.name]).column(0).combine_chunks()
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"The table cannot be read: {type(error).__name__}") from None
        codes, sketch = _codes(values, column.kind, key)
        distinct, starts, places = _index(codes)
        ranks[places, number] = np.repeat(
            np.arange(1, len(starts), dtype=np.uint32), np.diff(starts)
        )
        made = SealedColumn(
            name=column.name,
            is_number=column.kind in _NUMBERS,
            number=number,
            codes=distinct,
            starts=starts,
            base=base,
            sketch=sketch,
        )
        yield made, places
        base += len(places)


def _codes(values: pa.Array, kind: Kind, key: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the code of each cell, 0 where it has none, and the sketch of a column of numbers."""
    if kind not in _NUMBERS:
        return _of_texts(_spelled(values, kind), key), np.zeros(0)
    sizes = np.abs(values.cast(pa.float64(), safe=False).fill_null(0).to_numpy())
    codes = number_codes(sizes, key)
    return codes, _sketch(sizes[codes > 0])


def _spelled(values: pa.Array, kind: Kind) -> pa.Array:
    """Return a column as text; of a time, its day."""
    if kind in _TIMES:
        values = values.cast(pa.date32(), safe=False)
    return values.cast(pa.string())


def _of_texts(texts: pa.Array, key: bytes) -> np.ndarray:
    """Return the code of each text, 0 where it is missing; every distinct text is hashed once."""
    named = texts.dictionary_encode()
    codes = np.append(text_codes(named.dictionary, key), np.uint64(0))
    missing = len(named.dictionary)
    found: np.ndarray = codes[pc.fill_null(named.indices, missing).to_numpy()]
    return found


def _index(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct codes but 0, where each begins, and the rows in the order of their codes."""
    order = np.argsort(codes, kind="stable")
    ranked = codes[order]
    there = np.searchsorted(ranked, 1)
    ranked, rows = ranked[there:], order[there:].astype(np.uint32)
    begins = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1])[: len(ranked)])
    starts = np.append(begins, len(ranked)).astype(np.uint32)
    return ranked[begins], starts, rows


def _sketch(sizes: np.ndarray) -> np.ndarray:
    if not len(sizes):
        return np.zeros(0)
    some = sizes[:: 1 + len(sizes) // _SKETCHED]
    found: np.ndarray = np.quantile(some, np.linspace(0, 1, SKETCH))
    return found
