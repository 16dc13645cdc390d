"""What is wrong with a cell beside its neighbours: a complement of few units, or a group in one category."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from sandbox.egress.disclosure.evidence import TOTAL, Concern, Labels
from sandbox.egress.disclosure.profile import Profile

Line = list[Labels]
"""Cells that differ in one dimension only."""


def lines(cells: Iterable[Labels]) -> dict[tuple[int, Labels], Line]:
    """Return the lines of a table, by the place of the dimension that varies and the other labels."""
    found: defaultdict[tuple[int, Labels], Line] = defaultdict(list)
    for labels in cells:
        for axis, name in enumerate(labels):
            if name != TOTAL:
                found[axis, labels[:axis] + labels[axis + 1 :]].append(labels)
    return found


def beside_others(
    units: Mapping[Labels, int], profile: Profile
) -> Iterator[tuple[Labels, Concern]]:
    """Yield the cells of which a line says too much, from population sizes alone.

    A group in one category tells the category of all its members. Where every line of a dimension has
    one category, the other dimensions define it (a branch within a region), which is no secret.
    """
    every = lines(units)
    varies = {(axis, _shape(others)) for (axis, others), line in every.items() if len(line) > 1}
    for (axis, others), line in every.items():
        total = sum(units[labels] for labels in line)
        for labels in line:
            if 0 < total - units[labels] < profile.min_units:
                yield labels, Concern.COMPLEMENT
            told = 100 * units[labels] > profile.class_share * total
            if told and not all(_shape(others)) and (axis, _shape(others)) in varies:
                yield labels, Concern.CLASS


def _shape(others: Labels) -> tuple[bool, ...]:
    """Say in which of the other dimensions a line shows the total."""
    return tuple(name == TOTAL for name in others)
