"""Lays the cells of several releases over the rows that they are made of: which rows do all of them treat alike?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from sandbox.data.engine import engine
from sandbox.data.snapshot import snapshot_path
from sandbox.egress.disclosure.profile import Profile
from sandbox.egress.spans.audit import Crowds
from sandbox.egress.spans.lines import Asked, Part, crowds_of, kinds_of, look, states_of

Codes: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Coded: TypeAlias = tuple[Codes, Mapping[str, int]]
"""A code for each kind, -1 where it has no category, and each category's code."""

_SEEDS = (20_260_101, 20_260_102)
_MOST_KEY = 2**62
_NOWHERE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """The cells of all parts over the atoms."""

    members: Any
    """Sparse, cells x atoms, 0 or 1; the cells in the order of the parts, as each span lists them."""
    crowds: Crowds
    states: int
    """How many units they are about, each once for every state that its rows were in; at least, where that is enough."""


def lay(parts: Sequence[Part], *, data: Path, work: Path, limits: Profile) -> Laid:
    """Lay the cells of `parts`, which all are totals of the same measures of one asset, over the rows.

    Raise `TooManyError` where there are more than `MOST_KINDS` kinds of rows, `UnknownAssetError` where a snapshot is gone;
    `work` is an empty folder.
    """
    asked = Asked.of(parts)
    folders = [snapshot_path(digest, data=data).parent for digest in asked.snapshots]
    with engine(work=work, reads=folders) as connection:
        look(connection, asked, data)
        kinds = kinds_of(connection, asked)
        members = _members(parts, asked, kinds)
        atom, members = _atoms(members)
        kinds = kinds.append_column("atom", pa.array(atom))
        crowds = crowds_of(connection, asked, kinds, members, limits.min_units)
        states = int(crowds.units.max(initial=0))
        if not within_rank(members.shape[0], states, limits):
            states = states_of(connection, asked)
        return Laid(members=members, crowds=crowds, states=states)


def within_rank(cells: int, units: int, limits: Profile) -> bool:
    """Whether so many independent totals about so many units may be told."""
    return cells * 100 <= limits.rank_percent * units


def _members(parts: Sequence[Part], asked: Asked, kinds: pa.Table) -> Any:  # noqa: ANN401 - scipy's sparse matrices have no types
    """Return cells x kinds."""
    texts = {each: _coded(kinds.column(f"d{i}")) for i, each in enumerate(asked.dimensions)}
    flags = {each: _flags(kinds.column(f"c{i}")) for i, each in enumerate(asked.conditions)}
    known = {each: _flags(kinds.column(f"k{i}")) for i, each in enumerate(asked.known)}
    held = np.asarray(kinds.column("held"), dtype=np.int64)
    rows, columns, first = [_NOWHERE], [_NOWHERE], 0
    for part in parts:
        inside = (held >> asked.snapshots.index(part.span.snapshot)) & 1 > 0
        wanted = [flags[part.span.condition]] if part.span.condition else []
        wanted += [known[column] for column in part.quantity.known]
        coded = [texts[written] for written in part.span.dimensions]
        wanted += [codes >= 0 for codes, _ in coded]
        inside = reduce(np.logical_and, wanted, inside)
        for cells, members in _matched(part.span.cells, coded, np.flatnonzero(inside)):
            rows.append(first + cells)
            columns.append(members)
        first += len(part.span.cells)
    shape = (first, kinds.num_rows)
    places = (np.concatenate(rows), np.concatenate(columns))
    return csr_matrix((np.ones(len(places[0])), places), shape=shape)


def _coded(column: pa.ChunkedArray) -> Coded:
    coded = column.combine_chunks().dictionary_encode()
    codes = np.asarray(pc.fill_null(coded.indices, -1), dtype=np.int64)
    return codes, {text: code for code, text in enumerate(coded.dictionary.to_pylist())}


def _flags(column: pa.ChunkedArray) -> Flags:
    return np.asarray(column.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _matched(
    cells: Sequence[tuple[str, ...]], coded: Sequence[Coded], inside: Codes
) -> Iterator[tuple[Codes, Codes]]:
    """Yield cells and the kinds in them; cells with the same totals at once."""
    ordered = sorted(range(len(cells)), key=lambda at: _shown(cells[at]))
    for kept, group in groupby(ordered, key=lambda at: _shown(cells[at])):
        places = np.fromiter(group, dtype=np.int64)
        columns = []
        for i in kept:
            codes, names = coded[i]
            asked = [names.get(cells[at][i], len(names)) for at in places]  # a category of nobody
            columns.append((np.concatenate([np.array(asked), codes[inside]]), len(names) + 1))
        of_cell, of_kind = np.split(_keys(columns, len(places) + len(inside)), [len(places)])
        order = np.argsort(of_cell)
        found = np.minimum(np.searchsorted(of_cell[order], of_kind), len(places) - 1)
        hit = of_cell[order][found] == of_kind
        yield places[order[found[hit]]], inside[hit]


def _keys(columns: Sequence[tuple[Codes, int]], length: int) -> Codes:
    """Return a number for each row of several columns of codes below a size: equal where the rows are."""
    keys, most = np.zeros(length, dtype=np.int64), 1
    for codes, size in columns:
        if most * size > _MOST_KEY:
            known, keys = np.unique(keys, return_inverse=True)
            most = len(known)
        keys, most = keys * size + codes, most * size
    return keys


def _shown(labels: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(i for i, each in enumerate(labels) if each)


def _atoms(members: Any) -> tuple[Codes, Any]:  # noqa: ANN401 - as above
    """Return each kind's atom, -1 where it is in no cell, and cells x atoms."""
    entries = members.tocoo()
    first_sums, others = (_sums(entries, members.shape, seed) for seed in _SEEDS)
    _, first, atom = np.unique(first_sums, return_index=True, return_inverse=True)
    if (
        others[first][atom] != others
    ).any():  # two kinds in different cells with the same sum: once in 2^28
        both = np.stack([first_sums, others], axis=1)
        _, first, atom = np.unique(both, axis=0, return_index=True, return_inverse=True)
    used = first_sums[first] != 0
    numbers = np.where(used, np.cumsum(used) - 1, -1)
    return numbers[atom.ravel()], members.tocsc()[:, first[used]].tocsr()


def _sums(entries: Any, shape: tuple[int, int], seed: int) -> Codes:  # noqa: ANN401 - as above
    """Add up random marks of the cells that each kind is in."""
    marks = np.random.default_rng(seed).integers(1, 2**62, size=shape[0])
    sums = np.zeros(shape[1], dtype=np.int64)
    np.add.at(sums, entries.col, marks[entries.row])
    return sums
