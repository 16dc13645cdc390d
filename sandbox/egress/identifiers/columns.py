"""Decides for each column: which identifiers its cells hold, and what its cells are taken together.

One cell says little; a column says more. A column full of right check digits needs no header; a few
right ones among many wrong ones are chance, and go to a person instead of being refused.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.egress.identifiers.every_type import Leaf, leaves, texts_of
from sandbox.egress.identifiers.kinds import KINDS, Kind
from sandbox.egress.identifiers.people import KEY, NAME, holds_keys, holds_names
from sandbox.egress.identifiers.presidio import MOST
from sandbox.egress.identifiers.recognise import Seen, Shapes, announced_kinds, recognise

_SAMPLE = 4096
_REPEATED = 0.5
"""From this share of distinct cells on it does not pay to look for repetitions."""
_FULL = 0.8
"""A column of this share of right check digits is one of identifiers."""
_LEAST_FULL = 5
_MANY = 20
"""So many cells of a shape say whether a check digit is right by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One kind of identifier in one column."""

    kind: Kind
    cells: int
    """How many cells hold one."""
    row: int | None
    """The first row that does, from 0; nothing where it cannot be told, as in a union."""
    how: str = ""
    """The reading in which the first was found; empty where one stands there plainly."""
    sure: bool = True
    """Not where chance alone explains the right check digits, nor for keys: such a column goes to a person."""
    texts: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """Up to `MOST` of the cells themselves, for presidio's explanation alone: never told."""


@dataclass(frozen=True, slots=True)
class _Cells:
    """The distinct texts of a column, or all where most are distinct."""

    texts: pa.Array
    weights: np.ndarray | None
    first: np.ndarray | None

    def weight(self, places: list[int]) -> int:
        """Return how many cells hold the texts at `places`."""
        return len(places) if self.weights is None else int(self.weights[places].sum())

    def row(self, places: list[int]) -> int:
        """Return the first cell that holds any of the texts at `places`."""
        return min(places) if self.first is None else int(self.first[places].min())


def study(values: pa.Array | pa.ChunkedArray, *, header: str = "") -> tuple[Found, ...]:
    """Return every kind of identifier that a column of any Arrow type holds, once for each nested place.

    Raises `UnscannableError` for a type that cannot be searched.
    """
    return study_all([(header, values)])[0]


def study_all(columns: Iterable[tuple[str, pa.Array | pa.ChunkedArray]]) -> list[tuple[Found, ...]]:
    """Study many columns, each with its header, in passes over all of them: setting up a pass takes milliseconds."""
    each = [
        leaves(values, header=header, small=bool(announced_kinds(header)))
        for header, values in columns
    ]
    found = iter(_study([leaf for some in each for leaf in some]))
    return [tuple(one for _ in some for one in next(found)) for some in each]


def study_json(value: object) -> tuple[Found, ...]:
    """Return the identifiers in JSON or plain Python, keys included; raise `UnscannableError` as `study` does."""
    named: dict[str, list[str]] = {}
    for name, text in texts_of(value):
        named.setdefault(name, []).append(text)
    columns = [
        Leaf(header=name, texts=pa.array(texts, pa.large_string())) for name, texts in named.items()
    ]
    return tuple(found for some in _study(columns) for found in some)


def scan_column(values: pa.Array | pa.ChunkedArray, *, header: str = "") -> Mapping[str, int]:
    """Count the cells of a column that hold identifiers, for each kind of identifier.

    `header` gives context to kinds that need it. Every Arrow type is searched, whole numbers and
    whole floats as their digits, or refused with `UnscannableError`.
    """
    counted: dict[str, int] = {}
    for found in study(values, header=header):
        counted[found.kind.entity] = counted.get(found.kind.entity, 0) + found.cells
    return counted


def _study(columns: Sequence[Leaf]) -> Iterator[tuple[Found, ...]]:
    """Yield what is found in each of `columns`."""
    cells = [_distinct(leaf.texts) for leaf in columns]
    starts = np.cumsum([0, *(len(each.texts) for each in cells)])
    texts = pa.concat_arrays([each.texts for each in cells] or [pa.array([], pa.large_string())])
    shapes = recognise(texts, announced=_announced(columns, starts))
    seen = _by_column(shapes, starts)
    for place, (leaf, each) in enumerate(zip(columns, cells, strict=True)):
        some = [_found(kind, leaf, each) for kind in seen.get(place, {}).values()]
        known = {found.kind.entity for found in some}
        yield (*some, *_of_all(leaf, each, known=known))


def _announced(columns: Sequence[Leaf], starts: np.ndarray) -> Mapping[str, np.ndarray]:
    told: dict[str, np.ndarray] = {}
    for place, leaf in enumerate(columns):
        for entity in announced_kinds(leaf.header):
            mask = told.setdefault(entity, np.zeros(starts[-1], bool))
            mask[starts[place] : starts[place + 1]] = True
    return told


@dataclass(frozen=True, slots=True)
class _OfKind:
    """One kind in one column: where it is, and how many texts have its shape."""

    seen: list[Seen]
    places: list[int]
    shaped: int


def _by_column(shapes: Shapes, starts: np.ndarray) -> dict[int, dict[str, _OfKind]]:
    """Return what was seen by column and kind; of each column the places count from 0."""
    shaped = {entity: np.sort(list(some)) for entity, some in shapes.shaped.items()}
    found: dict[int, dict[str, _OfKind]] = {}
    where = np.fromiter((seen.place for seen in shapes.seen), np.int64, len(shapes.seen))
    columns = (np.searchsorted(starts, where, side="right") - 1).tolist()
    first = starts.tolist()
    for seen, column in zip(shapes.seen, columns, strict=True):
        kinds = found.setdefault(column, {})
        if seen.kind.entity not in kinds:
            low, high = np.searchsorted(shaped[seen.kind.entity], starts[column : column + 2])
            kinds[seen.kind.entity] = _OfKind([], [], int(high - low))
        kinds[seen.kind.entity].seen.append(seen)
        kinds[seen.kind.entity].places.append(seen.place - first[column])
    return found


def _found(these: _OfKind, leaf: Leaf, cells: _Cells) -> Found:
    kind, places = these.seen[0].kind, these.places
    expected = kind.chance * these.shaped
    return Found(
        kind=kind,
        cells=cells.weight(places),
        row=_row(cells.row(places), leaf),
        how=min((seen.how for seen in these.seen), key=len),
        texts=tuple(cells.texts.take(pa.array(places[:MOST], pa.int64())).to_pylist()),
        sure=these.shaped < _MANY or len(places) > expected + 3 * expected**0.5,
    )


def _row(row: int, leaf: Leaf) -> int | None:
    return row if leaf.rows is None else leaf.rows[row].as_py()


def _distinct(texts: pa.Array) -> _Cells:
    sample = texts.slice(0, _SAMPLE)
    if len(texts) > _SAMPLE and pc.count_distinct(sample).as_py() > _REPEATED * len(sample):
        return _Cells(texts, None, None)
    encoded = texts.dictionary_encode()
    codes = encoded.indices.drop_null().to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(texts.is_valid().to_numpy(zero_copy_only=False))
    first = np.zeros(len(encoded.dictionary), np.int64)
    first[codes[::-1]] = rows[::-1]
    return _Cells(encoded.dictionary, np.bincount(codes, minlength=len(first)), first)


def _of_all(leaf: Leaf, cells: _Cells, *, known: Container[str]) -> Iterator[Found]:
    """Yield what a column is only as a whole: one of identifiers of weak shape, of names, of keys."""
    if leaf.is_number and not leaf.header:
        return
    texts = cells.texts.drop_null()
    sample = texts.slice(0, _SAMPLE).to_pylist()
    if len(sample) < _LEAST_FULL:
        return
    for kind in KINDS:
        if kind.fills_columns and kind.entity not in known and _fills(kind, sample):
            yield _whole(kind, leaf)
    if leaf.is_number:
        return
    if holds_names(sample, header=leaf.header):
        yield _whole(NAME, leaf)
    if holds_keys(texts, of=len(leaf.texts), sample=sample, header=leaf.header):
        yield _whole(KEY, leaf, sure=False)


def _whole(kind: Kind, leaf: Leaf, *, sure: bool = True) -> Found:
    """Return what a column is with all its cells, from the first that is there."""
    there = leaf.texts.is_valid()
    first = pc.index(there, value=True).as_py()
    return Found(kind=kind, cells=pc.sum(there).as_py(), row=_row(first, leaf), sure=sure)


def _fills(kind: Kind, sample: list[str]) -> bool:
    """Whether most of the cells are a valid identifier of this kind, and nothing else."""
    head = sample[:_MANY]
    if sum(kind.compiled.fullmatch(text.strip()) is not None for text in head) < _FULL * len(head):
        return False
    matches = (kind.compiled.fullmatch(text.strip()) for text in sample)
    right = sum(match is not None and kind.holds(match[0]) for match in matches)
    return right >= _FULL * len(sample)
