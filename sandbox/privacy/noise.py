"""Where noise comes from: exact samplers of integers over the operating system's randomness."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf, nextafter
from typing import Protocol

from sandbox.privacy.choosing import Scores, chosen
from sandbox.privacy.events import DISCRETE_LAPLACE, DpEvent
from sandbox.privacy.sampling import gaussian, laplace


class Noise(Protocol):
    """Draws the noise of an event."""

    def add(self, values: Sequence[int], event: DpEvent) -> Sequence[int]:
        """Return one noisy integer for each value; both are in the event's own steps."""
        ...

    def choose(self, scores: Scores, event: DpEvent) -> Sequence[int]:
        """Return for each row of scores the place of one, less likely the larger its score."""
        ...


@dataclass(frozen=True, slots=True)
class Secure:
    """The noise of every answer that leaves."""

    def add(self, values: Sequence[int], event: DpEvent) -> Sequence[int]:
        """Add discrete Laplace or Gaussian noise of the event's scale to each value; nothing overflows."""
        sampler = laplace if event.mechanism == DISCRETE_LAPLACE else gaussian
        drawn = sampler(len(values), event.scale).tolist()
        return [value + noise for value, noise in zip(values, drawn, strict=True)]

    def choose(self, scores: Scores, event: DpEvent) -> Sequence[int]:
        """Choose by the exponential mechanism: with a chance in proportion to exp(-score / scale)."""
        return chosen(scores, event.scale)


def scale_for(*, sensitivity: int, epsilon: Fraction) -> Fraction:
    """Return the exact value of the smallest double that is at least sensitivity / epsilon."""
    exact = sensitivity / epsilon
    nearest = float(exact)
    return Fraction(nearest if Fraction(nearest) >= exact else nextafter(nearest, inf))
