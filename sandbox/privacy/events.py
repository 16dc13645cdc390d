"""The privacy event: which mechanism ran with which parameters, from which every cost can be recomputed."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from sandbox.privacy.accounting import rho_of_pure
from sandbox.privacy.errors import CostError

DISCRETE_LAPLACE = "discrete_laplace"
"""Canonne, Kamath and Steinke 2020, section 5.2; sampled exactly on integers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DpEvent:
    """One noisy integer vector: one mechanism over all cells of one measure."""

    measure: str
    """The answer's column that it serves."""
    mechanism: str = DISCRETE_LAPLACE
    sensitivity: int
    """The most, in grid steps and in the L1 norm over all cells, that one protected unit can change."""
    scale: Fraction
    """The noise's scale in grid steps: a double's exact value, at least sensitivity / epsilon."""
    epsilon: Fraction
    """The share of the question's epsilon that this vector spends."""
    grid: Fraction
    """The value of one grid step, in the measure's own unit."""
    cells: int

    @property
    def rho(self) -> int:
        """Return its cost in pico-rho, rounded up."""
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
        )
        if event.rho != form["rho_pico"]:
            raise CostError("the stored cost is not the event's cost")
        return event
