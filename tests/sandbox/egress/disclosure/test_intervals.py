"""What was left out cannot be computed from the rest: linear programmes of the tests' own try."""

import os
from dataclasses import replace

import numpy as np
import pytest

from sandbox.egress.disclosure.evidence import Concern, Labels
from sandbox.egress.disclosure.suppression import Suppressed, suppress
from sandbox.egress.recompute import Row
from tests.sandbox.egress.disclosure.examples import LEAST, PERSONS, bounded, counted, random_table

ROUNDS = 25 if os.environ.get("SHUYU_EGRESS") == "long" else 2
TABLES = [
    ((12,), 20.0),
    ((6, 5), 25.0),
    ((9, 8), 12.0),
    ((3, 4, 2), 30.0),
    ((3, 2, 2, 2), 40.0),
]


def narrow(units: dict[Labels, int], done: Suppressed, *, base: int) -> list[Labels]:
    """The sensitive cells that the attacker bounds more closely than the profile asks."""
    found = bounded(units, done.kept, done.withheld, slack=lambda _: base // 2)
    return [
        labels
        for labels, (low, high) in found.items()
        if labels in done.concerns and high - low < max(10, 0.2 * units[labels]) - 1e-3
    ]


@pytest.mark.req("H-15")
@pytest.mark.parametrize("base", [1, 5])
@pytest.mark.parametrize(("sizes", "mean"), TABLES)
def test_no_sensitive_cell_can_be_bounded_within_the_limit(
    sizes: tuple[int, ...], mean: float, base: int
) -> None:
    dice = np.random.default_rng(11)
    for _ in range(ROUNDS):
        units = random_table(dice, sizes, mean)

        done = suppress(counted(units), PERSONS, base=base)

        assert not done.too_hard
        assert narrow(units, done, base=base) == []


def test_without_secondary_suppression_the_same_attack_finds_small_cells() -> None:
    dice = np.random.default_rng(11)
    caught = 0
    for _ in range(4):
        units = random_table(dice, (6, 5), 25.0)
        done = suppress(counted(units), PERSONS)
        kept = tuple(labels for labels, size in units.items() if size >= 10)
        plain = Suppressed(kept=kept, small=0, dominated=0, secondary=0, concerns=done.concerns)
        caught += len(narrow(units, plain, base=1))

    assert caught > 0


def test_declared_totals_are_left_out_where_nothing_else_helps() -> None:
    units: dict[Labels, int] = {("a",): 3, ("b",): 900, ("",): 903}

    alone = suppress(counted(units), PERSONS)

    assert ("a",) not in alone.kept
    assert len(alone.kept) == 1  # either the total, or the other


def test_a_sum_cannot_be_had_from_the_shown_sums() -> None:
    sizes: dict[Labels, int] = {("a",): 3, ("b",): 40, ("c",): 50, ("d",): 60, ("e",): 70}
    sums: dict[Labels, float] = {("a",): 9e6, ("b",): 4e6, ("c",): 5e6, ("d",): 6e6, ("e",): 7e6}
    rows: dict[Labels, Row] = {
        labels: Row(cells=(), units=n, dominance=0.0, sums=(sums[labels],))
        for labels, n in sizes.items()
    }

    counts = suppress(counted(sizes), PERSONS, base=5)
    both = suppress(rows, PERSONS, base=5)

    assert len(counts.kept) == 4  # four roundings hide three units…
    assert len(both.kept) == 3  # …but not a sum that is shown to four digits


def with_sums(dice: np.random.Generator, units: dict[Labels, int]) -> dict[Labels, Row]:
    amounts = {labels: float(dice.lognormal(8, 1, size).sum()) for labels, size in units.items()}
    return {
        labels: Row(cells=(), units=size, dominance=0.0, sums=(amounts[labels],))
        for labels, size in units.items()
        if size
    }


def narrow_sums(rows: dict[Labels, Row], done: Suppressed) -> list[Labels]:
    """The sensitive cells whose sum the attacker bounds more closely than the profile asks."""
    units = {labels: row.units for labels, row in rows.items()}
    most = max(row.sums[0] for row in rows.values())
    values = {labels: row.sums[0] / most for labels, row in rows.items()}
    found = bounded(units, done.kept, done.withheld, slack=lambda v: 0.5e-4 * v, values=values)
    return [
        labels
        for labels, (low, high) in found.items()
        if labels in done.concerns and high - low < 0.2 * values[labels] * (1 - 1e-3)
    ]


def test_no_sensitive_sum_can_be_bounded_within_the_limit() -> None:
    dice = np.random.default_rng(17)
    caught = 0
    for sizes, mean in TABLES[:4] * ROUNDS:
        rows = with_sums(dice, random_table(dice, sizes, mean))

        done = suppress(rows, PERSONS, base=5)

        many = tuple(labels for labels, row in rows.items() if row.units >= LEAST)
        caught += len(narrow_sums(rows, replace(done, kept=many, withheld=())))
        assert not done.too_hard
        assert narrow_sums(rows, done) == []
    assert caught > 0  # the same attack finds sums where only small cells are left out


def test_what_is_too_much_work_leaves_nothing() -> None:
    dice = np.random.default_rng(5)
    units = random_table(dice, (9, 9, 9, 9), 3.0)

    done = suppress(counted(units), PERSONS, base=1)

    assert done.too_hard
    assert done.kept == ()


def test_the_decision_is_the_same_every_time() -> None:
    units = random_table(np.random.default_rng(3), (9, 8), 15.0)

    first = suppress(counted(units), PERSONS, base=5)
    again = suppress(counted(dict(reversed(units.items()))), PERSONS, base=5)

    assert set(first.kept) == set(again.kept)


def test_the_values_of_a_table_of_counts_never_matter() -> None:
    """Which rows of a table of counts stay follows from the sizes alone."""
    units = random_table(np.random.default_rng(3), (6, 6), 15.0)
    rows = counted(units)
    moved = {k: Row(cells=("x",), units=r.units, dominance=99.0) for k, r in rows.items()}

    assert suppress(rows, PERSONS).kept == suppress(moved, PERSONS).kept


def test_a_group_in_one_category_and_a_small_complement_are_left_out() -> None:
    units: dict[Labels, int] = {
        ("x", "p"): 400,
        ("x", "q"): 30,
        ("y", "p"): 200,
        ("y", "q"): 190,
        ("z", "p"): 104,
        ("z", "q"): 96,
    }
    alone: dict[Labels, int] = {("p",): 500, ("q",): 5, ("r",): 2}

    group = suppress(counted(units), PERSONS, base=5)
    rest = suppress(counted(alone), PERSONS, base=5)

    assert group.concerns["x", "p"] == {Concern.CLASS}
    assert ("x", "p") not in group.kept
    assert Concern.COMPLEMENT in rest.concerns["p",]
    assert ("p",) not in rest.kept


def test_a_branch_within_its_region_is_no_group_in_one_category() -> None:
    units: dict[Labels, int] = {
        ("north", "n1"): 50,
        ("north", "n2"): 60,
        ("south", "s1"): 70,
        ("south", "s2"): 80,
    }

    assert len(suppress(counted(units), PERSONS, base=5).kept) == 4


def test_every_count_of_a_row_is_guarded_not_only_the_smallest() -> None:
    units: dict[Labels, int] = {("a",): 3, ("b",): 40, ("c",): 50}
    more: dict[Labels, int] = {("a",): 4, ("b",): 900, ("c",): 950}
    rows: dict[Labels, Row] = {
        labels: Row(cells=(), units=n, dominance=0.0, counts=(float(n), float(more[labels])))
        for labels, n in units.items()
    }

    both = suppress(rows, PERSONS)

    total, shown = sum(more.values()), sum(more[labels] for labels in both.kept)
    assert ("a",) not in both.kept
    assert total - shown >= more["a",] + 10
