"""Computes over noised values: exact fractions, texts and truths, row by row, and never with raw data.

Every function is total. NULL is None; comparisons and AND, OR, NOT are three-valued, as in SQL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, isqrt
from types import MappingProxyType

from sandbox.asset import Kind

Cell = Fraction | str | bool | None
Row = Sequence[Cell]
_ROOT_DIGITS = 10**18
_PLACES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One expression over the columns of a noised table."""

    op: str
    """`column`, `constant` or the name of a function below."""
    kind: Kind
    args: tuple["Post", ...] = ()
    value: Cell = None
    """A constant's value."""
    column: int = 0
    """The column that it is, from 0."""

    @property
    def size(self) -> int:
        """Return how many parts it has."""
        return 1 + sum(arg.size for arg in self.args)

    @property
    def columns(self) -> frozenset[int]:
        """Return every column that it depends on."""
        if self.op == "column":
            return frozenset({self.column})
        return frozenset(column for arg in self.args for column in arg.columns)


def evaluated(post: Post, row: Row) -> Cell:
    """Return the value of an expression in one row."""
    if post.op == "column":
        return row[post.column]
    if post.op == "constant":
        return post.value
    if post.op == "case":
        return _case(post.args, row)
    args = [evaluated(arg, row) for arg in post.args]
    if post.op in _LOGIC:
        return _LOGIC[post.op](args)
    if any(arg is None for arg in args):
        return None
    return _kept(FUNCTIONS[post.op](*args))


def _kept(value: Cell) -> Cell:
    """Keep fractions small, so that repeated products cost nothing: 256 binary places, and NULL from 2^512 on."""
    if not isinstance(value, Fraction) or value.denominator.bit_length() <= _PLACES:
        huge = isinstance(value, Fraction) and value.numerator.bit_length() > 3 * _PLACES
        return None if huge else value
    near = Fraction(floor(value * 2**_PLACES), 2**_PLACES)
    return None if near.numerator.bit_length() > 3 * _PLACES else near


def _case(args: tuple[Post, ...], row: Row) -> Cell:
    """Take conditions and values in turn, and the last, lonely one where no condition holds."""
    for condition, value in zip(args[:-1:2], args[1::2], strict=True):
        if evaluated(condition, row) is True:
            return evaluated(value, row)
    return evaluated(args[-1], row)


def _and(args: list[Cell]) -> Cell:
    return False if False in args else None if None in args else True


def _or(args: list[Cell]) -> Cell:
    return True if True in args else None if None in args else False


def _coalesce(args: list[Cell]) -> Cell:
    return next((arg for arg in args if arg is not None), None)


def _is_null(args: list[Cell]) -> Cell:
    return args[0] is None


def _divide(x: Fraction, y: Fraction) -> Fraction | None:
    return x / y if y else None


def rounded(x: Fraction, digits: Fraction) -> Fraction:
    """Round half away from zero, as SQL does."""
    scale = 10 ** int(digits)
    whole = floor(abs(x) * scale + Fraction(1, 2))
    return Fraction(whole if x >= 0 else -whole, scale)


def root(x: Fraction) -> Fraction | None:
    """Return the square root to 18 decimal places, rounded down; NULL below zero."""
    return Fraction(isqrt(floor(x * _ROOT_DIGITS**2)), _ROOT_DIGITS) if x >= 0 else None


_LOGIC: Mapping[str, Callable[[list[Cell]], Cell]] = MappingProxyType(
    {"and": _and, "or": _or, "coalesce": _coalesce, "is_null": _is_null}
)
FUNCTIONS: Mapping[str, Callable[..., Cell]] = MappingProxyType(
    {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
        "/": _divide,
        "negative": lambda x: -x,
        "abs": abs,
        "least": min,
        "greatest": max,
        "round": rounded,
        "floor": lambda x: Fraction(floor(x)),
        "ceil": lambda x: Fraction(ceil(x)),
        "sqrt": root,
        "=": lambda x, y: x == y,
        "<>": lambda x, y: x != y,
        "<": lambda x, y: x < y,
        "<=": lambda x, y: x <= y,
        ">": lambda x, y: x > y,
        ">=": lambda x, y: x >= y,
        "not": lambda x: not x,
    }
)
