"""What training costs: held against dp-accounting, against closed forms, and against the definition itself."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from dp_accounting.pld import privacy_loss_distribution
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm

from sandbox.privacy.accounting import PICO, tight_epsilon_of
from sandbox.privacy.approximate import delta_of
from sandbox.privacy.errors import CostError
from sandbox.training.event import TrainingEvent, metric_noise_for
from sandbox.training.loss_distribution import losses
from sandbox.training.price import epsilon_of_training, noise_for, rho_of_training

MILLIONTH = Fraction(1, 10**6)
EVENT = TrainingEvent(sampling_rate=Fraction(1, 10), noise=Fraction(2), steps=100, tries=2)
RATES = st.sampled_from([Fraction(1), Fraction(1, 3), Fraction(1, 20)])
NOISES = st.integers(1, 64).map(lambda eighths: Fraction(eighths, 8) + Fraction(1, 2))


@pytest.mark.parametrize(("noise", "steps"), [(2, 1), (10, 1), (5, 20), (40, 1000), (3, 50)])
def test_without_sampling_the_price_is_that_of_the_gaussian_mechanism(
    noise: int, steps: int
) -> None:
    exact = steps / (2 * noise**2)

    rho = rho_of_training(Fraction(1), Fraction(noise), steps) / PICO

    assert exact <= rho <= 1.02 * exact


@pytest.mark.parametrize(
    ("rate", "noise", "steps"),
    [
        ("1", "5", 20),
        ("1/100", "1", 500),
        ("1/10", "2", 100),
        ("1/5", "4", 300),
        ("1/50", "3/5", 40),
    ],
)
@pytest.mark.parametrize("delta", ["1/100000", "1/1000000000"])
def test_epsilon_is_that_of_dp_accounting(rate: str, noise: str, steps: int, delta: str) -> None:
    oracle = privacy_loss_distribution.from_gaussian_mechanism(
        float(Fraction(noise)),
        sampling_prob=float(Fraction(rate)),
        value_discretization_interval=1e-3,
    ).self_compose(steps)

    epsilon = epsilon_of_training(Fraction(rate), Fraction(noise), steps, Fraction(delta))

    exact = oracle.get_epsilon_for_delta(float(Fraction(delta)))
    assert exact * 0.9995 <= float(epsilon) <= exact * 1.008


@pytest.mark.parametrize(("rate", "noise"), [("1", "3"), ("1/5", "1"), ("1/50", "3/5")])
def test_the_price_of_one_step_is_that_of_the_definition(rate: str, noise: str) -> None:
    """Integrate both Renyi divergences on a fine line, between the cut points, over many orders."""
    q, s = float(Fraction(rate)), float(Fraction(noise))
    rho = rho_of_training(Fraction(rate), Fraction(noise), 1)
    delta = float(delta_of(rho))
    x, width = np.linspace(-14 * s, 1 + 14 * s, 100_001, retstep=True)
    zero, one = norm.logpdf(x, 0, s), norm.logpdf(x, 1, s)
    both = np.logaddexp(np.log1p(-q) + zero if q < 1 else -np.inf, np.log(q) + one)
    high = brentq(lambda t: _over(q, s, t) - delta / 2, 0, 1 + 13 * s)
    kept = (x <= high) & (x >= s * norm.ppf(delta / 2))

    worst = max(
        _renyi(p[kept], r[kept], width, order) / order
        for p, r in ((both, zero), (zero, both))
        for order in (1 + np.geomspace(1e-2, 1e5, 120))
    )

    assert 0.995 * worst <= rho / PICO <= 1.02 * worst


def _over(q: float, s: float, t: float) -> float:
    return float((1 - q) * norm.sf(t / s) + q * norm.sf((t - 1) / s))


def _renyi(p: np.ndarray, r: np.ndarray, width: float, order: float) -> float:
    total, other = np.exp(p).sum() * width, np.exp(r).sum() * width
    exponents = order * (p - np.log(total)) + (1 - order) * (r - np.log(other))
    most = exponents.max()
    return float((most + np.log(np.exp(exponents - most).sum() * width)) / (order - 1))


def test_the_masses_of_both_directions_add_up_to_one() -> None:
    removed, added = losses(0.02, 0.8, 400)

    for each in (removed, added):
        assert each.masses.sum() + each.beyond == pytest.approx(1, abs=1e-9)


@settings(max_examples=12, deadline=None)
@given(rate=RATES, noise=NOISES, steps=st.integers(1, 60))
def test_more_steps_more_sampling_and_less_noise_never_cost_less(
    rate: Fraction, noise: Fraction, steps: int
) -> None:
    rho = rho_of_training(rate, noise, steps)

    assert rho_of_training(rate, noise, steps + 3) >= rho
    assert rho_of_training(min(Fraction(1), rate * 2), noise, steps) >= rho
    assert rho_of_training(rate, noise + Fraction(1, 8), steps) <= rho


@settings(max_examples=12, deadline=None)
@given(rate=RATES, noise=NOISES, steps=st.integers(1, 60))
def test_the_ledger_never_promises_more_than_the_loss_distribution(
    rate: Fraction, noise: Fraction, steps: int
) -> None:
    rho = rho_of_training(rate, noise, steps)

    promised = tight_epsilon_of(rho, MILLIONTH)

    assert (
        promised
        >= float(epsilon_of_training(rate, noise, steps, MILLIONTH + delta_of(rho))) / 1.005
    )


def test_the_noise_for_an_epsilon_is_the_least() -> None:
    noise = noise_for(Fraction(1), MILLIONTH, Fraction(1, 10), 200)

    assert noise is not None
    assert epsilon_of_training(Fraction(1, 10), noise, 200, MILLIONTH) <= 1
    assert epsilon_of_training(Fraction(1, 10), noise - Fraction(1, 1024), 200, MILLIONTH) > 1


def test_an_epsilon_that_no_noise_reaches_has_none() -> None:
    assert noise_for(Fraction(1, 10**6), MILLIONTH, Fraction(1), 100_000) is None


@pytest.mark.parametrize(
    ("rate", "noise", "steps"), [("0", "1", 1), ("1", "1/4", 1), ("1", "1", 0)]
)
def test_what_cannot_be_priced_is_an_error(rate: str, noise: str, steps: int) -> None:
    with pytest.raises(CostError):
        rho_of_training(Fraction(rate), Fraction(noise), steps)


@pytest.mark.parametrize("metric_noise", [None, Fraction(10)])
def test_an_auditor_recomputes_the_price_from_the_event(metric_noise: Fraction | None) -> None:
    event = replace(EVENT, metric_noise=metric_noise)

    assert TrainingEvent.of(event.form()) == event


@pytest.mark.parametrize(
    "change", [{"rho_pico": 1}, {"steps": 50}, {"noise": "3"}, {"tries": 1}, {"mechanism": "none"}]
)
def test_an_event_whose_price_is_another_is_not_read(change: dict[str, str | int]) -> None:
    with pytest.raises(CostError):
        TrainingEvent.of(EVENT.form() | change)


def test_every_try_and_its_counts_are_charged_in_full() -> None:
    counted = replace(EVENT, metric_noise=Fraction(10))

    assert EVENT.rho == 2 * replace(EVENT, tries=1).rho
    assert counted.rho == EVENT.rho + 2 * PICO // 200
    assert counted.epsilon(MILLIONTH) > EVENT.epsilon(MILLIONTH)


@given(st.fractions(Fraction(1, 10**6), 1, max_denominator=10**6))
def test_the_noise_of_counts_costs_no_more_than_was_meant(rho: Fraction) -> None:
    assert 1 / (2 * metric_noise_for(rho) ** 2) <= rho
