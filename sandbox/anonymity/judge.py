"""Judges a table: the evidence of how anonymous it is, whoever made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.anonymity.classes import Groups, Numbers, Units, grouped, pairs, units_in
from sandbox.anonymity.coding import Coded, coded
from sandbox.anonymity.diversity import diversity
from sandbox.anonymity.evidence import Evidence
from sandbox.anonymity.risks import NO_RISKS, linked_k, risks
from sandbox.asset import Column, Kind, Role
from sandbox.errors import ViewError

_KNOWABLE = frozenset({Role.DIMENSION, Role.ATTRIBUTE})
_DENSE = 4
Source: TypeAlias = Path | pa.Table
"""A Parquet file, or a table in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What an intruder is taken to know of a unit, and what he would like to know."""

    quasi: tuple[str, ...]
    sensitive: tuple[str, ...] = ()

    @classmethod
    def of(cls, columns: Sequence[Column]) -> "Known":
        """Take dimensions and attributes for what others may know, and measures for what they may not."""
        return cls(
            quasi=tuple(each.name for each in columns if each.role in _KNOWABLE),
            sensitive=tuple(each.name for each in columns if each.role is Role.MEASURE),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A table's columns as codes, and whom each row is about."""

    quasi: tuple[Coded, ...]
    sensitive: tuple[Coded, ...]
    units: Units
    count: int


def evidence_of(
    source: Source,
    columns: Sequence[Column],
    *,
    unit: str,
    known: Known,
    population: Source | None = None,
) -> Evidence:
    """Judge the rows of any table, such as a snapshot, a view or an outside party's.

    `columns` declares the table's columns, and `unit` names the one that tells protected units apart. `population` is
    what the rows were taken from, with the same columns: without it, whoever is in it is taken to be in the table.
    Takes about 20 bytes of memory for each row and column. Raises `ViewError` where `known` names a column that is not
    declared, one twice, or a column holds what its declaration excludes.
    """
    named = chosen(columns, known)
    table = read(source, named, unit=unit)
    rows = coded_rows(table, named, unit=unit, known=known)
    if population is None:
        return judged(rows)
    quasi = named[: len(known.quasi)]
    return judged(rows, population=_crowds(table, population, quasi, unit=unit))


def judged(
    rows: Rows, *, classes: Groups | None = None, population: Numbers | None = None
) -> Evidence:
    """Return the evidence of coded rows, which are classes by their quasi-identifiers where none are given.

    `population` has the units of each class in what the rows were taken from; without it they are that themselves.
    """
    quasi = tuple(column.name for column in rows.quasi)
    if not rows.count:
        return Evidence(
            quasi=quasi, rows=0, units=0, classes=0, k=0, linked_k=0, alone=0, risks=NO_RISKS
        )
    classes = classes or grouped(rows.quasi, rows.count)
    sizes = units_in(classes, rows.units)
    return Evidence(
        quasi=quasi,
        rows=rows.count,
        units=rows.units.seen(),
        classes=classes.count,
        k=int(sizes.min()),
        linked_k=linked_k(classes, rows.units, sizes),
        alone=_alone(classes, rows.units, sizes),
        risks=risks(classes, rows.units, sizes, sizes if population is None else population),
        sensitive=tuple(diversity(each, classes, rows.units, sizes) for each in rows.sensitive),
    )


def read(source: Source, columns: Sequence[Column], *, unit: str) -> pa.Table:
    """Return the columns that are judged, and the unit's."""
    names = list(dict.fromkeys([*(column.name for column in columns), unit]))
    if isinstance(source, pa.Table):
        return source.select(names)
    texts = [column.name for column in columns if column.kind is Kind.STRING]
    with pq.ParquetFile(source, read_dictionary=texts, memory_map=True) as file:
        return file.read(columns=names)


def coded_rows(table: pa.Table, columns: Sequence[Column], *, unit: str, known: Known) -> Rows:
    """Code the columns that an intruder knows, or would like to."""
    found = {column.name: coded(table.column(column.name), column) for column in columns}
    return Rows(
        quasi=tuple(found[name] for name in known.quasi),
        sensitive=tuple(found[name] for name in known.sensitive),
        units=_units(table.column(unit)),
        count=table.num_rows,
    )


def chosen(columns: Sequence[Column], known: Known) -> tuple[Column, ...]:
    """Return the columns that `known` names; raise `ViewError` where one is not there, or named twice."""
    named = (*known.quasi, *known.sensitive)
    by_name = {column.name: column for column in columns}
    if len(set(named)) < len(named) or not set(named) <= set(by_name):
        raise ViewError("A column to be judged is not declared, or named twice")
    return tuple(by_name[name] for name in named)


def _units(column: pa.ChunkedArray) -> Units:
    """Return a number for each unit; small numbers, as the gate's file has them, are taken as they are."""
    if column.null_count:
        raise ViewError("A row to be judged is about no unit")
    if pa.types.is_integer(column.type):
        of = column.to_numpy().astype(np.int64, copy=False)
        if len(of) and of.min() >= 0 and of.max() < _DENSE * len(of):
            return Units.of_numbers(of, count=int(of.max()) + 1)
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    chunks = encoded.unify_dictionaries().chunks
    parts = (chunk.indices.to_numpy().astype(np.int64) for chunk in chunks)
    of = np.concatenate([np.zeros(0, np.int64), *parts])
    return Units.of_numbers(of, count=len(chunks[0].dictionary) if chunks else 0)


def _alone(classes: Groups, units: Units, sizes: Numbers) -> int:
    group, unit = pairs(classes, units)
    alone = np.zeros(units.count, bool)
    alone[unit[sizes[group] == 1]] = True
    return int(alone.sum())


def _crowds(own: pa.Table, population: Source, quasi: Sequence[Column], *, unit: str) -> Numbers:
    """Return how many units the population has in each class of the rows, in the order of their classes."""
    names = tuple(column.name for column in quasi)
    whole = read(population, quasi, unit=unit)
    both = pa.concat_tables([own.select(whole.column_names), whole])
    rows = coded_rows(both, quasi, unit=unit, known=Known(quasi=names))
    classes, first = grouped(rows.quasi, rows.count), own.num_rows
    crowds = units_in(
        Groups(of=classes.of[first:], count=classes.count), rows.units.slice(first, rows.count)
    )
    found: Numbers = crowds[np.unique(classes.of[:first])]
    return found
