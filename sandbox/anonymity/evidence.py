"""What was measured of a view: in how large a crowd its protected units stand, and what the crowd gives away."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

_STEPS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Risks:
    """The chance that an intruder names the right unit, by whom he is after (El Emam, 2013, chapter 16).

    Each average is rounded up at nine decimals; the highest risk is exact.
    """

    prosecutor: Fraction
    """The highest: he looks for one unit that he knows to be in the view."""
    prosecutor_average: Fraction
    journalist: Fraction
    """The highest: he looks for anybody, and knows the whole population that the view was taken from."""
    journalist_average: Fraction
    marketer: Fraction
    """The share of all units that he names rightly when he links the whole population."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversity:
    """What a class gives away of one sensitive column, in the class where it is worst."""

    column: str
    distinct: int
    """The fewest different values of a class (distinct l-diversity); a missing value is one."""
    entropy: Fraction
    """The smallest exp(entropy) of a class's values (entropy l-diversity), rounded down at nine decimals."""
    top_share: Fraction
    """The largest share of a class's units that have one and the same value: 1 says it of all of them."""
    closeness: Fraction
    """The largest distance of a class's values from the view's (t-closeness), rounded up at nine decimals.

    For numbers and dates it is the earth mover's over their order, for categories with equal distances (Li et al., 2007).
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How anonymous a view is; everything is counted in protected units, not in rows.

    A class is all rows that agree in `quasi`. A unit with several rows in a class counts there once; a unit with rows in
    several classes counts in each, and its risk is that of its smallest.
    """

    quasi: tuple[str, ...]
    """The columns that an intruder may know from elsewhere."""
    rows: int
    units: int
    classes: int
    k: int
    """The units of the smallest class; 0 where there are no rows."""
    linked_k: int
    """The fewest units that are in the same set of classes: the crowd left to one who can tell a unit's rows as one's.

    Sets are compared by a 64-bit sum of hashes; where each unit is in one class it is `k`.
    """
    alone: int
    """The units that are alone in a class."""
    risks: Risks
    sensitive: tuple[Diversity, ...] = ()


def at_most(figure: float) -> Fraction:
    """Return the figure rounded down at nine decimals, whatever the last bits of its sum are."""
    return Fraction(floor(round(figure * _STEPS, 3)), _STEPS)


def at_least(figure: float) -> Fraction:
    """Return the figure rounded up at nine decimals, whatever the last bits of its sum are."""
    return Fraction(ceil(round(figure * _STEPS, 3)), _STEPS)
