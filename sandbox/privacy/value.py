"""What a row-level expression is to the planner: trusted SQL with its kind, public bounds and categories."""

from dataclasses import dataclass

from sandbox.asset import Column, Kind
from sandbox.privacy.interval import Interval

NUMBERS = frozenset({Kind.INT, Kind.FLOAT})
MOST_CATEGORIES = 1_000
"""A whole number between public bounds is a public dimension with at most so many categories."""
LONGEST_SQL = 60_000
"""Characters of trusted SQL for one expression: nested forms repeat their arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value of each row. Its SQL never fails, whatever the data, and depends on its row alone."""

    sql: str
    kind: Kind
    real: bool = False
    """For a number: its SQL is of type DOUBLE already."""
    interval: Interval | None = None
    """For a number: its public bounds, to which it is clamped before it is counted."""
    domain: tuple[str, ...] = ()
    """Every public category as text; empty where there are none."""
    column: Column | None = None
    """The plain column that it is, for names and declarations."""

    @property
    def is_number(self) -> bool:
        """Say whether it can be computed with."""
        return self.kind in NUMBERS

    @property
    def double(self) -> str:
        """Return it as DOUBLE, which no number of a column fails to become."""
        return self.sql if self.real else f"CAST({self.sql} AS DOUBLE)"

    @property
    def measurable(self) -> bool:
        """Say whether it has the bounds that a sum needs."""
        return self.is_number and self.interval is not None and self.interval.finite

    @property
    def category(self) -> str:
        """Return it as the text that its domain has; a cast to text never fails."""
        if self.kind is Kind.STRING:
            return self.sql
        whole = f"TRY_CAST({self.sql} AS BIGINT)" if self.real else self.sql
        return f"CAST({whole} AS VARCHAR)"

    @property
    def categories(self) -> tuple[str, ...]:
        """Return its public categories: the declared ones, both truths, or the whole numbers in its bounds."""
        if self.domain:
            return tuple(dict.fromkeys(self.domain))
        if self.kind is Kind.BOOL:
            return ("true", "false")
        if self.kind is not Kind.INT or self.column is not None or self.interval is None:
            return ()
        inside = self.interval.whole(MOST_CATEGORIES)
        return tuple(str(number) for number in inside) if inside is not None else ()


def quoted(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def big(value: int) -> str:
    """Return a whole number as SQL: BIGINT where it fits, else HUGEINT."""
    return f"CAST({value} AS {'BIGINT' if -(2**63) < value < 2**63 else 'HUGEINT'})"


def real(value: float) -> str:
    """Return a double as SQL, exactly."""
    return f"CAST('{value!r}' AS DOUBLE)"
