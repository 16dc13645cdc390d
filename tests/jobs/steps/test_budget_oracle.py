"""Another accountant, Google's dp-accounting, recomputes a budget from what the record has stored."""

import json
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from dp_accounting import ComposedDpEvent, DpEvent, LaplaceDpEvent, SelfComposedDpEvent, ZCDpEvent
from dp_accounting.pld import PLDAccountant
from dp_accounting.pld.common import DifferentialPrivacyParameters
from dp_accounting.pld.privacy_loss_distribution import from_privacy_parameters
from dp_accounting.rdp import RdpAccountant

from jobs.grant import ScenarioId
from jobs.record import budgets
from jobs.steps.budget import set_asset
from sandbox.privacy.accounting import PICO, epsilon_of, tight_epsilon_of
from tests.jobs.steps.town import LOANS, QUERY, Town, under

DELTA = Fraction(1, 10**6)
ORDERS = 1 + np.exp(np.linspace(np.log(0.02), np.log(1e6), 100_001))
"""Renyi orders, so dense that the best of them is within 10^-7 of the best of all."""
QUERIES = (
    "SELECT state, COUNT(*) AS n FROM LOANS GROUP BY state",
    "SELECT state, SUM(amount) AS total FROM LOANS GROUP BY state",
    "SELECT AVG(amount) AS mean, COUNT(DISTINCT person) AS people FROM LOANS",
    "SELECT COUNT(*) AS n FROM LOANS WHERE amount > 10",
)
TIMES = (1, 10, 60)
"""How often the four queries were asked."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One event as it stands in the record: nothing but JSON."""

    body: dict[str, str | int]

    @property
    def epsilon(self) -> Fraction:
        """Return the pure epsilon that the mechanism's own parameters give."""
        assert self.body["mechanism"] == "discrete_laplace"
        return int(self.body["sensitivity"]) / Fraction(self.body["scale"])

    @property
    def stated(self) -> Fraction:
        return Fraction(self.body["epsilon"])


@pytest.fixture
def stored(town: Town) -> list[Stored]:
    """Give the stored events of queries that were planned, charged and started."""
    town.issue(under("SC-2", epsilon_total=Fraction(30)))
    with town.record.writing() as tx:
        set_asset(tx, LOANS.id, epsilon=Fraction(60), delta=DELTA, actor="P-adm")
    for number, sql in enumerate(QUERIES, 2):
        work = type(QUERY)(sql=sql, epsilon=Fraction(1, number + 1), output=QUERY.output)
        town.start(town.submit(work, scenario=ScenarioId("SC-2")))
    with town.record.reading() as tx:
        paid = budgets.charges(tx, "asset:LOANS@2026")
    assert len(paid) == len(QUERIES)
    return [Stored(each) for one in paid for each in json.loads(one.charge.events_json)]


def ours(stored: list[Stored], *, times: int) -> int:
    """Return what the ledger charged for the queries, so often, in pico-rho."""
    return times * sum(-(-(each.stated**2) * PICO // 2) for each in stored)


def composed(events: list[DpEvent], *, times: int) -> DpEvent:
    return SelfComposedDpEvent(ComposedDpEvent(events), times)


def test_the_price_follows_from_the_stored_parameters(town: Town, stored: list[Stored]) -> None:
    assert len(stored) == 5 + 1
    for each in stored:
        assert each.epsilon <= each.stated <= each.epsilon * (1 + Fraction(1, 10**15))
        assert int(each.body["cells"]) >= 1
    assert ours(stored, times=1) == town.balance("asset:LOANS@2026").used


@pytest.mark.parametrize("times", TIMES)
def test_rho_and_its_renyi_epsilon_are_dp_accountings_to_a_millionth(
    stored: list[Stored], times: int
) -> None:
    theirs = RdpAccountant(orders=ORDERS)
    theirs.compose(
        composed([ZCDpEvent(float(each.epsilon**2 / 2)) for each in stored], times=times)
    )
    rho = times * sum(float(each.epsilon) ** 2 / 2 for each in stored)

    charged = ours(stored, times=times)

    assert charged / PICO == pytest.approx(rho, abs=1e-6)
    difference = float(tight_epsilon_of(charged, DELTA)) - theirs.get_epsilon(float(DELTA))
    assert difference >= -1e-7
    assert difference <= 1e-6


@pytest.mark.parametrize("times", TIMES)
def test_no_epsilon_of_the_stored_laplace_noise_is_above_ours(
    stored: list[Stored], times: int
) -> None:
    noise = composed([LaplaceDpEvent(float(1 / each.epsilon)) for each in stored], times=times)
    renyi = RdpAccountant(orders=ORDERS[::100])
    losses = PLDAccountant(value_discretization_interval=1e-3)
    renyi.compose(noise)
    losses.compose(noise)

    most = float(tight_epsilon_of(ours(stored, times=times), DELTA))

    assert renyi.get_epsilon(float(DELTA)) <= most
    assert losses.get_epsilon(float(DELTA)) <= most
    assert most <= float(epsilon_of(ours(stored, times=times), DELTA))


@pytest.mark.parametrize("times", TIMES)
def test_not_even_the_worst_mechanism_of_these_epsilons_is_above_ours(
    stored: list[Stored], times: int
) -> None:
    losses = None
    for each in stored:
        one = from_privacy_parameters(
            DifferentialPrivacyParameters(float(each.epsilon), 0),
            value_discretization_interval=1e-3,
        ).self_compose(times)
        losses = one if losses is None else losses.compose(one)
    assert losses is not None

    worst = losses.get_epsilon_for_delta(float(DELTA))

    assert worst <= float(tight_epsilon_of(ours(stored, times=times), DELTA)) + 1e-3
