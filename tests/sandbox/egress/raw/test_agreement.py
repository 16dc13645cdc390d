import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.asset import Column, Grade, Kind, Role
from sandbox.data.sealed import Store, store_of
from sandbox.egress.raw.agreement import Agreement, agreement
from sandbox.egress.raw.columns import (
    number_likeness,
    shape_likeness,
    surprise,
    text_likeness,
)
from sandbox.egress.raw.guises import guises
from sandbox.egress.raw.streams import Stream
from sandbox.reason import Said

ROWS = 3_000
NAMES = ("income", "debt", "score", "town", "employer", "code")
KINDS = (Kind.FLOAT, Kind.FLOAT, Kind.INT, Kind.STRING, Kind.STRING, Kind.STRING)
DICE = np.random.default_rng(8)
CELLS: dict[str, list[float] | list[str]] = {
    "income": np.round(DICE.lognormal(11, 0.7, ROWS), 2).tolist(),
    "debt": np.round(DICE.gamma(2, 11, ROWS), 3).tolist(),
    "score": [float(n) for n in DICE.integers(300, 850, ROWS)],
    "town": [f"town {n}" for n in DICE.integers(0, 60, ROWS)],
    "employer": [f"employer {n}" for n in DICE.integers(0, 1_500, ROWS)],
    "code": [str(n) for n in DICE.integers(10_000, 99_999, ROWS)],
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    table = tmp_path_factory.mktemp("source") / "table.parquet"
    pq.write_table(pa.table(CELLS), table)
    columns = [
        Column(
            name=name,
            kind=kind,
            role=Role.ATTRIBUTE,
            grade=Grade.L2,
            title=Said(zh=name, en=name),
            domain=(),
        )
        for name, kind in zip(NAMES, KINDS, strict=True)
    ]
    return store_of(Path(table), columns)


def row(number: int, *names: str) -> list[float | str]:
    return [CELLS[name][number] for name in names or NAMES]


def best(groups: Sequence[Sequence[float | str]], store: Store, least: float = 1.0) -> Agreement:
    """Return what the groups themselves have in common with rows, without windows."""
    return next(agreement(groups, store, least=least))


def test_a_group_of_a_rows_cells_leads_to_that_row_in_any_order(store: Store) -> None:
    dice = np.random.default_rng(1)
    picked = dice.choice(ROWS, 200, replace=False)
    groups = [[row(n)[i] for i in dice.permutation(len(NAMES))] for n in picked.tolist()]

    found = best(groups, store)

    assert found.row.tolist() == picked.tolist()
    assert found.bits.min() > math.log2(ROWS) + 20


def test_two_cells_are_worth_the_surprise_of_each_less_a_bit_for_the_level(store: Store) -> None:
    town, employer = row(17, "town", "employer")
    cells = {"town": town, "employer": employer}
    shares = [sum(c == cell for c in CELLS[name]) / ROWS for name, cell in cells.items()]

    found = best([[town, employer]], store)

    assert found.bits[0] == pytest.approx(sum(-math.log2(share) - 1 for share in shares), abs=0.01)


def test_one_cell_is_no_row_however_often_it_stands_there(store: Store) -> None:
    income = CELLS["income"][5]

    found = best([[income], [income, income, income]], store)

    assert found.bits.tolist() == [] or found.bits.max() == 0


def test_a_column_of_a_row_counts_once_though_two_numbers_are_near_its_cell(store: Store) -> None:
    income = float(CELLS["income"][5])
    coarse = float(f"{income:.2g}")

    alone = best([[income, "nobody's"]], store)
    twice = best([[income, coarse, "nobody's"]], store)

    assert max(twice.bits, default=0) <= max(alone.bits, default=0)


def test_cells_of_other_rows_do_not_hide_a_row(store: Store) -> None:
    dice = np.random.default_rng(2)
    picked = dice.choice(ROWS, 50, replace=False).tolist()
    padded = [
        [*row(n), *(CELLS["income"][i] for i in dice.choice(ROWS, 12, replace=False))]
        for n in picked
    ]

    found = best(padded, store)

    assert found.row.tolist() == picked
    assert found.bits.min() > math.log2(ROWS) + 15


def test_what_is_searched_for_from_a_threshold_on_is_found_as_without_one(store: Store) -> None:
    groups = [row(n, "income", "debt", "score") for n in range(0, ROWS, 40)]
    whole, least = best(groups, store), math.log2(ROWS) + 6

    cut = best(groups, store, least=least)

    above = whole.bits >= least
    assert above.any()
    assert np.array_equal(cut.bits[above], whole.bits[above])
    assert np.array_equal(cut.row[above], whole.row[above])


def test_made_up_rows_agree_with_none_beyond_chance(store: Store) -> None:
    dice = np.random.default_rng(3)
    made_up = [[cells[dice.integers(ROWS)] for cells in CELLS.values()] for _ in range(2_000)]

    found = best(made_up, store)

    assert (found.bits >= math.log2(ROWS) + 15).sum() <= 2


def test_a_row_that_is_one_line_of_a_few_cells_is_found_through_windows(store: Store) -> None:
    apart: list[list[float | str]] = [[cell] for n in (3, 4, 5) for cell in row(n)]

    looked = list(agreement(apart, store, least=math.log2(ROWS) + 15))

    assert {3, 4, 5} <= {int(n) for found in looked for n in found.row}


def test_a_whole_number_is_found_as_the_text_that_it_is_in_the_source(store: Store) -> None:
    code, employer = row(21, "code", "employer")

    found = best([[float(code), employer]], store)

    assert found.row.tolist() == [21]


def stream(numbers: Sequence[float] = (), texts: Sequence[str] = ()) -> Stream:
    return Stream("column x", np.array(numbers, float), tuple(texts))


def of(name: str, found: list) -> float:  # type: ignore[type-arg]
    return max((each.exact / each.of for each in found if each.column == name), default=0.0)


def test_a_column_of_many_digits_is_known_by_its_cells_alone(store: Store) -> None:
    mine = CELLS["income"][:60]
    near = [float(n) + 0.37 for n in mine]

    assert of("income", number_likeness(stream(mine), store)) == 1  # type: ignore[arg-type]
    assert of("income", number_likeness(stream(near), store)) < 0.5


def test_a_column_whose_every_value_is_taken_proves_nothing(store: Store) -> None:
    assert of("score", number_likeness(stream(range(400, 460)), store)) == 0


def test_steps_and_running_sums_are_known_too(store: Store) -> None:
    mine = np.array(CELLS["income"][:60], float)

    for numbers in (np.cumsum(mine), np.diff(mine, prepend=0)):
        assert of("income", number_likeness(stream(numbers.tolist()), store)) > 0.8


def test_texts_of_few_rows_are_known_and_those_of_many_are_not(store: Store) -> None:
    employers = stream(texts=sorted(set(map(str, CELLS["employer"][:60]))))
    towns = stream(texts=sorted(set(map(str, CELLS["town"]))))

    assert of("employer", text_likeness(employers, store, fewest=10)) > 0.9
    assert of("town", text_likeness(towns, store, fewest=10)) == 0


def test_a_shape_stays_through_scaling_and_goes_with_another_law(store: Store) -> None:
    mine = np.array(CELLS["debt"][:400], float) * 7.31
    other = np.random.default_rng(4).uniform(1, 100, 400)

    assert any(
        e.is_shaped and e.column == "debt" for e in shape_likeness(stream(mine.tolist()), store)
    )
    assert not any(each.is_shaped for each in shape_likeness(stream(other.tolist()), store))


def test_surprise_is_none_at_chance_and_grows_with_hits() -> None:
    assert surprise(5, 100, 0.05) == 0
    assert surprise(50, 100, 0.05) < surprise(90, 100, 0.05) < surprise(100, 100, 0.05)


@pytest.mark.parametrize(
    ("shown", "meant"),
    [
        ("一万二千三百点五", "12300.5"),
        ("七八九二一点三", "78921.3"),
        ("三亿零五万", "300050000"),
        ("一万二千亿", "1200000000000"),
        ("١٢٣٤.٥", "1234.5"),
        ("１２３４．５", "1234.5"),
        ("0x1.8p+3", "12.0"),
        ("1 2 3 4 . 5", "1234.5"),
        ("1.234,5", "1234.5"),
        ("5.4321", "1234.5"),
        ("1\u200b2\u200b3\u200b4.5", "1234.5"),
    ],
)
def test_a_number_is_read_under_its_guise(shown: str, meant: str) -> None:
    assert any(meant in plain for plain in guises(shown))
