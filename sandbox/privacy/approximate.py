"""What mechanisms cost that keep their promise except with a small chance: delta is bought with rho.

A mechanism is delta-approximately rho-zCDP where all but a share delta of what it does is rho-zCDP (Bun and
Steinke 2016, definition 8.1); rhos add, and so do deltas. Choosing private keys and training are of this kind.
The ledger counts rho alone: every charge of rho may bear at most `DELTA_PER_RHO * rho` of delta, and every
limit sets so much of its own delta aside. Hence no sum of charges within a limit exceeds its delta, and no
second currency is kept. `docs/decisions/approximate-zcdp.md` says what this costs.
"""

from fractions import Fraction
from math import floor

from sandbox.privacy.accounting import PICO, rho_of_approx

DELTA_PER_RHO = Fraction(1, 10**9)
"""An answer at epsilon 1, which costs half a rho, may fail with chance 5 * 10^-10."""


def delta_of(rho: int) -> Fraction:
    """Return the most delta that a charge of `rho` pico-rho bears."""
    return DELTA_PER_RHO * Fraction(rho, PICO)


def rho_limit_of(epsilon: Fraction, delta: Fraction) -> int:
    """Return the most pico-rho that an (epsilon, delta) limit allows, whatever mechanisms spend it; rounded down.

    `rho_of_approx` is asked with what is left of delta after the charges' own share, at most a half, was set
    aside; where the half is too little, it bounds rho. Raises `CostError` as `rho_of_approx` does.
    """
    share = min(delta_of(rho_of_approx(epsilon, delta)), delta / 2)
    return min(rho_of_approx(epsilon, delta - share), floor(share / DELTA_PER_RHO * PICO))
