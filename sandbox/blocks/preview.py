"""Says before the charge, without data, what a question over blocks costs, how exact it will be, and when it is answered."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, log, pi, sqrt

from sandbox.blocks.event import BlocksEvent, event_of
from sandbox.blocks.judge import MOST_BLOCKS, least_blocks, unfit
from sandbox.blocks.terms import BlocksTerms, Label, Number
from sandbox.blocks.tilt import epsilon_of
from sandbox.reason import Reason

SPARE_SECONDS = 5
"""What making, starting, ending and emptying a block's container may take beside its program."""
_SPLIT_SECONDS = 10
_ROWS_A_SECOND = 100_000
"""What splitting takes at most: this long, and as many rows in each second more; of public numbers alone."""
_WIDTH = 1.96
_MISS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """How exact one coordinate will be."""

    name: str
    half: float
    """Half the width of its 95 % interval, in its own unit; for a label, the lead in votes that is seen with 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What one number of blocks brings."""

    k: int
    bars: tuple[Bar, ...]
    cpu_seconds: int
    """The most processor time of all blocks together."""
    due_seconds: int
    """When the answer comes, counted from the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the terms come to."""

    event: BlocksEvent
    epsilon: float
    """Of one coordinate, pure; for display."""
    least_blocks: int
    forecast: Forecast
    larger: tuple[Forecast, ...]
    """The same at twice and four times as many blocks, which cost processor time and make each block smaller, not privacy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Why the terms cannot be run."""

    reasons: tuple[Reason, ...]


def preview(terms: BlocksTerms, *, lanes: int, rows: int) -> Preview | Unfit:
    """Preview terms for a domain that runs `lanes` blocks at once, over assets declared to have `rows` rows together."""
    reasons = unfit(terms)
    if reasons:
        return Unfit(reasons=reasons)
    event = event_of(terms)
    more = [k for k in (2 * terms.k, 4 * terms.k) if k <= MOST_BLOCKS]
    return Preview(
        event=event,
        epsilon=float(epsilon_of(event.numerator)),
        least_blocks=least_blocks(terms),
        forecast=_forecast(terms, lanes=lanes, rows=rows),
        larger=tuple(_forecast(replace(terms, k=k), lanes=lanes, rows=rows) for k in more),
    )


def slot_seconds(terms: BlocksTerms) -> int:
    """Return how far the starts of two blocks of one lane lie apart, whatever the first one does."""
    return terms.wall_seconds + SPARE_SECONDS


def split_seconds(rows: int) -> int:
    """Return how long after the start the first blocks begin: longer than splitting takes, by public numbers alone."""
    return _SPLIT_SECONDS + ceil(rows / _ROWS_A_SECOND)


def due_seconds(terms: BlocksTerms, *, lanes: int, rows: int) -> int:
    """Return how long after the start the answer is given: longer than any run takes, and known before it."""
    return split_seconds(rows) + (ceil(terms.k / lanes) + 1) * slot_seconds(terms)


def bars(terms: BlocksTerms) -> tuple[Bar, ...]:
    """Return how exact each coordinate will be; a blocks' own bias, for being small, is not in it."""
    epsilon = float(epsilon_of(event_of(terms).numerator))
    return tuple(
        _lead(each, epsilon) if isinstance(each, Label) else _bar(each, terms.k, epsilon)
        for each in terms.coordinates
    )


def _forecast(terms: BlocksTerms, *, lanes: int, rows: int) -> Forecast:
    return Forecast(
        k=terms.k,
        bars=bars(terms),
        cpu_seconds=terms.k * terms.cpu_seconds,
        due_seconds=due_seconds(terms, lanes=lanes, rows=rows),
    )


def _bar(number: Number, k: int, epsilon: float) -> Bar:
    """Return the bar of a median of k normal values with the declared spread.

    Its variance is that of the sample's median, pi/2k, and that of a rank that is off by a two-sided geometric number of scale
    2/eps, at the density of the middle, 1/sqrt(2 pi). Half a step is added for the grid.
    """
    box = Fraction(number.upper) - Fraction(number.lower)
    spread = float(number.spread) or float(box) / sqrt(12)
    deviation = spread * sqrt(pi / (2 * k) * (1 + 32 / (k * epsilon * epsilon)))
    return Bar(name=number.name, half=min(float(box), _WIDTH * deviation + float(number.step) / 2))


def _lead(label: Label, epsilon: float) -> Bar:
    return Bar(name=label.name, half=2 / epsilon * log(len(label.labels) / _MISS))
