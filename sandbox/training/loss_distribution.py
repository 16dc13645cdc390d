"""The privacy loss of many noisy steps over a random sample of units, as masses on a grid.

One step adds Gaussian noise of `noise` times the clip to the sum of the sampled units' clipped gradients. With and
without one unit it is a post-processing of one draw from P = (1-q) N(0, s^2) + q N(1, s^2) or from Q = N(0, s^2): the
other units' sample is drawn in the same way on both sides, a shift of v (norm at most 1) is the unit shift scaled by v
with fresh noise added, and every other direction has the same noise on both sides. Steps are simulated one after the
other in the same way, also where the next depends on the last; so T steps are a post-processing of T draws, by one and
the same channel on both sides. Whatever bounds P^T against Q^T, in both directions, bounds the training.

Likelihood ratios between two points of the grid are split onto both, so that the masses of P and of Q are kept
("connect the dots", Doroshenko et al. 2022, arXiv 2207.04380); a ratio is a mixture of its two points, so what is
split dominates what was there, again by one channel. Composition is a Fourier transform (Koskela et al. 2020).
Doubles are used throughout: `price.MARGIN` is far above their error, and tests hold the results against dp-accounting.
"""

from dataclasses import dataclass
from math import ceil, erfc, exp, expm1, floor, inf, log, log1p, sqrt

import numpy as np
from numpy.typing import NDArray

Masses = NDArray[np.float64]
_REACH = 9.0
"""Standard deviations of one step's noise that the grid covers; what lies beyond counts as failure."""
_FINENESS = 0.06
"""The grid's width in standard deviations of one step's loss: it adds less than a thousandth to its variance."""
_POINTS = 1 << 22
_SPARE = 1e-40
"""The chance that a sum of losses lies outside of its window, on either side."""
_NOISE = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """How likely each privacy loss is under one of two neighbours."""

    width: float
    """The distance between two losses of the grid."""
    first: int
    """The smallest loss, in widths."""
    masses: Masses
    beyond: float
    """The chance of an infinite loss, and of what the grid does not hold."""

    @property
    def values(self) -> Masses:
        """Return the losses, ascending."""
        return self.width * np.arange(self.first, self.first + len(self.masses), dtype=np.float64)

    def delta(self, epsilon: float) -> float:
        """Return the least delta at which these losses amount to `epsilon`."""
        over = self.values > epsilon
        gap = -np.expm1(epsilon - self.values[over])
        return float(self.masses[over] @ gap) + self.beyond

    def epsilon(self, delta: float) -> float:
        """Return the least epsilon, at least 0, at which these losses amount to `delta`; infinite where there is none."""
        low, high = 0.0, float(self.values[-1])
        if self.beyond >= delta:
            return inf
        if self.delta(low) <= delta:
            return low
        while high - low > 1e-7 * max(1.0, high):
            middle = (low + high) / 2
            low, high = (low, middle) if self.delta(middle) <= delta else (middle, high)
        return high

    def cut(self, share: float) -> "Losses | None":
        """Return these losses without the largest ones, that have at most `share` with what is beyond; nothing where that is more."""
        tail = np.cumsum(self.masses[::-1])[::-1] + self.beyond
        kept = int(np.searchsorted(-tail, -share))
        if self.beyond > share or kept == 0:
            return None
        return Losses(
            width=self.width, first=self.first, masses=self.masses[:kept], beyond=float(share)
        )


def losses(rate: float, noise: float, steps: int) -> tuple[Losses, Losses]:
    """Return the losses of `steps` steps where a unit is removed, and where one is added.

    `rate` is the chance that a step samples a unit, in (0, 1]; `noise` is the noise's deviation over the clip.
    """
    variance = min(1 / noise**2, rate**2 * expm1(min(1 / noise**2, 500.0)))
    width = min(_FINENESS * sqrt(variance), sqrt(steps * variance) / 300)
    removed, added = _step(rate, noise, width)
    return _composed(removed, steps), _composed(added, steps)


def _step(rate: float, noise: float, width: float) -> tuple[Losses, Losses]:
    """Return one step's losses; a grid of more than `_POINTS` points is made coarser, which only costs more."""
    high = _loss(1 + _REACH * noise, rate, noise)
    low = max(_loss(-_REACH * noise, rate, noise), log1p(-rate) if rate < 1 else -inf)
    width = max(width, (high - low) / _POINTS)
    first, last = floor(low / width), ceil(high / width)
    values = width * np.arange(first, last + 1)
    weights = (np.expm1(values) + rate) / rate  # the density of N(1) over N(0) at each edge
    with np.errstate(divide="ignore"):
        edges = noise**2 * np.log(np.maximum(weights, 0.0)) + 0.5
    zero, one = _between(edges / noise), _between((edges - 1) / noise)
    upper = np.clip((one - weights[:-1] * zero) / np.diff(weights), 0.0, zero)
    without = np.concatenate([zero - upper, [0.0]]) + np.concatenate([[0.0], upper])
    top = _above(edges[-1] / noise)
    without[-1] += top
    bottom = _above(-edges[0] / noise) if weights[0] > 0 else 0.0
    below = (1 - rate) * bottom + rate * (_above(-(edges[0] - 1) / noise) if bottom else 0.0)
    without[0] += below * exp(-values[0])
    present = without * np.exp(values)
    more = (1 - rate) * top + rate * _above((edges[-1] - 1) / noise) - exp(values[-1]) * top
    less = bottom - below * exp(-values[0])
    return (
        Losses(width=width, first=first, masses=present, beyond=max(0.0, more)),
        Losses(width=width, first=-last, masses=without[::-1].copy(), beyond=max(0.0, less)),
    )


def _loss(x: float, rate: float, noise: float) -> float:
    """Return ln(P/Q) where the noisy sum is x."""
    exponent = (2 * x - 1) / (2 * noise**2)
    if exponent > 0:
        return exponent + log(rate + (1 - rate) * exp(-exponent))
    return log1p(rate * expm1(exponent)) if rate < 1 or exponent > -700 else exponent  # noqa: PLR2004 - exp's range


def _above(x: float) -> float:
    return erfc(x / sqrt(2)) / 2


def _between(edges: Masses) -> Masses:
    """Return the standard normal mass between neighbouring edges, without cancellation in the tails."""
    above = np.fromiter((_above(x) for x in edges), float, len(edges))
    under = np.fromiter((_above(-x) for x in edges), float, len(edges))
    return np.asarray(np.where(edges[1:] > 0, above[:-1] - above[1:], under[1:] - under[:-1]))


def _composed(one: Losses, steps: int) -> Losses:
    """Return the losses of `steps` independent draws of `one`."""
    up, down = _moments(one, steps, sign=1.0), _moments(one, steps, sign=-1.0)
    high = min(ceil(_reach(up) / one.width), steps * (one.first + len(one.masses) - 1)) + 1
    low = max(floor(-_reach(down) / one.width), steps * one.first) - 1
    size = 1 << max(6, (high - low).bit_length())
    values = one.width * np.arange(low, low + size)
    centre = steps * float(one.values @ one.masses / one.masses.sum())
    tilt = _tilt(up, centre, high * one.width)
    plain, tilted = (_power(one, steps, low, size, tilt=each) for each in (0.0, tilt))
    masses = np.where(values > centre, tilted, plain)
    beyond = -expm1(steps * log1p(-min(one.beyond, 0.5)))
    return Losses(width=one.width, first=low, masses=masses, beyond=beyond + 2 * _SPARE)


def _power(one: Losses, steps: int, low: int, size: int, *, tilt: float) -> Masses:
    """Return the `steps`-fold convolution on the window, weighed by exp(tilt * loss) while it is made, for a precise tail."""
    weighed = one.masses * np.exp(tilt * one.values)
    total = float(weighed.sum())
    places = np.arange(one.first, one.first + len(weighed)) % size
    folded = np.fft.rfft(np.bincount(places, weights=weighed / total, minlength=size))
    with np.errstate(divide="ignore"):
        power = np.fft.irfft(np.exp(steps * np.log(folded)), size)
    values = one.width * np.arange(low, low + size)
    exponents = np.minimum(steps * log(total) - tilt * values, 700.0)
    return np.asarray(np.maximum(np.roll(power, -(low % size)), 0.0) * np.exp(exponents))


def _moments(one: Losses, steps: int, *, sign: float) -> list[tuple[float, float]]:
    """Return tilts, and ln E exp(tilt * sign * loss) of the sum of `steps` finite losses."""
    mean = one.values @ one.masses
    spread = sqrt(steps * max(float(one.values**2 @ one.masses - mean**2), 1e-300))
    found = []
    for tilt in np.geomspace(0.1, 200.0, 40) / spread:
        exponents = sign * float(tilt) * one.values
        most = float(exponents.max())
        moment = most + log(float(one.masses @ np.exp(exponents - most)))
        found.append((float(tilt), steps * moment))
    return found


def _reach(moments: list[tuple[float, float]]) -> float:
    """Return what the sum exceeds with a chance of at most `_SPARE`, by Chernoff's bound."""
    return min((moment - log(_SPARE)) / tilt for tilt, moment in moments)


def _tilt(moments: list[tuple[float, float]], centre: float, high: float) -> float:
    """Return a tilt for a precise tail.

    From `centre` on, the transform's noise stays below exp(8) times its own, and what wraps around from beyond the
    window stays below 10^-16: it is at most `_SPARE` * exp(tilt * (high - centre)).
    """
    most = (log(1e-16) - log(_SPARE)) / max(high - centre, 1e-300)
    fits = [tilt for tilt, moment in moments if moment - tilt * centre <= _NOISE and tilt <= most]
    return max(fits, default=0.0)
