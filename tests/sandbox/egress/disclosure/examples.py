"""Tables, terms and an attacker of their own for the disclosure tests."""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import combinations, product

import numpy as np
from scipy.optimize import linprog

from sandbox.egress.disclosure.evidence import Labels
from sandbox.egress.disclosure.profile import packaged
from sandbox.egress.recompute import Row
from sandbox.order import Function, OutputColumn

PERSONS = packaged("persons")
ENTERPRISES = packaged("enterprises")
LEAST = PERSONS.min_units
COUNT = OutputColumn(name="n", type="int", function=Function.COUNT)


def dimension(name: str, source: str = "") -> OutputColumn:
    return OutputColumn(
        name=name, type="string", function=Function.DIMENSION, source=source or name
    )


def with_total(name: str) -> OutputColumn:
    return OutputColumn(name=name, type="string", function=Function.DIMENSION_TOTAL, source=name)


def number(function: Function, source: str, name: str = "x") -> OutputColumn:
    return OutputColumn(name=name, type="float", function=function, source=source)


def counted(units: Mapping[Labels, int]) -> dict[Labels, Row]:
    """Rows of a table of counts alone, where every unit has one row."""
    return {
        labels: Row(cells=(*labels, size), units=size, dominance=0.0)
        for labels, size in units.items()
        if size
    }


def random_table(
    dice: np.random.Generator, sizes: tuple[int, ...], mean: float
) -> dict[Labels, int]:
    """A table of skewed counts, as categories of real data are."""
    shares = [dice.dirichlet(np.full(size, 1.5)) for size in sizes]
    cells = product(*(range(size) for size in sizes))
    many = mean * float(np.prod(sizes))
    return {
        tuple("abcdefghijklmnopqrstuvwxyz"[at] for at in cell): int(
            dice.poisson(many * float(np.prod([s[at] for s, at in zip(shares, cell, strict=True)])))
        )
        for cell in cells
    }


def margins(cells: Collection[Labels]) -> Iterator[tuple[Labels, list[int]]]:
    """Every total of a table, and the places of its cells."""
    depth = len(next(iter(cells)))
    for n in range(1, depth + 1):
        for hidden in combinations(range(depth), n):
            groups: dict[Labels, list[int]] = {}
            for at, cell in enumerate(cells):
                key = tuple("" if i in hidden else name for i, name in enumerate(cell))
                groups.setdefault(key, []).append(at)
            yield from groups.items()


def bounded(
    units: Mapping[Labels, int],
    kept: Collection[Labels],
    unknown: Collection[Labels],
    *,
    slack: Callable[[float], float],
    values: Mapping[Labels, float] | None = None,
) -> dict[Labels, tuple[float, float]]:
    """What an attacker can say of each cell that was left out, by linear programmes of the tests' own.

    Known are the kept cells and every total of ten units or more, each to within the `slack` of its value, and which
    cells are empty. `values` are what the cells tell, where it is not their units.
    """
    cells = [labels for labels, size in units.items() if size]
    sizes = np.array([units[labels] for labels in cells])
    true = np.array([(values or units)[labels] for labels in cells], dtype=float)
    limits = [
        (max(0.0, value - slack(value)), value + slack(value)) if labels in kept else (0.0, None)
        for labels, value in zip(cells, true.tolist(), strict=True)
    ]
    rows, sides = [], []
    for labels, members in margins(cells):
        if sizes[members].sum() < LEAST or labels in unknown:
            continue
        row, total = np.zeros(len(cells)), float(true[members].sum())
        row[members] = 1
        rows += [row, -row]
        sides += [total + slack(total), slack(total) - total]
    found: dict[Labels, tuple[float, float]] = {}
    for at, labels in enumerate(cells):
        if labels in kept:
            continue
        aim = np.zeros(len(cells))
        aim[at] = 1
        ends = []
        for sign in (1, -1):
            answer = linprog(sign * aim, A_ub=rows or None, b_ub=sides or None, bounds=limits)
            ends.append(sign * answer.fun if answer.status == 0 else sign * -np.inf)
        found[labels] = (ends[0], ends[1])
    return found
