"""Why a file is not what it claims to be: closed words, and the number of a line or a row."""

from enum import StrEnum


class Flaw(StrEnum):
    """What is wrong with a table or a text; models have words of their own."""

    ENCODING = "encoding"
    CSV = "csv"
    JSON = "json"
    EMPTY = "empty"
    ROWS = "rows"
    LONG = "long"
    TABLE = "table"
    """An Arrow or Parquet file that is damaged, or has a type that no table may have."""


class UnreadableError(Exception):
    """A file is not of the form that it claims; `flaw` says why, `place` where."""

    def __init__(self, flaw: str, **place: int) -> None:
        """Carry a word of `Flaw`, or of the models' flaws, and at most one number, a `line` or a `row` from 1."""
        super().__init__(flaw)
        self.flaw = flaw
        self.place = place
