"""How strongly a choice leans to the better: a rational base, so that weights are whole numbers and nothing is rounded.

A candidate whose score is less by h halves than another's weighs gamma^h times as much, with gamma = numerator / 2^32. That is
the exponential mechanism (McSherry and Talwar 2007) with weights exp(eps/2 * score) and eps = -4 ln(gamma), written in a
rational base as Ilvento 2020 does ("Implementing the exponential mechanism with base-2 differential privacy"). A score of
sensitivity 1 makes it eps-bounded in range, and so (eps^2 / 8)-zCDP: Cesar and Rogers 2021, "Bounding, concentrating and
truncating", after Dong and others 2020. Costs are rounded up, the base too: it never leans more than is paid.
"""

import secrets
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from itertools import accumulate
from math import ceil

from sandbox.privacy.accounting import PICO
from sandbox.privacy.errors import CostError

BITS = 32
WHOLE = 1 << BITS
_UP = Context(prec=60, rounding=ROUND_CEILING)
Draw = Callable[[int], int]
"""Returns a uniform integer from 0 to its argument less one; `secrets.randbelow` outside of tests."""


def cost(numerator: int, *, choices: int) -> int:
    """Return the pico-rho of so many choices that lean by this base, rounded up; `CostError` where it is no base."""
    if not 0 < numerator <= WHOLE or choices < 0:
        raise CostError("that is no base of a choice")
    return ceil(2 * choices * _log_inverse(numerator) ** 2 * PICO)


def epsilon_of(numerator: int) -> Fraction:
    """Return the epsilon of one choice by this base, rounded up."""
    return 4 * _log_inverse(numerator)


def numerator_for(rho: int, *, choices: int) -> int:
    """Return the base of the strongest leaning whose `choices` cost at most `rho` pico-rho together."""
    low, high = 1, WHOLE  # `high` costs nothing
    while low < high:
        middle = (low + high) // 2
        if cost(middle, choices=choices) <= rho:
            high = middle
        else:
            low = middle + 1
    return low


def powers(numerator: int, most: int) -> tuple[int, ...]:
    """Return the weights of 0 to `most` halves of score less than the best, as whole numbers over 2^(32 most)."""
    rising = accumulate(range(most), lambda power, _: power * numerator, initial=1)
    return tuple(power << (BITS * (most - h)) for h, power in enumerate(rising))


def chosen(counts: Sequence[int], weights: Sequence[int], *, draw: Draw) -> tuple[int, int]:
    """Draw one of all candidates, exactly by weight: its class, and its number in that class.

    Class i has `counts[i]` candidates of the weight `weights[i]` each; at least one candidate must be there.
    """
    sums = list(accumulate(count * weight for count, weight in zip(counts, weights, strict=True)))
    ticket = draw(sums[-1])
    at = bisect_right(sums, ticket)
    return at, (ticket - (sums[at - 1] if at else 0)) // weights[at]


def median(places: Sequence[int], *, points: int, weights: Sequence[int], draw: Draw) -> int:
    """Return a private median of k places on a grid of `points`, which lie from 0 to points - 1.

    A point with `b` places below it and `a` above it has the score -max(b - k/2, a - k/2, 0); one place that moves anywhere
    changes it by at most 1. Where no place lies, that is -|b - k/2|; where many lie, as they do on a coarse grid, the point
    itself is seen to be the median. The points between two places have one score, so that few classes stand for all
    points. `weights` are `powers` up to k.
    """
    k, classes = len(places), list(_classes(places, points))
    halves = [max(2 * below - k, 2 * above - k, 0) for _, _, below, above in classes]
    counts = [count for _, count, _, _ in classes]
    at, number = chosen(counts, [weights[half] for half in halves], draw=draw)
    return classes[at][0] + number


def _classes(places: Sequence[int], points: int) -> Iterator[tuple[int, int, int, int]]:
    """Give runs of points of one score: the first one, how many, and how many places lie below and above them."""
    start, below, k = 0, 0, len(places)
    for place, here in sorted(Counter(places).items()):
        yield start, place - start, below, k - below
        yield place, 1, below, k - below - here
        start, below = place + 1, below + here
    yield start, points - start, below, 0


def plurality(votes: Sequence[int], *, labels: int, weights: Sequence[int], draw: Draw) -> int:
    """Return privately the label of the most votes, which are 0 to labels - 1; any other vote counts for none.

    A label's score is its votes; one vote that moves changes each score by at most 1. `weights` are `powers` up to 2k.
    """
    tally = [sum(vote == label for vote in votes) for label in range(labels)]
    best = max(tally)
    at, _ = chosen([1] * labels, [weights[2 * (best - each)] for each in tally], draw=draw)
    return at


SECURE: Draw = secrets.randbelow
"""The operating system's randomness, by rejection: exactly uniform."""


def _log_inverse(numerator: int) -> Fraction:
    """Return an upper bound of ln(2^32 / numerator): `Decimal.ln` is correctly rounded, one step up is above it."""
    if numerator == WHOLE:
        return Fraction(0)
    return Fraction(_UP.next_plus(_UP.ln(_UP.divide(Decimal(WHOLE), Decimal(numerator)))))
