"""Gives a cell the type that its column has."""

import math
import re
from collections.abc import Sequence

from sandbox.egress import malformed as bad
from sandbox.egress.finding import Rule
from sandbox.egress.table import Cell, Json
from sandbox.errors import SandboxError

INT64 = 2**63
"""Whole numbers must be smaller than this in size."""
MIXED = "mixed"
"""The kind of an undeclared column whose cells are of several types."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,309}\.?[0-9]{0,400}|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,3})?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)


class MisfitError(SandboxError):
    """A cell is not of its column's type; `rule` says in which way."""

    def __init__(self, rule: Rule) -> None:
        """Carry the broken `rule`."""
        super().__init__(rule.id)
        self.rule = rule


def kind_of(cells: Sequence[Json]) -> str:
    """Infer the narrowest of `int`, `float`, `string` and `mixed` that holds all `cells`."""
    kinds = {_kind(cell) for cell in cells if cell is not None}
    if kinds <= {"int"}:
        return "int" if kinds else "string"
    if kinds <= {"int", "float"}:
        return "float"
    return "string" if all(isinstance(cell, str | None) for cell in cells) else MIXED


def _kind(cell: Json) -> str:
    match cell:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case str() if _WHOLE.fullmatch(cell):
            return "int"
        case str() if _NUMBER.fullmatch(cell) or _NOT_FINITE.fullmatch(cell):
            return "float"
        case _:
            return "string"


def typed(cell: Json, kind: str) -> Cell:
    """Return `cell` as a value of `kind`; raise `MisfitError` where it is none."""
    if cell is None:
        return None
    if isinstance(cell, list | dict):
        raise MisfitError(bad.NOT_A_TABLE)
    if kind == "string":
        return label(cell)
    if kind == MIXED:
        return cell if isinstance(cell, str | bool) else _finite(cell)
    return _number(cell, kind)


def label(cell: Cell) -> str:
    """Write a category as the catalogue does: whole floats without a point, truth in lower case."""
    match cell:
        case str():
            return cell
        case bool():
            return str(cell).lower()
        case None:
            return ""
        case float() if _finite(cell).is_integer():
            return str(int(cell))
        case _:
            return str(cell)


def _number(cell: str | float, kind: str) -> int | float:
    if isinstance(cell, str):
        cell = _parsed(cell)
    if isinstance(cell, bool):
        raise MisfitError(bad.WRONG_TYPE)
    cell = _finite(cell)
    if kind == "float":
        return float(cell)
    if not float(cell).is_integer():
        raise MisfitError(bad.WRONG_TYPE)
    return int(cell)


def _parsed(word: str) -> int | float:
    if _WHOLE.fullmatch(word):
        return int(word)
    if _NUMBER.fullmatch(word):
        return float(word)
    raise MisfitError(bad.NOT_FINITE if _NOT_FINITE.fullmatch(word) else bad.WRONG_TYPE)


def _finite(number: float) -> float:
    if isinstance(number, int) and abs(number) >= INT64:  # first, for no float may hold it
        raise MisfitError(bad.WRONG_TYPE)
    if not math.isfinite(number):
        raise MisfitError(bad.NOT_FINITE)
    return number
