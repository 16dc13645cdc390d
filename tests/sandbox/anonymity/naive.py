"""What is measured of a table, counted slowly from its definitions, one unit at a time."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate
from math import exp, log
from typing import Any

Row = dict[str, Any]


def classes(rows: Sequence[Row], quasi: Sequence[str]) -> list[list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in quasi)].append(row)
    return list(found.values())


def crowd(rows: Sequence[Row]) -> int:
    return len({row["unit"] for row in rows})


def unit_crowds(rows: Sequence[Row], quasi: Sequence[str], *, among: Sequence[Row]) -> list[int]:
    """Return the smallest crowd that each unit stands in, counted among other rows of the same classes."""
    sizes = {_key(found[0], quasi): crowd(found) for found in classes(among, quasi)}
    of_unit: dict[Any, list[int]] = defaultdict(list)
    for row in rows:
        of_unit[row["unit"]].append(sizes[_key(row, quasi)])
    return [min(each) for each in of_unit.values()]


def linked_k(rows: Sequence[Row], quasi: Sequence[str]) -> int:
    places: dict[Any, set[tuple[Any, ...]]] = defaultdict(set)
    for row in rows:
        places[row["unit"]].add(_key(row, quasi))
    sets = [frozenset(each) for each in places.values()]
    return min(sets.count(each) for each in sets)


def diversity(rows: Sequence[Row], quasi: Sequence[str], column: str) -> tuple[int, float, float]:
    """Return distinct l, entropy l and the top share of the worst classes."""
    spreads = [(_spread(found, column), crowd(found)) for found in classes(rows, quasi)]
    return (
        min(len(spread) for spread, _ in spreads),
        min(_entropy_l(spread) for spread, _ in spreads),
        max(max(spread.values()) / units for spread, units in spreads),
    )


def closeness(rows: Sequence[Row], quasi: Sequence[str], column: str, *, ordered: bool) -> float:
    values = sorted({row[column] for row in rows}, key=lambda value: (value is None, value or 0))
    if not ordered:
        values = sorted(values, key=str)
    whole = _shares(rows, column, values)
    apart = [
        [own - all_ for own, all_ in zip(_shares(found, column, values), whole, strict=True)]
        for found in classes(rows, quasi)
    ]
    if not ordered:
        return max(sum(abs(each) for each in one) / 2 for one in apart)
    return max(
        sum(abs(each) for each in accumulate(one)) / max(1, len(values) - 1) for one in apart
    )


def _key(row: Row, quasi: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in quasi)


def _spread(rows: Sequence[Row], column: str) -> dict[Any, int]:
    pairs = {(row["unit"], row[column]) for row in rows}
    found: dict[Any, int] = defaultdict(int)
    for _, value in pairs:
        found[value] += 1
    return found


def _entropy_l(spread: dict[Any, int]) -> float:
    total = sum(spread.values())
    return exp(-sum(n / total * log(n / total) for n in spread.values()))


def _shares(rows: Sequence[Row], column: str, values: Sequence[Any]) -> list[float]:
    spread = _spread(rows, column)
    return [spread.get(value, 0) / sum(spread.values()) for value in values]
