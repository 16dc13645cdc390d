"""What the gate knows of one number before it decides on it, and what can be wrong with it.

All figures are about protected units, never rows; contributions are totals of one unit in one cell.
Sources: (n,k) and p% as in Hundepool et al., Statistical Disclosure Control (Wiley 2012), chapter 4, but
on distances from the median, so that an offset all units share does not hide a large one.
"""

from dataclasses import dataclass
from enum import StrEnum

from sandbox.egress.disclosure.profile import Profile

Labels = tuple[str, ...]
"""A category of each dimension, in the declared order: one row of the table."""
TOTAL = ""
"""In place of a category: the total over them."""


class Concern(StrEnum):
    """What can be wrong with a number."""

    SMALL = "small"
    """It stands for too few units, or for none."""
    COMPLEMENT = "complement"
    """All units of a line but too few are in it."""
    CLASS = "class"
    """Nearly all units of a line are in one category."""
    DOMINATED = "dominated"
    """One or two units hold too much of it."""
    P_PERCENT = "p_percent"
    """The second largest unit could tell the largest's value too closely."""
    CONSTANT = "constant"
    """No unit differs from the median, or of a clip or a category too few: it tells everybody's value, or theirs."""
    UNFIT = "unfit"
    """A contribution is no finite number, or is negative where that is refused."""
    SIDES = "sides"
    """A percentile with too few units on one side."""
    FIT = "fit"
    """A regression of too few units, or one that hangs on one unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellEvidence:
    """One declared number in one cell."""

    units: int
    """Distinct units with a value."""
    top1: float = 0.0
    """The largest unit's share of the distances from the median, in percent."""
    top2: float = 0.0
    """The same of the two largest."""
    reach: float = float("inf")
    """How far the largest is from the median, in percent of the median; dominance within p% of it is of no account."""
    p: float = float("inf")
    """What is left of the absolute total beside the two largest, in percent of the largest."""
    moving: int | None = None
    """Units that differ from the median; nothing for a count."""
    is_plain: bool = False
    """Whether it is of a column as it is: then dominance alone guards the few that differ, if any do."""
    contributing: int | None = None
    """Units whose contribution is not zero; nothing for a count."""
    negative: int = 0
    """Units with a negative contribution."""
    unfit: int = 0
    """Rows whose value is NaN or infinite."""
    below: int | None = None
    """For a percentile: units at or below it."""
    above: int | None = None
    """For a percentile: units at or above it."""

    def concerns(self, profile: Profile) -> frozenset[Concern]:
        """Say what is wrong with the number under `profile`."""
        fewest = profile.min_units
        sides = (side for side in (self.below, self.above) if side is not None)
        found = {
            Concern.SMALL: self.units < fewest or self._few_beside(profile),
            Concern.CONSTANT: self.moving is not None
            and self.moving < (1 if self.is_plain else fewest),
            Concern.DOMINATED: self._dominated(profile),
            Concern.P_PERCENT: self.p < profile.p_percent,
            Concern.UNFIT: self.unfit > 0 or (profile.refuse_negative and self.negative > 0),
            Concern.SIDES: any(side < profile.order_side_units for side in sides),
        }
        return frozenset(concern for concern, is_so in found.items() if is_so)

    def _few_beside(self, profile: Profile) -> bool:
        beside = profile.min_units_beside_largest
        return self.contributing is not None and self.contributing < (beside + 1 if beside else 0)

    def _dominated(self, profile: Profile) -> bool:
        shares = {1: self.top1, 2: self.top2}
        is_far = self.reach > profile.p_percent
        return is_far and any(shares[n] > most for n, most in profile.dominance.items())
