"""Asks of a stream whether it is one column of the source, alone or in an order of its own.

Three tests. Numbers that the source has exactly: far more of them than of numbers that look alike, which are made up
between them (so a column whose every value is taken, such as an age, proves nothing). Texts that the source has in fewer
rows than a group may be small. And the shape: the distance of Kolmogorov and Smirnov between log sizes, medians removed,
which scaling, rounding and a little noise leave as it is.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa

from sandbox.data.codes import number_codes, text_codes
from sandbox.data.sealed import SealedColumn, Store
from sandbox.egress.raw.streams import LEAST, Stream

DECOYS = 4
"""Numbers that are made up beside each number of a stream."""
ENOUGH_BITS = 40
"""Of surprise that so many numbers are the source's."""
FEWEST_SHAPED = 100
"""Numbers of a stream that have a shape."""
FEWEST_DISTINCT = 50
"""Distinct numbers of a stream or column that have a shape."""
NEAR_SHAPE = 1.1
"""Distance of shapes, times the root of how many numbers there are, that counts as equal: about one in five samples of a
column itself is farther off."""
FARTHEST = 0.1
"""Distance of shapes that is never taken for equal."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much a stream is like one column of the source."""

    column: str
    of: int
    """Distinct cells of the stream."""
    exact: int = 0
    """Of them, those that the column has, where that is a surprise."""
    distance: float = 1.0
    """Of the two shapes."""
    is_shaped: bool = False
    """Whether they count as equal."""


def number_likeness(stream: Stream, store: Store) -> list[Likeness]:
    """Return how much a stream of numbers, its steps and its running sums are like each column."""
    found = []
    for numbers in (stream.numbers, np.diff(stream.numbers), np.cumsum(stream.numbers)):
        sizes = np.unique(_clean(numbers))
        mine, first = np.unique(number_codes(sizes, store.key), return_index=True)
        if len(mine) < LEAST:
            continue
        made_up = number_codes(_decoys(np.sort(sizes[first])), store.key)
        for column in (each for each in store.columns if each.is_number):
            hits = int(there(mine, column).sum())
            chance = (there(made_up, column).sum() + 1) / (len(made_up) + 2)
            bits = surprise(hits, len(mine), float(chance))
            exact = hits if hits >= LEAST and bits >= ENOUGH_BITS else 0
            found.append(Likeness(column.name, len(mine), exact=exact))
    return found


def text_likeness(stream: Stream, store: Store, *, fewest: int) -> list[Likeness]:
    """Return, for each column, how many texts of a stream it has in fewer than `fewest` rows."""
    distinct = sorted({text for text in stream.texts if len(text) > 1})
    if len(distinct) < LEAST:
        return []
    codes = np.unique(text_codes(pa.array(distinct, pa.string()), store.key))
    found = []
    for column in (each for each in store.columns if not each.is_number):
        place = np.searchsorted(column.codes, codes[there(codes, column)])
        rows = column.starts[place + 1] - column.starts[place]
        found.append(Likeness(column.name, len(codes), exact=int((rows < fewest).sum())))
    return found


def shape_likeness(stream: Stream, store: Store) -> list[Likeness]:
    """Return how far the shape of a stream is from that of each column."""
    sizes = np.abs(stream.numbers[stream.numbers != 0])
    if len(sizes) < FEWEST_SHAPED or len(np.unique(sizes)) < FEWEST_DISTINCT:
        return []
    shape = np.sort(np.log(sizes) - np.log(np.median(sizes)))
    limit = min(FARTHEST, NEAR_SHAPE / math.sqrt(len(sizes)))
    return [
        Likeness(column.name, len(sizes), distance=far, is_shaped=far <= limit)
        for column in store.columns
        if len(np.unique(column.sketch)) >= FEWEST_DISTINCT
        for far in [_distance(shape, np.log(column.sketch) - np.log(np.median(column.sketch)))]
    ]


def _clean(numbers: np.ndarray) -> np.ndarray:
    """Return sizes without the last digits, in which sums and differences of floats are wrong."""
    sizes = np.abs(numbers[numbers != 0])
    return np.array([float(f"{size:.12g}") for size in sizes])


def _decoys(numbers: np.ndarray) -> np.ndarray:
    """Return numbers from between the sorted `numbers`, written with as many decimals, or zeros at the end."""
    grid = np.array([10.0 ** int(_exponent(number)) for number in numbers])
    gaps = np.diff(numbers, prepend=numbers[0], append=numbers[-1])
    reach = np.maximum(3, np.maximum(gaps[1:], gaps[:-1]) / grid)
    dice = np.random.default_rng(len(numbers))
    steps = 1 + np.floor(dice.random((DECOYS, len(numbers))) * reach)
    sides = dice.choice((-1, 1), steps.shape)
    found: np.ndarray = (numbers + sides * steps * grid).ravel()
    return found


def _exponent(number: float) -> int:
    found = Decimal(repr(float(number))).normalize().as_tuple().exponent
    return found if isinstance(found, int) else 0


def there(codes: np.ndarray, column: SealedColumn) -> np.ndarray:
    """Return which of `codes` a column has."""
    if not len(column.codes):
        return np.zeros(len(codes), bool)
    place = np.minimum(np.searchsorted(column.codes, codes), len(column.codes) - 1)
    found: np.ndarray = (column.codes[place] == codes) & (codes > 0)
    return found


def surprise(hits: int, of: int, chance: float) -> float:
    """Return -log2 of Chernoff's bound on the chance of so many hits, where one has the given chance."""
    share = hits / max(1, of)
    if share <= chance:
        return 0.0
    missed = (1 - share) * math.log2((1 - share) / (1 - chance)) if share < 1 else 0.0
    return of * (share * math.log2(share / chance) + missed)


def _distance(shape: np.ndarray, quantiles: np.ndarray) -> float:
    """Return the largest difference of a sample's distribution and one that is given by evenly spaced quantiles."""
    there = np.interp(shape, quantiles, np.linspace(0, 1, len(quantiles)), left=0, right=1)
    upper = np.arange(1, len(shape) + 1) / len(shape) - there
    lower = there - np.arange(len(shape)) / len(shape)
    return float(max(upper.max(), lower.max()))
