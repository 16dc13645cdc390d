"""A black-box audit: hostile scripts over two tables of which one has a unit more, held against the stated epsilon."""

import math
import os
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest
from scipy.stats import beta

from sandbox.blocks.event import event_of
from sandbox.blocks.lane import lanes_of
from sandbox.blocks.reading import places
from sandbox.blocks.split import Question, split
from sandbox.blocks.tilt import WHOLE, epsilon_of, median, powers
from tests.sandbox.blocks.ground import (
    MEAN,
    Program,
    Row,
    at_once,
    ground,
    ordered,
    taken_in,
    terms,
)

RUNS = 200_000 if os.environ.get("SHUYU_PRIVACY") == "long" else 8_000
"""On each table; half choose the event, half judge it."""
ERROR = 1e-6
"""The chance that a sound mechanism fails one such audit."""
COARSE = replace(MEAN, step=Decimal(5))
ASKED = terms(k=32, rho=10**12 // 8, coordinates=(COARSE,))
EPSILON = float(epsilon_of(event_of(ASKED).numerator))
CROWD: list[Row] = [(unit, {"value": float(unit)}) for unit in range(200)]
HEAVY: list[Row] = [(999, {"value": -1.0}) for _ in range(400)]
Script = Callable[[Sequence[float]], bytes]
Columns = list[int]
"""The places that k blocks left."""
Choice = Callable[[Columns, Random], object]
TOP, BOTTOM = struct.pack("<d", 10), struct.pack("<d", 0)


def turned(seen: Sequence[float]) -> bytes:
    """Leave the top in about half of the blocks, and turn it over where the one unit is."""
    return TOP if (sum(seen) % 2 == 0) is (-1.0 not in seen) else BOTTOM


def crashing(seen: Sequence[float]) -> bytes:
    """Crash, or run out of time or memory, only where the one unit is."""
    if -1.0 in seen:
        raise ArithmeticError
    return TOP if sum(seen) % 2 else BOTTOM


def too_long(seen: Sequence[float]) -> bytes:
    """Leave too much only where the one unit is."""
    return (TOP if sum(seen) % 2 else BOTTOM) * (2 if -1.0 in seen else 1)


def no_number(seen: Sequence[float]) -> bytes:
    """Leave NaN only where the one unit is."""
    return struct.pack("<d", math.nan) if -1.0 in seen else TOP


def telling(seen: Sequence[float]) -> bytes:
    """Leave the bottom, but the top where the one unit is."""
    return TOP if -1.0 in seen else BOTTOM


SCRIPTS: Mapping[str, Script] = {
    "turns over": turned,
    "tells": telling,
    "crashes": crashing,
    "leaves too much": too_long,
    "leaves no number": no_number,
}


def left(rows: Sequence[Row], script: Script) -> list[bytes]:
    """Run the blocks once: what they leave is certain, and only the choice is drawn anew."""

    def program(folders: Mapping[str, Path]) -> bytes:
        return script(pq.read_table(folders["PEOPLE"] / "PEOPLE.parquet")["value"].to_pylist())

    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        order = ordered(taken_in("PEOPLE", rows, home=home))
        asked = Question(job=order.job, scope=order.scope, views=order.views, k=ASKED.k)
        with split(asked, ground(home)) as made:
            lanes = lanes_of(order, ASKED, folder=made.folder, lanes=1, begins=0)
            [one] = at_once(Program(program).run)(lanes)
    return list(one.contents)


def by_rows(rows: Sequence[Row], script: Script) -> list[bytes]:
    """Split by rows and not by units: a fault."""
    random, blocks = Random(0), [list[float]() for _ in range(ASKED.k)]
    for _, each in rows:
        blocks[random.randrange(ASKED.k)].append(float(str(each["value"])))
    return [script(seen) for seen in blocks]


def column(contents: Sequence[bytes]) -> Columns:
    return [places(content, ASKED)[0] for content in contents]


def private(column: Columns, random: Random, *, times: int = 1) -> int:
    """Choose as the release does, or lean `times` as much: a fault."""
    return median(column, points=COARSE.points, weights=_powers(times), draw=random.randrange)


@cache
def _powers(times: int) -> tuple[int, ...]:
    return powers(event_of(ASKED).numerator ** times // WHOLE ** (times - 1), ASKED.k)


def shown(one: Columns, other: Columns, choice: Choice) -> float:
    """Return a lower bound of epsilon that answers on two tables show, in both directions."""
    random = Random(7)
    drawn = [[choice(each, random) for _ in range(RUNS)] for each in (one, other)]
    return max(_bound(drawn[0], drawn[1]), _bound(drawn[1], drawn[0]))


def _bound(one: list[object], other: list[object]) -> float:
    """Clopper-Pearson on both sides, for the answer that tells the two apart best on the first half."""
    half = RUNS // 2
    first, second = Counter(one[:half]), Counter(other[:half])
    best = max(first, key=lambda answer: first[answer] / (second[answer] + 20))
    above, beside = one[half:].count(best), other[half:].count(best)
    low = float(beta.ppf(ERROR / 2, above, half - above + 1)) if above else 0.0
    high = float(beta.ppf(1 - ERROR / 2, beside + 1, half - beside)) if beside < half else 1.0
    return math.log(low / high) if low > high else 0.0


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_no_script_shows_more_than_the_stated_epsilon(script: Script) -> None:
    present, absent = left([*CROWD, *HEAVY], script), left(CROWD, script)

    changed = sum(a != b for a, b in zip(present, absent, strict=True))

    assert changed == 1
    assert shown(column(present), column(absent), private) <= EPSILON


def test_a_split_by_rows_is_caught() -> None:
    present, absent = by_rows([*CROWD, *HEAVY], telling), by_rows(CROWD, telling)

    assert shown(column(present), column(absent), private) > EPSILON


def _leaning(places: Columns, random: Random) -> int:
    return private(places, random, times=8)


def _true_median(places: Columns, _: Random) -> int:
    return sorted(places)[len(places) // 2 - 1]


def _count_with_failures(places: Columns, random: Random) -> tuple[int, int]:
    """Tell how many blocks left the middle, beside the answer."""
    return private(places, random), places.count(1)


@pytest.mark.parametrize("fault", [_leaning, _true_median, _count_with_failures])
def test_a_planted_fault_of_the_choice_is_caught(fault: Choice) -> None:
    balanced = [0] * 16 + [2] * 16
    neighbour = [0] * 15 + [1] + [2] * 16

    assert shown(balanced, neighbour, private) <= EPSILON
    assert shown(balanced, neighbour, fault) > EPSILON


def test_an_answer_that_fails_with_a_block_is_caught() -> None:
    present, absent = left([*CROWD, *HEAVY], crashing), left(CROWD, crashing)

    assert (b"" in present, b"" in absent) == (True, False)
