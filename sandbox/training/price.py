"""What training costs: noise for a target epsilon, and rho for the ledger, both before any data is read.

The ledger's rho. Let P and Q be the dominating pair of all steps (`loss_distribution`), L its loss, and E the event
-b <= L <= a. The cut points are chosen so that P(L > a) and Q(L < -b) are at most delta/2 each; since Q(L > a) <=
P(L > a) and P(L < -b) <= Q(L < -b) where a, b >= 0, E fails with at most delta under both. What is left is rho-zCDP with
rho = sup over orders of D_order(P|E || Q|E) / order, and the same the other way round: so the pair is
delta-approximately rho-zCDP (Bun and Steinke 2016, definition 8.1, with one event for both). Training is a
post-processing of the pair by one channel, an event of the pair is an event of the training's own coins, and no
Renyi divergence grows under post-processing: so training is delta-approximately rho-zCDP too.
D_order <= (ln E_P[exp((order-1) L); L <= a] - order ln(1-delta)) / (order-1), for E's chance is at most 1 under Q.
"""

from fractions import Fraction
from functools import cache
from math import ceil, inf, log, log1p

import numpy as np

from sandbox.privacy.accounting import MICRO, PICO
from sandbox.privacy.approximate import DELTA_PER_RHO
from sandbox.privacy.errors import CostError
from sandbox.training.loss_distribution import Losses, losses

MARGIN = 1.005
"""What every computed rho and epsilon is multiplied by: far more than what doubles lose, see the tests."""
SAMPLER_DELTA = 1e-24
"""What the trainer's noise adds to delta for not being ideal: `MAX_DRAWS` draws, each off by 2^-149, and exp(20) times."""
MAX_DRAWS = 1 << 33
"""The most noisy numbers that one training may draw: steps, tries and parameters multiplied."""
LEAST_NOISE, MOST_NOISE = Fraction(1, 2), Fraction(4096)
"""The noise multipliers that are priced."""
_GRAIN = Fraction(1, 1024)
"""Noise multipliers are whole numbers of this, exact as doubles."""
_NANO = PICO // 10**9
_LEAST_ORDER, _MOST_ORDER, _ORDERS = 1e-3, 1e6, 200
"""The least and the largest order less one; below the least, D_order <= D_least and order > 1."""


@cache
def rho_of_training(rate: Fraction, noise: Fraction, steps: int) -> int:
    """Return the pico-rho of `steps` steps, each of which samples a unit with chance `rate`; rounded up to a nano-rho.

    It is the least rho, but for `MARGIN`, such that the training is delta-approximately rho-zCDP with the delta that
    the ledger's price of delta gives to rho. `noise` is the noise's deviation over the sensitivity. Raises `CostError`
    outside of the range that is priced.
    """
    _must_be_priced(rate, noise, steps)
    both = losses(float(rate), float(noise), steps)
    delta, rho = 1e-12, inf
    for _ in range(2):
        rho = max(_rho(each, delta) for each in both)
        delta = min(1e-9, float(DELTA_PER_RHO) * rho)
    rho = max(_rho(each, delta) for each in both)
    borne = (delta + SAMPLER_DELTA) / float(DELTA_PER_RHO)
    if rho == inf:
        raise CostError("the training cannot be priced")
    return ceil(Fraction(max(rho, borne) * MARGIN) * PICO / _NANO) * _NANO


@cache
def epsilon_of_training(rate: Fraction, noise: Fraction, steps: int, delta: Fraction) -> Fraction:
    """Return the epsilon that the training amounts to at `delta`, by its privacy loss distribution; rounded up.

    Both directions are held against `delta` less `SAMPLER_DELTA`, and the larger epsilon counts, times `MARGIN`.
    Raises `CostError` outside of the range that is priced.
    """
    _must_be_priced(rate, noise, steps)
    both = losses(float(rate), float(noise), steps)
    least = max(each.epsilon(float(delta) - SAMPLER_DELTA) for each in both)
    if least == inf:
        raise CostError("the training cannot be priced at this delta")
    return Fraction(ceil(least * MARGIN * MICRO), MICRO)


@cache
def noise_for(epsilon: Fraction, delta: Fraction, rate: Fraction, steps: int) -> Fraction | None:
    """Return the least noise multiplier at which the training amounts to at most `epsilon`; nothing where all are too little."""

    def enough(grains: int) -> bool:
        try:
            return epsilon_of_training(rate, grains * _GRAIN, steps, delta) <= epsilon
        except CostError:
            return False

    low, high = int(LEAST_NOISE / _GRAIN), int(MOST_NOISE / _GRAIN)
    if not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2 if high < 2 * low else int((low * high) ** 0.5)
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high * _GRAIN


def _must_be_priced(rate: Fraction, noise: Fraction, steps: int) -> None:
    if not (0 < rate <= 1 and LEAST_NOISE <= noise <= MOST_NOISE and steps >= 1):
        raise CostError("the training lies outside of what is priced")


def _rho(one: Losses, delta: float) -> float:
    """Return the least rho of what is left of these losses when the largest, of at most delta/2, are cut off."""
    kept = one.cut(delta / 2)
    if kept is None:
        return inf
    there = kept.masses > 0
    values, logs = kept.values[there], np.log(kept.masses[there])
    top = max(0.0, float(values[-1]))
    orders = np.geomspace(_LEAST_ORDER, _MOST_ORDER, _ORDERS)  # each less one
    moments = np.array([_log_sum(logs + order * values) for order in orders])
    moments = np.maximum(moments - (orders + 1) * log1p(-delta), 0.0)
    fine = np.exp(np.linspace(log(_LEAST_ORDER), log(_MOST_ORDER), 128 * (_ORDERS - 1) + 1))
    above = np.interp(fine, orders, moments)  # convex in the order: its chords lie above it
    least = float(moments[0] / orders[0])
    between = float((above[1:] / (fine[:-1] * (fine[:-1] + 1))).max())
    return max(least, between, (top + 2 * delta) / _MOST_ORDER)


def _log_sum(exponents: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    most = float(exponents.max())
    return most + log(float(np.exp(exponents - most).sum()))
