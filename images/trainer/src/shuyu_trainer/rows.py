"""Reads the view and turns its rows into numbers, by public bounds and domains alone; no row can make it fail."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shuyu_trainer.draw import Bytes, shuffled


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows that teach, sorted by unit, each unit's in a random order and cut off at the most that it may have."""

    plain: np.ndarray
    """(rows, numbers), float32."""
    places: np.ndarray
    """(rows, embedded features), int64: which of a feature's learnt rows stands for a category."""
    target: np.ndarray
    """(rows,), float64: 0 or 1, the place of a category, or a scaled number."""
    first: np.ndarray
    """(units,): where a unit's rows begin."""
    counts: np.ndarray
    """(units,): how many rows it has, at least 1."""


def read(recipe: dict[str, Any], data: Path, *, source: Bytes) -> Rows:
    """Read the asset's view under `data` as the recipe says."""
    asset, features, target = recipe["asset"], recipe["features"], recipe["target"]
    names = [recipe["unit"], target["column"], *(each["column"] for each in features)]
    table = pq.read_table(data / asset / f"{asset}.parquet", columns=names)
    goal = goal_of(table.column(target["column"]), target)
    units = pc.dictionary_encode(table.column(recipe["unit"])).combine_chunks()
    units = units.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    kept = _kept(units, goal, most=recipe["rows_per_unit"], source=source)
    plain, places = encoded(table, features)
    _, first, counts = np.unique(units[kept], return_index=True, return_counts=True)
    return Rows(
        plain=plain[kept], places=places[kept], target=goal[kept], first=first, counts=counts
    )


def _kept(units: np.ndarray, goal: np.ndarray, *, most: int, source: Bytes) -> np.ndarray:
    """Return which rows teach: sorted by unit, in random order within one, at most `most` of each."""
    order = shuffled(len(units), source=source)
    order = order[(units[order] >= 0) & np.isfinite(goal[order])]
    order = order[np.argsort(units[order], kind="stable")]
    _, first, counts = np.unique(units[order], return_index=True, return_counts=True)
    return order[np.arange(len(order)) - np.repeat(first, counts) < most]


def encoded(table: pa.Table, features: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the plain numbers of each row, and the places of its embedded categories."""
    parts = [np.zeros((table.num_rows, 0), np.float32)]
    places = [np.zeros((table.num_rows, 0), np.int64)]
    for feature in features:
        column = table.column(feature["column"])
        if feature["kind"] == "number":
            parts.append(np.nan_to_num(scaled(column, feature), nan=0.0)[:, None])
        elif feature["kind"] == "binned":
            parts.append(_indicators(_bin(column, feature["cuts"]), len(feature["cuts"]) + 2))
        elif "width" in feature:
            places.append(_place(column, feature["domain"])[:, None])
        else:
            parts.append(_indicators(_place(column, feature["domain"]), len(feature["domain"]) + 1))
    return np.concatenate(parts, axis=1, dtype=np.float32), np.concatenate(places, axis=1)


def goal_of(column: pa.ChunkedArray, target: dict[str, Any]) -> np.ndarray:
    """Return what each row should give; NaN where it teaches nothing."""
    if target["kind"] == "amount":
        return scaled(column, target)
    place = _place(column, target["domain"])
    if target["kind"] == "one_of":
        return np.where(place > 0, place - 1.0, np.nan)
    positive = [target["domain"].index(each) + 1 for each in target["positive"]]
    return np.where(place > 0, np.isin(place, positive), np.nan)


def scaled(column: pa.ChunkedArray, bounds: dict[str, Any]) -> np.ndarray:
    """Return numbers between -1 and 1: clamped to the declared bounds; NaN where there is none."""
    lower, upper = float(bounds["lower"]), float(bounds["upper"])
    return (np.clip(_numbers(column), lower, upper) - lower) / (upper - lower) * 2 - 1


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    wide = column.combine_chunks().cast(pa.float64(), safe=False)
    return wide.fill_null(np.nan).to_numpy(zero_copy_only=False)


def _bin(column: pa.ChunkedArray, cuts: list[float]) -> np.ndarray:
    """Return each number's bin; one more than the last is what is missing."""
    numbers = _numbers(column)
    found = np.searchsorted(np.array(cuts), numbers, side="right")
    return np.where(np.isnan(numbers), len(cuts) + 1, found)


def _place(column: pa.ChunkedArray, domain: list[str]) -> np.ndarray:
    """Return each category's place in the domain, from 1; 0 is whatever is not in it."""
    texts = column.combine_chunks().cast(pa.string())
    found = pc.index_in(texts, pa.array(domain, pa.string())).fill_null(-1)
    return found.to_numpy(zero_copy_only=False).astype(np.int64) + 1


def _indicators(place: np.ndarray, width: int) -> np.ndarray:
    return (place[:, None] == np.arange(width)).astype(np.float32)
