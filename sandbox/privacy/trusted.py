"""Writes the trusted SQL: integer vectors over the cells of an answer, from the gate's views.

The statements stand on rows `r` with the unit `u`, the categories d0, d1, … as text and what the measures need. The proofs
of what one unit changes are in `bounding`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isqrt

from sandbox.privacy.bounding import STEPS, Vector
from sandbox.privacy.draft import Rows
from sandbox.privacy.keys import Key
from sandbox.privacy.value import big

_FINE = 2**10
"""Steps of a norm: rounding one up costs a thousandth of a large unit's weight."""


class Shape(StrEnum):
    """What a statement gives beside the categories."""

    SUMS = "sums"
    """One integer for each vector."""
    BINS = "bins"
    """The bins that are not empty, and their weights, as two lists."""
    VOTES = "votes"
    """The weight of a private key."""


class Bound(StrEnum):
    """How a statement bounds what one unit adds; the proofs are in `bounding`."""

    STORED = "stored"
    """By the number of its rows, which ingest has stored."""
    COUNTED = "counted"
    """By the number of its rows, which the statement counts."""
    ONCE = "once"
    """It has one row."""
    NORM = "norm"
    """By the L2 norm of its rows in the cells."""
    EXACT = "exact"
    """Only some of its cells count, and each is clamped."""
    CELLS = "cells"
    """By the number of cells that it is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a plan."""

    sql: str
    shape: Shape
    keys: int
    """How many categories come first."""
    events: tuple[int, ...]
    """Which event each integer is for, in turn."""
    bound: Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """What all statements of one question share."""

    rows: Rows
    keys: tuple[Key, ...]
    columns: tuple[tuple[str, str], ...]
    """Names and trusted SQL of what the measures need of each row."""
    bound: int
    """B: how many rows of a unit weigh in full."""
    kept: int = 0
    """K, for exact bounding: how many cells of a unit count."""
    salt: int = 0
    """Keeps the choice of cells apart from that of other questions."""

    @property
    def by_rows(self) -> Bound:
        """Return how sums over rows are bounded."""
        if self.rows.unit.once:
            return Bound.ONCE
        return Bound.COUNTED if self.rows.unit.rows is None else Bound.STORED

    def sums(self, vectors: Sequence[Vector]) -> str:
        """Sum vectors over rows, each unit bounded by its number of rows."""
        return self._weighed([v.addend for v in vectors], by=self._by(len(self.keys)))

    def bins(self, place: str) -> str:
        """Sum the weights of rows in each cell and bin; rows without a number are in none."""
        by = self._by(len(self.keys))
        inner = self._weighed([big(STEPS)], by=[*by, place])
        names = [*by, "b", "w"]
        known = "FILTER (WHERE b IS NOT NULL)"
        listed = ", ".join([*by, f"list(b) {known}", f"list(w) {known}"])
        return f"SELECT {listed} FROM ({inner}) AS v({', '.join(names)}){_group(len(by))}"  # noqa: S608 - written by this room

    def norms(self, vectors: Sequence[Vector]) -> str:
        """Sum vectors over rows, each unit bounded by the L2 norm of its rows in the cells."""
        top = _FINE * self.bound
        norm = f"CAST(ceil({_FINE} * sqrt(CAST(s AS DOUBLE))) AS BIGINT) + 1"
        weight = f"CASE WHEN s <= {self.bound**2} THEN {top} ELSE {norm} END"
        sums = ", ".join(f"sum(q{i} * {big(top)} // w)" for i in range(len(vectors)))
        return (
            f"WITH {self._pairs(['count(*) AS c', *_sums(vectors)])},"  # noqa: S608 - every part is written by this room
            " w AS (SELECT u, sum(CAST(c AS HUGEINT) * c) AS s FROM p GROUP BY u),"
            f" n AS (SELECT u, {weight} AS w FROM w)"
            f" SELECT {self._listed(sums)} FROM p JOIN n USING (u){self._grouped()}"
        )

    def exact(self, vectors: Sequence[Vector], *, units: bool) -> str:
        """Sum vectors over the kept cells of each unit, each clamped; and with `units`, count them."""
        names = [*self._by(len(self.keys)), *(f"q{i}" for i in range(len(vectors)))]
        fields = "".join(f", '{name}': {name}" for name in names)
        salted = ", ".join([*self._by(len(self.keys)), big(self.salt)])
        clamped = [f"{_within(v, self.bound * v.most)} AS q{i}" for i, v in enumerate(vectors)]
        sums = [f"sum(q{i})" for i in range(len(vectors))]
        counts = [f"count(*) * {big(STEPS)}"] if units else []
        return (
            f"WITH {self._pairs(clamped, kept='NOT MATERIALIZED')},"  # noqa: S608 - every part is written by this room
            f" k AS (SELECT u, unnest(min({{'h': hash({salted}){fields}}}, {self.kept}), max_depth := 2)"
            " FROM p GROUP BY u)"
            f" SELECT {self._listed(', '.join([*sums, *counts]))} FROM k{self._grouped()}"
        )

    def units(self, *, cells: int, square: bool) -> str:
        """Count the units of each cell, each unit bounded by the number of cells that it is in."""
        if square:
            most = root_above(cells * STEPS * STEPS)
            norm = f"(CAST(ceil({_FINE} * sqrt(CAST(c AS DOUBLE))) AS BIGINT) + 1)"
            one = f"CASE WHEN c <= {cells} THEN {big(STEPS)} ELSE {big(_FINE * most)} // {norm} END"
        else:
            one = f"{big(STEPS * cells)} // CASE WHEN c > {cells} THEN c ELSE {cells} END"
        return self._distinct(f"sum({one})", self.keys, held="")

    def votes(self, *, most: int) -> str:
        """Let each unit vote for the private keys that it is in, with an L2 norm of at most one.

        A unit in more than `most` of them does not vote: the threshold counts on it.
        """
        private = tuple(key for key in self.keys if key.private)
        one = f"{big(_FINE * STEPS)} // CAST(ceil({_FINE} * sqrt(CAST(c AS DOUBLE))) AS BIGINT)"
        return self._distinct(f"sum({one})", private, held=f" WHERE c <= {most}")

    def _distinct(self, aggregate: str, keys: tuple[Key, ...], *, held: str) -> str:
        by = self._by(len(keys))
        rows = self._rows(keys, columns=(), weight="")
        return (
            f"WITH p AS (SELECT DISTINCT {', '.join(['u', *by])} FROM ({rows}) AS r),"  # noqa: S608 - every part is written by this room
            " n AS (SELECT u, count(*) AS c FROM p GROUP BY u)"
            f" SELECT {', '.join([*by, aggregate])} FROM p JOIN n USING (u){held}{_group(len(by))}"
        )

    def _weighed(self, addends: Sequence[str], *, by: list[str]) -> str:
        """Sum addends, each scaled by B over the number of rows of its unit."""
        listed, group = ", ".join(by), _group(len(by))
        stored = self.rows.unit.rows
        if stored is None:
            weight = f"CASE WHEN n > {self.bound} THEN n ELSE {self.bound} END"
            sums = ", ".join(self._scaled(addend, weight) for addend in addends)
            rows = self._rows(self.keys, columns=self.columns, weight="")
            kept = "MATERIALIZED" if self.rows.joined else "NOT MATERIALIZED"
            return (
                f"WITH r AS {kept} ({rows}),"  # noqa: S608 - every part is written by this room
                " n AS (SELECT u, count(*) AS n FROM r GROUP BY u)"
                f" SELECT {f'{listed}, ' if by else ''}{sums} FROM r JOIN n USING (u){group}"
            )
        rows = self._rows(self.keys, columns=self.columns, weight=stored)
        weight = f"greatest(n, {self.bound})"  # a sixth faster than CASE, which would have to see to NULL
        sums = ", ".join(self._scaled(addend, weight) for addend in addends)
        return f"SELECT {f'{listed}, ' if by else ''}{sums} FROM ({rows}) AS r{group}"  # noqa: S608 - written by this room

    def _scaled(self, addend: str, weight: str) -> str:
        """Return a sum of addends, each times B over the weight; a unit of one row needs no division."""
        if self.rows.unit.once:
            return f"sum({addend})"
        return f"sum({addend} * {big(self.bound)} // {weight})"

    def _pairs(self, sums: Sequence[str], *, kept: str = "MATERIALIZED") -> str:
        """Return one row for each unit in each cell, with these aggregates of its rows there."""
        by = ["u", *self._by(len(self.keys))]
        rows = self._rows(self.keys, columns=self.columns, weight="")
        listed = ", ".join([*by, *sums])
        return f"p AS {kept} (SELECT {listed} FROM ({rows}) AS r GROUP BY {', '.join(by)})"  # noqa: S608 - written by this room

    def _rows(
        self, keys: tuple[Key, ...], *, columns: tuple[tuple[str, str], ...], weight: str
    ) -> str:
        named = [
            f"{self.rows.unit.id} AS u",
            *([f"{weight} AS n"] if weight else []),
            *(f"{key.sql} AS d{i}" for i, key in enumerate(keys)),
            *(f"{sql} AS {name}" for name, sql in columns),
        ]
        known = [f"{key.sql} IS NOT NULL" for key in self.keys]
        known += [f"{weight} >= 1"] if weight else []
        held = " AND ".join([*known, *([self.rows.where] if self.rows.where else [])])
        return f"SELECT {', '.join(named)} FROM {self.rows.sql}{f' WHERE {held}' if held else ''}"  # noqa: S608 - written by this room

    def _by(self, count: int) -> list[str]:
        return [f"d{i}" for i in range(count)]

    def _listed(self, sums: str) -> str:
        return ", ".join([*self._by(len(self.keys)), sums])

    def _grouped(self) -> str:
        return _group(len(self.keys))


def root_above(value: int) -> int:
    """Return the smallest whole number whose square is at least `value`."""
    root = isqrt(value)
    return root if root * root == value else root + 1


def _sums(vectors: Sequence[Vector]) -> list[str]:
    return [f"sum({vector.addend}) AS q{i}" for i, vector in enumerate(vectors)]


def _within(vector: Vector, most: int) -> str:
    """Return a sum that is clamped to `most`, which is below 2^35: lists of BIGINT are a fifth faster than of HUGEINT."""
    total = f"sum({vector.addend})"
    clamp = f"CASE WHEN {total} > {most} THEN {most} WHEN {total} < -{most} THEN -{most} ELSE {total} END"
    return f"CAST({clamp} AS BIGINT)"


def _group(count: int) -> str:
    """Return GROUP BY over the first columns, by number."""
    return f" GROUP BY {', '.join(str(i + 1) for i in range(count))}" if count else ""
