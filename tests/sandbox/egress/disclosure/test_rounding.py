"""Counts that are shown add up, and totals tell no more than rounding leaves."""

import numpy as np
import pytest

from sandbox.egress.disclosure.cube import cube
from sandbox.egress.disclosure.evidence import Labels
from sandbox.egress.disclosure.rounding import consistent
from tests.sandbox.egress.disclosure.examples import random_table


def with_totals(units: dict[Labels, int]) -> dict[Labels, int]:
    cells = {labels: size for labels, size in units.items() if size}
    table = cube(cells)
    totals = table.adds @ np.array([cells[labels] for labels in table.cells])
    return cells | {labels: int(n) for labels, n in zip(table.margins, totals, strict=True)}


@pytest.mark.parametrize("sizes", [(6,), (5, 4), (3, 4, 3)])
def test_where_everything_is_shown_totals_are_sums_of_rounded_cells(sizes: tuple[int, ...]) -> None:
    counts = with_totals(random_table(np.random.default_rng(2), sizes, 40.0))

    shown = consistent(counts, tuple(counts), 5)

    table = cube(counts)
    cells = np.array([shown[labels] for labels in table.cells])
    assert all(value % 5 == 0 for value in shown.values())
    assert [shown[labels] for labels in table.margins] == (table.adds @ cells).tolist()


def test_a_total_with_a_hidden_cell_stays_near_the_true_one_and_adds_up() -> None:
    counts = with_totals(random_table(np.random.default_rng(4), (5, 4), 30.0))
    kept = [labels for labels, size in counts.items() if size >= 10]

    shown = consistent(counts, kept, 5)

    grand = shown["", ""]
    rows = [shown[name, ""] for name in {labels[0] for labels in kept} if name]
    assert grand == sum(rows)
    assert all(abs(shown[labels] - counts[labels]) <= 15 for labels in kept)


def test_a_count_of_units_that_are_in_several_cells_is_rounded_alone() -> None:
    counts: dict[Labels, int] = {("a",): 52, ("b",): 63, ("",): 71}

    assert consistent(counts, tuple(counts), 5) == {("a",): 50, ("b",): 65, ("",): 70}
