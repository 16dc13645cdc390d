"""The differencing audit: what it proves is safe is, and what it finds can be computed."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from sandbox.egress.spans.audit import Answer, Combination, Crowds, Isolated, Open, Safe, audit

Table = list[list[int]]


def apart(units: list[int]) -> Crowds:
    """Let every unit stand in one atom only."""
    atom = np.repeat(np.arange(len(units)), units)
    holders = csr_matrix((np.ones(len(atom)), (np.arange(len(atom)), atom)))
    return Crowds(units=np.array(units), holders=holders)


def judged(old: Table, new: Table, units: list[int], fewest: int = 10) -> Answer:
    members = csr_matrix(np.array(old + new))
    asked = np.array([False] * len(old) + [True] * len(new))
    return audit(members, apart(units), fewest=fewest, new=asked)


def isolating(cells: Table, units: list[int], fewest: int) -> Iterator[tuple[set[int], int]]:
    """Yield every set of atoms of few units, and how many independent vectors of the row space are zero outside it."""
    matrix = np.array(cells, dtype=float).reshape(len(cells), len(units))
    rank = int(np.linalg.matrix_rank(matrix)) if len(cells) else 0
    for size in range(1, len(units) + 1):
        for inside in itertools.combinations(range(len(units)), size):
            outside = [atom for atom in range(len(units)) if atom not in inside]
            if sum(units[atom] for atom in inside) < fewest:
                left = int(np.linalg.matrix_rank(matrix[:, outside])) if cells and outside else 0
                yield set(inside), rank - left


def excused(old: Table, new: Table, units: list[int], fewest: int) -> set[int]:
    """Return the atoms in sets that old or new cells isolate alone."""
    found: set[int] = set()
    for cells in (old, new):
        for inside, vectors in isolating(cells, units, fewest):
            found |= inside if vectors else set()
    return found


def test_all_but_one_of_six_hundred_is_found_with_both_cells() -> None:
    answer = judged([[1, 1]], [[1, 0]], [599, 1])

    assert answer == Isolated(found=(Combination(units=1, cells=(0, 1)),))


def test_two_cells_that_share_nothing_are_safe() -> None:
    assert judged([[1, 0]], [[0, 1]], [40, 50]) == Safe()


def test_crossed_tables_of_small_atoms_are_proven_safe() -> None:
    rows = [[int(atom // 40 == row) for atom in range(1600)] for row in range(40)]
    columns = [[int(atom % 40 == row) for atom in range(1600)] for row in range(40)]

    assert judged(rows, columns, [1] * 1600) == Safe()


def test_what_earlier_releases_tell_by_themselves_is_not_asked_again() -> None:
    assert judged([[1, 1, 0], [1, 0, 0]], [[1, 0, 1]], [599, 1, 40]) == Safe()


def test_what_the_new_release_tells_by_itself_is_not_asked_here() -> None:
    assert judged([[1, 0, 1]], [[1, 1, 0], [1, 0, 0]], [599, 1, 40]) == Safe()


def test_cells_told_again_tell_nothing_new() -> None:
    old = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]

    assert judged(old, old[1:], [599, 3, 2]) == Safe()


def test_beside_what_is_excused_a_clash_is_found() -> None:
    # the old release isolates the second atom by itself; with the new one, the fourth falls too
    old = [[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1]]

    answer = judged(old, [[0, 0, 1, 0]], [599, 3, 80, 2])

    assert answer == Isolated(found=(Combination(units=2, cells=(2, 3)),))


def test_a_clash_inside_what_is_excused_is_found() -> None:
    # old: 4 units in two atoms by a subtraction; new: the same cells but for the first of these atoms
    old = [[1, 1, 1], [1, 0, 0]]

    answer = judged(old, [[1, 1, 0]], [599, 3, 1])

    assert isinstance(answer, Isolated)
    assert {1, 3} >= {one.units for one in answer.found}


def test_three_cells_that_isolate_together_are_found() -> None:
    answer = judged([[1, 1, 0, 0], [0, 1, 1, 0]], [[0, 0, 1, 1], [1, 0, 0, 0]], [50, 50, 50, 3])

    assert answer == Isolated(found=(Combination(units=3, cells=(0, 1, 2, 3)),))


def test_the_same_few_units_in_several_atoms_are_counted_once() -> None:
    cells = csr_matrix(np.array([[1, 1, 1], [0, 0, 1]]))
    holders = np.zeros((50, 3))
    holders[:6, :2] = 1  # six units, each with rows in two atoms: twelve in all, were they apart
    holders[6:, 2] = 1
    crowds = Crowds(units=np.array([6, 6, 44]), holders=csr_matrix(holders))

    answer = audit(cells, crowds, fewest=10, new=np.array([False, True]))

    assert answer == Isolated(found=(Combination(units=6, cells=(0, 1)),))


CELLS = st.integers(0, 1)


@given(data=st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_an_answer_agrees_with_brute_force(data: st.DataObject) -> None:
    atoms, fewest = data.draw(st.integers(2, 7)), 5
    row = st.lists(CELLS, min_size=atoms, max_size=atoms)
    old = data.draw(st.lists(row, min_size=1, max_size=4))
    new = data.draw(st.lists(row, min_size=1, max_size=3))
    units = data.draw(st.lists(st.integers(1, 12), min_size=atoms, max_size=atoms))

    answer = judged(old, new, units, fewest)

    left_to_others = excused(old, new, units, fewest)
    together = [inside for inside, vectors in isolating(old + new, units, fewest) if vectors]
    if isinstance(answer, Safe):
        assert all(_has_subset(inside, left_to_others, together) for inside in together)
    if isinstance(answer, Isolated):
        assert together


def _has_subset(inside: set[int], excused: set[int], sets: list[set[int]]) -> bool:
    """Whether a set isolates only by way of what is excused."""
    return any(other <= inside and other <= excused for other in sets)


@pytest.mark.parametrize("seed", range(20))
def test_most_small_cases_are_settled(seed: int) -> None:
    dice = np.random.default_rng(seed)
    cells = (dice.random((5, 8)) < 0.5).astype(int).tolist()
    units = dice.integers(1, 30, 8).tolist()

    assert not isinstance(judged(cells[:3], cells[3:], units), Open)
