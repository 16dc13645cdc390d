"""Judges a view as its job sees it: the granted columns, with those that are coarsened as texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sandbox.anonymity.evidence import Evidence
from sandbox.anonymity.judge import Known, evidence_of
from sandbox.anonymity.level import Levelled, level_of_rows
from sandbox.asset import Asset, Column
from sandbox.order import Generalise, ViewTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a scenario is granted of an asset."""

    columns: tuple[Column, ...]
    pseudonyms: frozenset[str]
    generalise: Generalise | None

    @classmethod
    def of(cls, terms: ViewTerms, asset: Asset) -> Self:
        """Return what these terms grant of `asset`."""
        granted = (asset.column(name) for name in terms.columns)
        return cls(
            columns=tuple(column for column in granted if column is not None),
            pseudonyms=frozenset(terms.pseudonyms),
            generalise=terms.generalise,
        )

    def known(self) -> Known:
        """Return what others may know of the view: what is declared so, and no pseudonym."""
        if self.generalise is not None:
            return Known(quasi=self.generalise.quasi, sensitive=self.generalise.sensitive)
        return Known.of(self._readable())

    def shown(self) -> tuple[Column, ...]:
        """Return the columns that can be judged, as they are shown."""
        aim = self.generalise
        return tuple(aim.shown(column) if aim else column for column in self._readable())

    def _readable(self) -> Sequence[Column]:
        return [column for column in self.columns if column.name not in self.pseudonyms]


def evidence_of_view(gate: Path, granted: Granted, *, unit: str) -> Evidence:
    """Judge the gate's file of a view; `unit` is its column that tells units apart.

    Whoever is in the view is taken to be known to be in it: the journalist's risks are the prosecutor's, which are higher.
    """
    return evidence_of(gate, granted.shown(), unit=unit, known=granted.known())


def level_of_view(evidence: Evidence, granted: Granted, *, floor: int) -> Levelled:
    """Return the level of a view; `floor` is the fewest units of a class that make the risk acceptable."""
    return level_of_rows(
        granted.columns, pseudonyms=granted.pseudonyms, evidence=evidence, floor=floor
    )
