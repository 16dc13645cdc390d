"""Reads the hint `/*+ … */`: public numbers by which a question chooses how one unit is bounded."""

import re
from dataclasses import dataclass
from fractions import Fraction

from sqlglot import Token

from sandbox.privacy.faults import HINT
from sandbox.privacy.refusal import Refusals

MOST_ROWS_PER_UNIT = 10_000
MOST_KEYS_PER_UNIT = 1_000
_WORD = re.compile(
    r"(rows_per_unit|keys_per_unit|key_share)\(\s*(\d{1,5})\s*\)|exact|counted|gaussian|laplace"
)
_NOISES = ("gaussian", "laplace")
_LIMITS = {
    "rows_per_unit": MOST_ROWS_PER_UNIT,
    "keys_per_unit": MOST_KEYS_PER_UNIT,
    "key_share": 90,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """How one unit is bounded, and which noise is drawn. All of it is public."""

    rows_per_unit: int = 1
    """A unit with more rows weighs as much as so many; with `exact`, the rows that count in one cell."""
    keys_per_unit: int | None = None
    """With `exact`, how many cells of a unit count; with private keys, how many a unit may vote for."""
    key_share: int | None = None
    """Percent of epsilon that goes into the choice of private keys."""
    exact: bool = False
    """Cells and rows of a unit beyond the bounds are left out, instead of all being scaled down."""
    counted: bool = False
    """The rows of a unit are counted in the statement, after WHERE, instead of taken from the snapshot."""
    noise: str = ""
    """`laplace` or `gaussian`; empty for the usual one."""

    @property
    def share(self) -> Fraction | None:
        """Return the part of epsilon for the choice of private keys, where it is given."""
        return None if self.key_share is None else Fraction(self.key_share, 100)


def hints(tokens: list[Token], refusals: Refusals) -> Hints:
    """Read the only hint of a text; without one, each unit is bounded to the weight of one row.

    One row is exact where each unit has one, and sound everywhere. The developer may raise it: the noise grows with it.
    """
    found = [
        (token.start, comment)
        for token in tokens
        for comment in token.comments
        if comment.startswith("+")
    ]
    if not found:
        return Hints()
    start, text = found[0]
    read = _read(text[1:]) if len(found) == 1 else None
    if read is None:
        refusals.at(refusals.sql.find("+", found[-1][0] if len(found) > 1 else start), HINT)
        return Hints()
    return read


def _read(text: str) -> Hints | None:
    """Return the words of a hint, or nothing where one is unknown, out of range or stands twice."""
    words = re.findall(r"[^\s,(]+(?:\([^)]*\))?", text.casefold())
    matches = [match for match in map(_WORD.fullmatch, words) if match]
    names = ["noise" if match[0] in _NOISES else match[1] or match[0] for match in matches]
    known = len(matches) == len(words) > 0 and len(set(names)) == len(names)
    numbers = {name: int(match[2]) for name, match in zip(names, matches, strict=True) if match[2]}
    if not known or any(not 1 <= number <= _LIMITS[name] for name, number in numbers.items()):
        return None
    return Hints(
        rows_per_unit=numbers.get("rows_per_unit", 1),
        keys_per_unit=numbers.get("keys_per_unit"),
        key_share=numbers.get("key_share"),
        exact="exact" in names,
        counted="counted" in names,
        noise=next((word for word in words if word in _NOISES), ""),
    )
