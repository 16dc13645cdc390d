"""Looks tokens up in a sealed store: which rows agree with each, and how surprising that is.

A number agrees with a cell on a level: to six, three or two significant digits. Agreement is worth -log2(share of rows
that agree, over all columns), less a bit for the choice of the level. A text agrees with equal texts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sandbox.data.codes import near_codes, number_codes, text_codes
from sandbox.data.sealed import SealedColumn, Store
from sandbox.egress.raw.tokens import Token

COMMONEST = 0.1
"""Agreement that a larger share of rows has with a token is no evidence."""
CODE_LENGTH = 4
"""A whole number of so many digits may be a code, which the source has as a text."""

_EXACT = 2**53
"""Smaller whole numbers are told apart by floats."""
_HALF = np.uint64(1 << 32)
_FINE, _COARSE, _NEAR = range(3)


@dataclass(frozen=True, slots=True)
class Asked:
    """The tokens of all groups in the order of reading, as numbers of what is asked for."""

    groups: np.ndarray
    """Of each token, ascending."""
    tokens: np.ndarray
    """Its place in the order of reading: a whole number stands twice, as a number and as a text."""
    values: np.ndarray
    numbers: np.ndarray
    """Values that are numbers come first, then the texts."""
    texts: tuple[str, ...]

    def only(self, kept: np.ndarray) -> "Asked":
        """Return the tokens that are marked in `kept`."""
        each = (self.groups[kept], self.tokens[kept], self.values[kept])
        return Asked(*each, self.numbers, self.texts)


@dataclass(frozen=True, slots=True)
class Ranges:
    """Which cells agree with a value: of value v, those of the ranges `offsets[v]` to `offsets[v + 1]`."""

    offsets: np.ndarray
    columns: np.ndarray
    """The number of the column in the store's `ranks`."""
    ranks: np.ndarray
    """The first rank and one past the last: (n, 2)."""
    places: np.ndarray
    """Where in the store's `places` the rows begin and end: (n, 2)."""
    bits: np.ndarray


def asked(groups: Sequence[Sequence[Token]]) -> Asked:
    """Lay groups of tokens out; a whole number is asked for as a text, too."""
    where = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    flat = [token for group in groups for token in group]
    is_number = np.fromiter((isinstance(token, float) for token in flat), bool, len(flat))
    numbers, which = np.unique(
        np.array([token for token in flat if isinstance(token, float)], float), return_inverse=True
    )
    whole = np.flatnonzero((numbers % 1 == 0) & (np.abs(numbers) >= 10 ** (CODE_LENGTH - 1)))
    named = {str(int(numbers[place])): place for place in whole if abs(numbers[place]) < _EXACT}
    words = [token for token in flat if isinstance(token, str)]
    texts = {text: place for place, text in enumerate(dict.fromkeys([*words, *named]))}
    values = np.empty(len(flat), np.int64)
    values[is_number] = which
    values[~is_number] = [len(numbers) + texts[word] for word in words]
    as_text = np.full(len(numbers) + len(texts), -1)
    as_text[list(named.values())] = [len(numbers) + texts[text] for text in named]
    coded = np.flatnonzero(as_text[values] >= 0)
    tokens = np.append(np.arange(len(flat)), coded)
    values = np.append(values, as_text[values[coded]])
    order = np.argsort(tokens, kind="stable")
    tokens = tokens[order]
    return Asked(where[tokens], tokens, values[order], numbers, tuple(texts))


def ranges(found: Asked, store: Store) -> Ranges:
    """Return which rows of `store` agree with each value of `found`, without the commonest."""
    parts = [*_of_numbers(found.numbers, store), *_of_texts(found, store)]
    value, level, column, ranks, places = _joined(parts)
    shares = np.zeros((len(found.numbers) + len(found.texts), 3))
    np.add.at(shares, (value, level), (places[:, 1] - places[:, 0]) / max(1, store.rows))
    share = shares[value, level]
    order = np.argsort(value, kind="stable")
    order = order[share[order] <= COMMONEST]
    offsets = np.searchsorted(value[order], np.arange(len(shares) + 1))
    return Ranges(offsets, column[order], ranks[order], places[order], -np.log2(share[order]) - 1)


Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Value, level, column, ranks and places of each range, none of which is empty."""


def _of_numbers(numbers: np.ndarray, store: Store) -> Iterator[Part]:
    codes, near = number_codes(numbers, store.key), near_codes(numbers, store.key)
    own = codes // _HALF * _HALF
    near[near == own[:, None]] = 0
    level = np.array([_FINE, _COARSE, *[_NEAR] * near.shape[1]])
    first = np.column_stack([codes, own, near])
    past = first + np.where(level == _FINE, np.uint64(1), _HALF)
    # in order, for then neighbours are looked for side by side in memory
    bounds, which = np.unique(np.stack([first, past]), return_inverse=True)
    for column in (each for each in store.columns if each.is_number):
        lower, upper = np.searchsorted(column.codes, bounds)[which.reshape(2, *first.shape)]
        value, place = np.nonzero((upper > lower) & (first > 0))
        yield _part(value, level[place], column, (lower[value, place], upper[value, place]))


def _of_texts(found: Asked, store: Store) -> Iterator[Part]:
    codes = text_codes(pa.array(found.texts, pa.string()), store.key)
    for column in (each for each in store.columns if not each.is_number):
        lower = np.searchsorted(column.codes, codes)
        upper = np.searchsorted(column.codes, codes, side="right")
        there = np.flatnonzero(upper > lower)
        level = np.zeros(len(there), np.int64)
        yield _part(there + len(found.numbers), level, column, (lower[there], upper[there]))


def _part(
    value: np.ndarray,
    level: np.ndarray,
    column: SealedColumn,
    codes: tuple[np.ndarray, np.ndarray],
) -> Part:
    """Return ranges of a column's codes, each from one up to another."""
    ranks = np.column_stack(codes)
    places = column.starts[ranks].astype(np.int64) + column.base
    return value, level, np.full(len(value), column.number), ranks + 1, places


def _joined(parts: list[Part]) -> Part:
    none = np.zeros(0, np.int64)
    each = zip((none, none, none, none.reshape(0, 2), none.reshape(0, 2)), *parts, strict=True)
    value, level, column, ranks, places = map(np.concatenate, each)
    return value, level, column, ranks, places
