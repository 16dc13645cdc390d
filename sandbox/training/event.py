"""The privacy event of a training: what ran with which parameters, from which an auditor recomputes its price."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Self

from sandbox.privacy.accounting import MICRO, PICO, epsilon_of
from sandbox.privacy.errors import CostError
from sandbox.training.price import epsilon_of_training, rho_of_training

MECHANISM = "poisson_sampled_gaussian"
"""Abadi et al. 2016, over units; noise is a Gaussian rounded to a grid, with the sums on the same grid."""
_SLACK = Fraction(1, 1000)
"""How far two machines' doubles may lie apart in one price: a fifth of the price's own margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingEvent:
    """All noisy steps of one training, and the noisy counts that tell how good its models are."""

    sampling_rate: Fraction
    """The chance that a step samples a unit."""
    noise: Fraction
    """The noise's standard deviation over the most that one unit changes a step's sum."""
    steps: int
    """Of each try."""
    tries: int
    """Each is paid for in full, whichever of them is released."""
    metric_noise: Fraction | None = None
    """The standard deviation of each count, of which a unit changes one by one; nothing where none are released."""

    @property
    def rho(self) -> int:
        """Return its cost in pico-rho, rounded up; raise `CostError` where it cannot be priced."""
        training = rho_of_training(self.sampling_rate, self.noise, self.steps)
        return self.tries * (training + self._metric_rho)

    @property
    def _metric_rho(self) -> int:
        return ceil(PICO / (2 * self.metric_noise**2)) if self.metric_noise else 0

    def epsilon(self, delta: Fraction) -> Fraction:
        """Return the epsilon that all of it amounts to at `delta`, rounded up to a millionth.

        Without counts it is that of the privacy loss distribution of all tries' steps. With counts each of the two
        parts is held against half of delta, the counts by zCDP (Bun and Steinke 2016, proposition 1.3), and both add.
        """
        every = self.tries * self.steps
        if not self.metric_noise:
            return epsilon_of_training(self.sampling_rate, self.noise, every, delta)
        training = epsilon_of_training(self.sampling_rate, self.noise, every, delta / 2)
        return training + epsilon_of(self.tries * self._metric_rho, delta / 2)

    def form(self) -> dict[str, str | int]:
        """Return its JSON form for the record; fractions are texts such as `1/3`, never floats."""
        return {
            "mechanism": MECHANISM,
            "sampling_rate": str(self.sampling_rate),
            "noise": str(self.noise),
            "steps": self.steps,
            "tries": self.tries,
            "metric_noise": str(self.metric_noise or 0),
            "rho_pico": self.rho,
        }

    @classmethod
    def of(cls, form: Mapping[str, str | int]) -> Self:
        """Read the JSON form back; raise `CostError` where its cost is not the one that it states."""
        event = cls(
            sampling_rate=Fraction(form["sampling_rate"]),
            noise=Fraction(form["noise"]),
            steps=int(form["steps"]),
            tries=int(form["tries"]),
            metric_noise=Fraction(form["metric_noise"]) or None,
        )
        if form["mechanism"] != MECHANISM:
            raise CostError("the stored event is of another mechanism")
        if abs(event.rho - int(form["rho_pico"])) > event.rho * _SLACK:
            raise CostError("the stored cost is not the event's cost")
        return event


def metric_noise_for(rho: Fraction) -> Fraction:
    """Return a deviation at which one try's counts cost at most `rho`, a whole number of thousandths."""
    least = ceil((PICO / (2 * rho)) ** 0.5 / MICRO * 1000)
    while Fraction(least, 1000) ** 2 * 2 * rho < 1:
        least += 1
    return Fraction(least, 1000)
