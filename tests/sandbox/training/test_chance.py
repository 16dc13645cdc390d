"""The trainer's randomness: Gaussians on whole numbers, and coins for units, each by its exact law."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import chisquare, norm

from tests.sandbox.training.book import seeded

Trainer = Callable[[str], Any]


class Scripted:
    """Gives the bytes that a test wrote down, in order."""

    def __init__(self, *parts: bytes) -> None:
        self.rest = b"".join(parts)

    def __call__(self, count: int) -> bytes:
        given, self.rest = self.rest[:count], self.rest[count:]
        assert len(given) == count
        return given


@pytest.mark.parametrize("scale", [0.8, 3.7, 41.0])
def test_noise_has_the_law_of_a_rounded_gaussian(trainer: Trainer, scale: float) -> None:
    count, edge = 400_000, int(3 * scale) + 1
    draws = trainer("noise").rounded_gaussian(count, scale=scale, source=seeded(1))

    seen = np.bincount(np.clip(draws, -edge, edge) + edge, minlength=2 * edge + 1)
    inner = norm.cdf((np.arange(-edge, edge) + 0.5) / scale)
    law = np.diff(np.concatenate([[0], inner, [1]]))

    assert chisquare(seen, law * count).pvalue > 1e-4


def test_noise_of_a_large_scale_has_the_law_of_a_gaussian(trainer: Trainer) -> None:
    draws = trainer("noise").rounded_gaussian(400_000, scale=2.0**33, source=seeded(2)) / 2.0**33

    seen = np.histogram(norm.cdf(draws), bins=1000, range=(0, 1))[0]

    assert chisquare(seen).pvalue > 1e-4
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.01


@pytest.mark.parametrize("scale", [1.5, 1000.25, 2.0**30])
@pytest.mark.parametrize("whole", [0, 1, 3])
def test_a_draw_next_to_a_border_is_decided_by_all_of_its_bits(
    trainer: Trainer, scale: float, whole: int
) -> None:
    """The tail's border between two whole numbers lies within 63 bits: the next 128 say on which side the draw is."""
    number = int(whole * scale / 2)
    with mpmath.workprec(400):
        border = mpmath.erfc((number + mpmath.mpf(1) / 2) / (scale * mpmath.sqrt(2)))
        exact = int(mpmath.floor(border * mpmath.mpf(2) ** 191))
    high, low = exact >> 128, exact & ((1 << 128) - 1)
    even = (high << 1).to_bytes(8, "little")

    found = [
        int(
            trainer("noise").rounded_gaussian(
                1, scale=scale, source=Scripted(even, max(0, low + by).to_bytes(16, "little"))
            )[0]
        )
        for by in (-2, 2)
    ]

    assert found == [number + 1, number]


def test_the_inverse_in_doubles_is_far_more_exact_than_the_guard(trainer: Trainer) -> None:
    dice = np.random.default_rng(3)
    tails = np.concatenate([dice.random(300) / 2, 2.0 ** -dice.uniform(1, 62, 300)])

    with mpmath.workprec(200):
        worst = max(_wrong_by(float(tail)) for tail in tails)

    assert worst < trainer("noise")._GUARD / 16


def _wrong_by(tail: float) -> float:
    """The relative error of the place whose upper tail is `tail`, by one step of Newton from it."""
    place = mpmath.mpf(-float(ndtri(tail)))
    over = mpmath.erfc(place / mpmath.sqrt(2)) / 2 - mpmath.mpf(tail)
    density = mpmath.npdf(place)
    return float(abs(over / density / place))


def test_a_unit_is_sampled_with_just_its_chance(trainer: Trainer) -> None:
    count, rate = 2_000_000, Fraction(1, 37)

    sampled = len(trainer("draw").chosen(count, rate=rate, source=seeded(4)))

    assert abs(sampled - count / 37) < 4.5 * (count / 37 * 36 / 37) ** 0.5


def test_coins_at_the_threshold_are_decided_by_48_more_bits(trainer: Trainer) -> None:
    threshold = int(Fraction(1, 3) * 2**64)
    high, low = threshold >> 48, threshold & (2**48 - 1)
    coins = np.array([high, high, high - 1, high + 1, high], "<u2").tobytes()
    more = b"".join((each << 16).to_bytes(8, "little") for each in (low - 1, low, 0))

    found = trainer("draw").chosen(5, rate=Fraction(1, 3), source=Scripted(coins, more))

    assert found.tolist() == [0, 2, 4]


def test_a_rate_of_one_samples_everybody_and_of_nought_nobody(trainer: Trainer) -> None:
    chosen = trainer("draw").chosen

    assert len(chosen(1000, rate=Fraction(1), source=seeded(5))) == 1000
    assert len(chosen(1000, rate=Fraction(0), source=seeded(5))) == 0
