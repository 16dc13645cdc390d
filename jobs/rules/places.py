"""Counts the places that a refusal may name, and names no other: a place is chosen by the job too."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sandbox.egress.reading import MODEL_FLAWS

ALLOWANCE = 512
"""How many bits of places may be told under one grant; a grant's 1000 runs tell at most 8000 beside them."""
MOST = 4095
"""The last row or line that is named; what lies behind it is `FURTHER`."""
FURTHER = "further on"
_WORDS = frozenset({*MODEL_FLAWS, "models"})
"""Where a model's file is wrong: closed words, whatever the job wrote."""
_ROW = re.compile(r"\brow ([0-9]{1,15})")
_LINE = re.compile(r"\bline ([0-9]{1,15})")
_RELEASE = re.compile(r"\brelease ([\w-]+)")
_COLUMN = re.compile(r"\bcolumn (.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The places that one refusal may name: known before anything of the run is."""

    lines: Mapping[str, int]
    """The developer's own files, with how many lines each has."""
    columns: Collection[str]
    """The columns that were declared or granted."""
    releases: Collection[str] = ()
    """The releases that it may be about: the party's own, and those of parties in one group with it."""

    @property
    def code_bits(self) -> int:
        """Return what a line of code costs, in whole bits; that none is named is one of the answers."""
        return sum(self.lines.values()).bit_length()

    @property
    def output_bits(self) -> int:
        """Return what a place in an output costs: a row, a line or neither, a column or none, a release or none; or a word."""
        places = 2 * (MOST + 3) * (len(self.columns) + 1) * (len(self.releases) + 1)
        return (places + len(_WORDS)).bit_length()

    def code(self, place: str) -> str:
        """Return the line of the developer's own file that `place` names, or nothing."""
        for file, lines in self.lines.items():
            line = place.removeprefix(f"{file}, line ")
            if line in {str(number) for number in range(1, lines + 1)}:
                return place
        return ""

    def output(self, place: str) -> str:
        """Return what `place` says of row, line, column and release, as far as it is one of these places, or a closed word."""
        if place in _WORDS:
            return place
        where = _counted("row", _ROW.search(place)) or _counted("line", _LINE.search(place))
        parts = (where, self._column(_COLUMN.search(place)), self._release(_RELEASE.search(place)))
        return ", ".join(part for part in parts if part)

    def _column(self, found: re.Match[str] | None) -> str:
        return f"column {found[1]}" if found and found[1] in self.columns else ""

    def _release(self, found: re.Match[str] | None) -> str:
        return f"release {found[1]}" if found and found[1] in self.releases else ""


def _counted(kind: str, found: re.Match[str] | None) -> str:
    if found is None:
        return ""
    number = int(found[1])
    return f"{kind} {number}" if number <= MOST else FURTHER
