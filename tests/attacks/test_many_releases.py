"""Attacks over several releases: each table is fine, and the attacker adds and subtracts them.

The attacker wants to know of single people whether they earn above the median, and is given all that a view's condition can say
of them. The same attack runs against a plain threshold, which answers each total of ten people and more exactly, and against the
gate with its ledger. What is gained is the share of right answers over one half.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Protocol

import duckdb
import numpy as np
import pandas as pd
import pytest

from sandbox.asset import Asset
from sandbox.egress.span import Earlier, Ledger
from sandbox.egress.spans.audit import Safe
from sandbox.egress.spans.ledger import held_against
from sandbox.egress.spans.told import span_of
from sandbox.egress.table import Table
from sandbox.egress.treatments.recomputed import Treated, treat
from sandbox.order import Function, OutputColumn, ReleaseClass
from tests.sandbox.egress.disclosure.examples import COUNT, PERSONS, dimension, number, with_total
from tests.sandbox.egress.examples import output
from tests.sandbox.egress.spans.conftest import FEWEST, Domain, people

INCOME = number(Function.SUM, "income")
DISTRICT, SEX = dimension("district"), dimension("sex")
MOST_GAIN = 0.05
LEAST_ANSWERED = 0.95
TARGETS = range(8)
OTHERS = "age <= 80"


class Asked(Protocol):
    """Who answers: one total of incomes over the people of a condition, or nothing."""

    def total(self, condition: str) -> float | None: ...


@dataclass
class Threshold:
    """Answers exactly where there are enough people."""

    register: pd.DataFrame

    def total(self, condition: str) -> float | None:
        with duckdb.connect() as connection:
            connection.register("register", self.register)
            total, units = connection.execute(
                f"SELECT sum(income), count(*) FROM register WHERE {condition or 'true'}"
            ).fetchone() or (0.0, 0)
        return float(total) if units >= FEWEST else None


@dataclass
class Gate:
    """Answers as the domain does: its own numbers, disclosure control, and the ledger."""

    domain: Domain
    asset: Asset
    released: list[Earlier] = field(default_factory=list)

    def table(self, columns: Sequence[OutputColumn], condition: str = "") -> Table | None:
        terms = output(ReleaseClass.SDC, tuple(columns))
        inspection = self.domain.inspection(self.asset, terms, condition)
        treated = treat(terms, inspection)
        if not isinstance(treated, Treated):
            return None
        span = span_of(terms, treated.table, inspection.views[0])
        ledger = Ledger(data=self.domain.data, before=tuple(self.released))
        if not isinstance(held_against(span, ledger, limits=PERSONS), Safe):
            return None
        self.released.append(Earlier(id=str(len(self.released)), release="R", span=span))
        return treated.table

    def total(self, condition: str) -> float | None:
        found = self.table((INCOME,), condition)
        if found is None:
            return None
        cell = found.rows[0][0]
        return float(cell) if isinstance(cell, int | float) else None


def register() -> pd.DataFrame:
    """Each target has an age of their own above 80, by which a condition finds them."""
    frame = people(700)
    frame.loc[list(TARGETS), "age"] = [81 + at for at in TARGETS]
    frame.loc[list(TARGETS), "income"] = [2000.0, 30000.0] * (len(TARGETS) // 2)
    return frame


def gained(guesses: Sequence[float | None], frame: pd.DataFrame) -> float:
    """Return the share of right answers over a half; where nothing is known, half of the guesses are right."""
    middle = frame["income"].median()
    right = [
        0.5 if guess is None else float((guess > middle) == (frame.loc[at, "income"] > middle))
        for at, guess in zip(TARGETS, guesses, strict=True)
    ]
    return fmean(right) - 0.5


def difference(more: float | None, less: float | None) -> float | None:
    return None if more is None or less is None else more - less


def differencing(asked: Asked) -> list[float | None]:
    """Everybody, and everybody but one."""
    everybody = asked.total("")
    return [difference(everybody, asked.total(f"age <> {81 + at}")) for at in TARGETS]


def tracking(asked: Asked) -> list[float | None]:
    """A tracker: who is in one set and not in another that nearly covers it (Denning and Denning 1979)."""
    return [
        difference(asked.total(f"{OTHERS} OR age = {81 + at}"), asked.total(OTHERS))
        for at in TARGETS
    ]


def averaging(asked: Asked) -> list[float | None]:
    """The same difference over many crowds, so that what rounding hides is averaged out."""
    guesses: list[float | None] = []
    for at in TARGETS:
        found = [
            difference(
                asked.total(f"age > {low} and age < {low + 20} or age = {81 + at}"),
                asked.total(f"age > {low} and age < {low + 20}"),
            )
            for low in range(0, 60, 20)
        ]
        known = [each for each in found if each is not None]
        guesses.append(fmean(known) if known else None)
    return guesses


ATTACKS: tuple[Callable[[Asked], list[float | None]], ...] = (differencing, tracking, averaging)


@pytest.mark.req("F-12")
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_over_several_releases_gains_at_most_five_points(
    domain: Domain, attack: Callable[[Asked], list[float | None]]
) -> None:
    frame = register()

    assert gained(attack(Gate(domain, domain.keep(frame))), frame) <= MOST_GAIN


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_same_attack_succeeds_against_a_plain_threshold(
    attack: Callable[[Asked], list[float | None]],
) -> None:
    frame = register()

    assert gained(attack(Threshold(frame)), frame) > 0.4


def test_honest_tables_over_time_are_answered_nearly_as_a_plain_threshold_would(
    domain: Domain,
) -> None:
    """Half a year of monthly data, the same three reports from each month."""
    frame, answered, plain = people(3000, seed=4), 0, 0
    gate = Gate(domain, domain.keep(frame.iloc[:1000]))
    reports = ((DISTRICT, SEX, COUNT), (with_total("district"), COUNT, INCOME), (SEX, INCOME))
    for month in range(6):
        known = frame.iloc[: 1000 + 400 * month]
        gate.asset = domain.keep(known)
        for columns in reports:
            dims = [column.name for column in columns if column.source in ("district", "sex")]
            sizes = known.groupby(dims).size()
            totals = int(len(columns) == 3 and columns[0].function is Function.DIMENSION_TOTAL)
            plain += int((sizes >= FEWEST).sum()) + totals
            found = gate.table(columns)
            answered += len(found.rows) if found else 0

    assert answered >= LEAST_ANSWERED * plain


def test_of_whom_only_the_income_changed_nothing_is_told_by_the_next_snapshot(
    domain: Domain,
) -> None:
    frame = people(700)
    gate = Gate(domain, domain.keep(frame))
    first = gate.total("")
    changed = frame.assign(income=np.where(frame.index == 3, 90_000.0, frame["income"]))
    gate.asset = domain.keep(changed)

    assert first is not None
    assert gate.total("") is None
    assert gate.table((DISTRICT, COUNT)) is not None
