"""The privacy event: which mechanism ran with which parameters, from which every cost can be recomputed."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Self

from sandbox.privacy.accounting import PICO, rho_of_pure
from sandbox.privacy.errors import CostError

DISCRETE_LAPLACE = "discrete_laplace"
"""Canonne, Kamath and Steinke 2020, section 5.2; sampled exactly on integers. Sensitivity in the L1 norm."""
DISCRETE_GAUSSIAN = "discrete_gaussian"
"""The same, theorem 4: rho = sensitivity^2 / (2 scale^2). Sensitivity in the L2 norm."""
GAUSSIAN_KEYS = "gaussian_keys"
"""Weighted Gaussian choice of private keys: Gopi and others 2020, "Differentially Private Set Union"."""
EXPONENTIAL = "exponential"
"""One choice in each cell. McSherry and Talwar 2007; epsilon^2 / 8 of rho by its bounded range: Cesar and Rogers 2021."""
PURE = frozenset({DISCRETE_LAPLACE, EXPONENTIAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class DpEvent:
    """One mechanism over all cells of one noisy vector."""

    measure: str
    """The answer's column that it serves, or `keys`."""
    mechanism: str = DISCRETE_LAPLACE
    sensitivity: int
    """The most, in grid steps and in the mechanism's norm over all cells, that one protected unit can change."""
    scale: Fraction
    """The noise's scale in grid steps, at least sensitivity / epsilon; of a choice, twice that."""
    epsilon: Fraction
    """The share of the question's epsilon that this vector spends."""
    grid: Fraction
    """The value of one grid step, in the measure's own unit."""
    cells: int
    """How many cells are answered for each private key; all of them where there is none."""
    delta: Fraction = Fraction(0)
    """The chance that a key of one unit alone is seen; 0 but for the choice of keys."""
    threshold: int = 0
    """For the choice of keys: a noisy vote above it is answered, in grid steps."""

    @property
    def rho(self) -> int:
        """Return its cost in pico-rho, rounded up."""
        if self.mechanism == EXPONENTIAL:
            return ceil(self.epsilon * self.epsilon * PICO / 8)
        return rho_of_pure(self.epsilon)

    def form(self) -> dict[str, str | int]:
        """Return its JSON form for the record; fractions are texts such as `1/3`, never floats."""
        return {
            "measure": self.measure,
            "mechanism": self.mechanism,
            "sensitivity": self.sensitivity,
            "scale": str(self.scale),
            "epsilon": str(self.epsilon),
            "grid": str(self.grid),
            "cells": self.cells,
            "delta": str(self.delta),
            "threshold": self.threshold,
            "rho_pico": self.rho,
        }

    @classmethod
    def of(cls, form: Mapping[str, str | int]) -> Self:
        """Read the JSON form back; raise `CostError` where its cost is not the one that it states."""
        event = cls(
            measure=str(form["measure"]),
            mechanism=str(form["mechanism"]),
            sensitivity=int(form["sensitivity"]),
            scale=Fraction(form["scale"]),
            epsilon=Fraction(form["epsilon"]),
            grid=Fraction(form["grid"]),
            cells=int(form["cells"]),
            delta=Fraction(form.get("delta", 0)),
            threshold=int(form.get("threshold", 0)),
        )
        if event.rho != form["rho_pico"]:
            raise CostError("the stored cost is not the event's cost")
        return event
