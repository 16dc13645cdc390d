"""What a class of rows is called in a column: an interval, a set of categories, and how much that hides.

A label is JSON where it stands for several values: `[20,35]` is an interval with its ends, `["CA","NY"]` a set of categories
by the catalogue's order; `null` behind them says that some rows lack the value. A single category is written as it is.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.anonymity.classes import Numbers
from sandbox.anonymity.coding import Coded, Codes, Figures, coded
from sandbox.asset import Column

_QUOTED = (pa.types.is_date, pa.types.is_timestamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """One column of all classes."""

    texts: pa.Array
    """By class; missing where no row of the class has the value."""
    losses: Figures
    """By class, from 0 (one value) to 1 (any value): the normalised certainty penalty (Xu et al., 2006).

    An interval's share of the whole width, or all but one of a set's categories over all but one of all; 1 where only some
    rows of the class lack the value.
    """


def labels(column: Coded, codes: Codes, classes: Numbers, count: int) -> Labels:
    """Label the classes of a column, from the class and the code of each item."""
    if column.is_number:
        return _intervals(column, codes, classes, count)
    return _sets(column, codes, classes, count)


def alone(values: pa.Array, column: Column) -> pa.Array:
    """Return the label of each value as that of a class in which every row has it."""
    found, count = coded(pa.chunked_array([values]), column), len(values)
    return labels(found, found.codes, np.arange(count), count).texts


def _intervals(column: Coded, codes: Codes, classes: Numbers, count: int) -> Labels:
    there = codes < column.size - column.values.null_count
    least, most = np.full(count, column.size), np.full(count, -1)
    np.minimum.at(least, classes[there], codes[there])
    np.maximum.at(most, classes[there], codes[there])
    lacking = np.zeros(count, bool)
    lacking[classes[~there]] = True
    empty = most < 0
    least[empty] = most[empty] = 0
    reach = column.positions[most] - column.positions[least] if column.size else np.zeros(count)
    ends = _numbers(column.values)
    closes = pa.array(["]", ",null]"]).take(pa.array(lacking.astype(np.int8)))
    texts = pc.binary_join_element_wise(
        "[", ends.take(pa.array(least)), ",", ends.take(pa.array(most)), closes, ""
    )
    return Labels(
        texts=pc.if_else(pa.array(empty), None, texts),
        losses=np.where(empty, 0.0, np.where(lacking, 1.0, reach)),
    )


def _numbers(values: pa.Array) -> pa.Array:
    texts = values.cast(pa.string())
    if any(is_quoted(values.type) for is_quoted in _QUOTED):
        return pc.binary_join_element_wise('"', texts, '"', "")
    return texts


def _sets(column: Coded, codes: Codes, classes: Numbers, count: int) -> Labels:
    members = np.unique(classes * np.int64(column.size) + codes)
    group, code = members // column.size, members % column.size
    sizes = np.bincount(group, minlength=count)
    begins = np.cumsum(np.append(0, sizes))
    names = _names(column.values)
    quoted = pa.array([_json(name) for name in names], pa.string())
    lists = pa.ListArray.from_arrays(pa.array(begins, pa.int32()), quoted.take(pa.array(code)))
    several = pc.binary_join_element_wise("[", pc.binary_join(lists, ","), "]", "")
    alone = pa.array([_alone(name) for name in names], pa.string()).take(
        pa.array(code[begins[:-1]])
    )
    return Labels(
        texts=pc.if_else(pa.array(sizes == 1), alone, several),
        losses=(sizes - 1) / max(1, column.size - 1),
    )


def _names(values: pa.Array) -> Sequence[str | None]:
    names: list[str | None] = values.cast(pa.string()).to_pylist()
    return names


def _json(name: str | None) -> str:
    return json.dumps(name, ensure_ascii=False)


def _alone(name: str | None) -> str | None:
    return f"[{_json(name)}]" if name and name.startswith("[") else name
