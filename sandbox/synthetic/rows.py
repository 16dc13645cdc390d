"""Draws rows: from a tree of noisy counts, or from a declaration alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sandbox.asset import Column, Kind, Role
from sandbox.data.kinds import ARROW
from sandbox.data.pseudonyms import PSEUDONYM_BYTES
from sandbox.synthetic.coding import Codes, Coding, coded
from sandbox.synthetic.tree import Counts, Noisy, Pair, ordered

MOST_ROWS = 100_000
_DAYS = (0, 20_000)
"""Made-up dates: within 1970 and 2024."""
_SECOND = 86_400 * 1_000_000
_DECIMALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What rows are drawn from: codes of each column, and how each goes with its parent in the tree."""

    codings: tuple[Coding, ...]
    root: Counts
    """The distribution of column 0's codes."""
    edges: tuple[Pair, ...]
    """(parent, child), parents first."""
    given: Mapping[Pair, Counts]
    """For each edge a distribution of the child's codes for each code of the parent: [parent, child]."""


def fitted(
    codings: tuple[Coding, ...], root: Noisy, edges: tuple[Pair, ...], pairs: Mapping[Pair, Noisy]
) -> Model:
    """Return the model of noisy counts; where a parent's code was hardly seen, its child follows the others."""
    given = {edge: _given(edge, pairs[ordered(edge)]) for edge in edges}
    return Model(codings=codings, root=root.shares, edges=edges, given=given)


def drawn(model: Model, rows: int, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Return a value of each coded column for each of `rows` rows, which are independent of each other."""
    codes: dict[int, Codes] = {0: rng.choice(len(model.root), size=rows, p=model.root)}
    for parent, child in model.edges:
        codes[child] = _children(model.given[parent, child], codes[parent], rng)
    return {
        coding.column.name: coding.values(codes[place], rng)
        for place, coding in enumerate(model.codings)
    }


def declared(column: Column, rows: int, rng: np.random.Generator) -> pa.Array:
    """Return values that a column could have by its declaration alone; nothing of the data is in them."""
    coding = coded(column)
    if coding is not None:
        return coding.values(rng.integers(0, coding.size, size=rows), rng)
    if column.domain:
        return pa.array(rng.choice(column.domain, size=rows), pa.string()).cast(ARROW[column.kind])
    return _plain(column.kind, rows, rng)


def table(
    columns: tuple[Column, ...],
    hidden: frozenset[str],
    made: Mapping[str, pa.Array],
    *,
    rows: int,
    rng: np.random.Generator,
) -> pa.Table:
    """Put a table together in the view's order: `made` where a column is there, pseudonyms where it is `hidden`."""
    arrays = {
        column.name: pseudonyms(rows, rng)
        if column.name in hidden or column.role in (Role.UNIT, Role.IDENTIFIER)
        else made.get(column.name, None)
        for column in columns
    }
    whole = {
        column.name: array
        if (array := arrays[column.name]) is not None
        else declared(column, rows, rng)
        for column in columns
    }
    return pa.table(whole)


def pseudonyms(count: int, rng: np.random.Generator) -> pa.Array:
    """Return as many texts as pseudonyms look like, of which none stands for anybody."""
    digits = rng.bytes(count * PSEUDONYM_BYTES).hex()
    width = 2 * PSEUDONYM_BYTES
    return pa.array([digits[at : at + width] for at in range(0, len(digits), width)], pa.string())


def _given(edge: Pair, noisy: Noisy) -> Counts:
    counts = noisy.counts if edge == ordered(edge) else noisy.counts.T
    positive = np.maximum(counts, 0.0)
    # below what the noise alone would show, a row says nothing: all rows together do
    heard = positive.sum(axis=1) > noisy.deviation * counts.shape[1]
    whole = Noisy(counts=positive.sum(axis=0), deviation=noisy.deviation).shares
    sums = np.where(heard, positive.sum(axis=1), 1.0)
    given: Counts = np.where(heard[:, None], positive / sums[:, None], whole[None, :])
    return given


def _children(given: Counts, parents: Codes, rng: np.random.Generator) -> Codes:
    """Draw a child for each parent, by inversion of its row's cumulative sums."""
    sums = given.cumsum(axis=1)
    sums[:, -1] = 1.0
    ticket = rng.random(len(parents))
    children: Codes = (ticket[:, None] >= sums[parents]).sum(axis=1)
    return children


def _plain(kind: Kind, rows: int, rng: np.random.Generator) -> pa.Array:
    """Return values of a kind of which nothing else is declared."""
    match kind:
        case Kind.STRING:
            return pa.array([f"text-{number:06d}" for number in range(1, rows + 1)], pa.string())
        case Kind.INT:
            return pa.array(rng.integers(0, 1000, size=rows), pa.int64())
        case Kind.FLOAT:
            return pa.array(np.round(rng.random(rows), _DECIMALS), pa.float64())
        case Kind.BOOL:
            return pa.array(rng.random(rows) < 1 / 2, pa.bool_())
        case Kind.DATE:
            return pa.array(rng.integers(*_DAYS, size=rows).astype(np.int32)).cast(pa.date32())
        case Kind.TIMESTAMP:
            days = rng.integers(*_DAYS, size=rows)
            return pa.array(days * _SECOND).cast(pa.timestamp("us"))
