"""The words of a plan that say what is answered and how far its noise reaches."""

from dataclasses import dataclass
from fractions import Fraction

from sandbox.asset import Kind
from sandbox.order import Function
from sandbox.privacy.measures import Form

Cell = tuple[str, ...]
"""One category of each dimension."""
USUAL_ROWS = 1_000
"""The size of the cell for which the deviation of a mean is told."""
_WIDTH95 = 2.12
"""Deviations from the middle of Laplace noise that hold 95 % of it; of Gaussian noise 1.96 do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """What an answer is grouped by: a column or expression, and all of its public categories."""

    column: str
    """Empty for an expression."""
    domain: tuple[str, ...]
    """In catalogue order; empty for private keys. Rows whose category is NULL or not among these are in no cell."""
    kind: Kind = Kind.STRING


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What is computed in each cell from the noisy values of one measure."""

    name: str
    form: Form
    events: tuple[int, ...]
    """Of a mean its sum's and its count's; of a spread its sum's, its squares' and its count's."""
    deviation: float
    """The noise's standard deviation in each cell; of a mean, a spread or a quantile in a cell of 1,000 rows."""
    lower: Fraction = Fraction(0)
    """Of a mean or quantile: it lies within the public bounds."""
    upper: Fraction = Fraction(0)
    centre: Fraction = Fraction(0)
    """Of a mean or spread: the midpoint that was taken off each value."""
    quantile: Fraction = Fraction(0)
    width: float = 0.0
    """The distance between the public bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerColumn:
    """One column of the answer, and how far its noise reaches."""

    name: str
    type: str
    """`string`, `int` or `float`."""
    function: Function
    source: str
    """The view's column that it is taken from; empty for COUNT(*), units and expressions."""
    digits: int = 0
    """Decimal places; they follow from the noise, not from the data."""
    deviation: float = 0.0
    """The noise's standard deviation in each cell; see `Estimate`. 0 where it follows from no public number."""
    estimate: int | None = None
    """The estimate that it is, untouched."""

    @property
    def interval(self) -> float:
        """Return half the width of the 95 % interval around each cell's value."""
        return _WIDTH95 * self.deviation
