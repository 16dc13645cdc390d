"""The lane's functions: what the gate computes is right, and what could single out a unit is refused."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sandbox.asset import UnitKind
from sandbox.egress import declared
from sandbox.egress.declared import Categories, Number, UndeclaredError
from sandbox.egress.disclosure.evidence import Concern
from sandbox.egress.finding import Finding
from sandbox.egress.inspection import inspect
from sandbox.egress.recompute import Rows, limits, recompute
from sandbox.egress.treatments.recomputed import Treated, treat
from sandbox.egress.verdict import Cleared
from sandbox.order import Function, OutputColumn
from tests.sandbox.egress.disclosure.conftest import Made
from tests.sandbox.egress.disclosure.examples import COUNT, dimension, number, with_total
from tests.sandbox.egress.examples import CANARY, file

TERM = OutputColumn(name="term", type="string", function=Function.TERM)


@pytest.fixture(scope="session")
def people() -> pd.DataFrame:
    dice = np.random.default_rng(7)
    size = 600
    income = dice.lognormal(10, 0.5, size).round(2)
    region = dice.choice(["east", "north", "west"], size, p=[0.5, 0.3, 0.2])
    rate = 5 + income / 20000 + (region == "north") + dice.normal(0, 1, size)
    owns = np.where(dice.random(size) < 1 / (1 + np.exp(2 - income / 20000)), "own", "rent")
    return pd.DataFrame({"region": region, "income": income, "rate": rate, "home": owns})


def cells(rows: Rows, at: int) -> dict[str, Any]:
    return {labels[0]: row.cells[at] for labels, row in rows.items()}


def concerns(
    made: Made,
    frame: pd.DataFrame,
    *columns: OutputColumn,
    kind: UnitKind = UnitKind.NATURAL_PERSON,
) -> set[Concern]:
    terms, inspection = made(frame, columns, kind=kind)
    profile = limits(terms, inspection)
    rows = recompute(terms, inspection).values()
    return {c for row in rows for each in row.evidence for c in each.concerns(profile)}


def test_every_function_is_what_pandas_computes(made: Made, people: pd.DataFrame) -> None:
    columns = (
        dimension("region"),
        COUNT,
        number(Function.SUM, "income", "s"),
        number(Function.RATIO, "s / n", "r"),
        number(Function.QUANTILE, "quantile(income, 0.9)", "q"),
        number(Function.MEDIAN, "income", "m"),
        number(Function.WEIGHTED_AVG, "weighted(rate, income)", "w"),
        number(Function.VARIANCE, "rate", "v"),
        number(Function.STDDEV, "rate", "d"),
        number(Function.AVG, "clip(income, 10000, 40000)", "c"),
        number(Function.AVG, "home = 'own'", "o"),
    )

    rows = recompute(*made(people, columns))

    groups = people.groupby("region")
    expected = [
        groups.size(),
        groups["income"].sum(),
        groups["income"].mean(),
        groups["income"].quantile(0.9),
        groups["income"].median(),
        groups.apply(lambda g: np.average(g["rate"], weights=g["income"])),
        groups["rate"].var(),
        groups["rate"].std(),
        groups["income"].apply(lambda x: x.clip(10000, 40000).mean()),
        groups["home"].apply(lambda x: (x == "own").mean()),
    ]
    for at, each in enumerate(expected, start=1):
        assert cells(rows, at) == pytest.approx(each.to_dict(), rel=1e-9), columns[at].name


def test_ratios_are_made_from_rounded_parts(made: Made, people: pd.DataFrame) -> None:
    columns = (
        dimension("region"),
        COUNT,
        number(Function.SUM, "income", "s"),
        number(Function.RATIO, "s / n", "r"),
    )

    treated = treat(*made(people, columns))

    assert isinstance(treated, Treated)
    for _, n, total, ratio in treated.table.rows:
        assert float(n or 0) % 5 == 0
        assert ratio == float(f"{float(total or 0) / float(n or 1):.3e}")


def test_a_unit_with_many_rows_counts_once_and_weighs_whole(made: Made) -> None:
    frame = pd.DataFrame({"region": ["east"] * 40 + ["west"] * 12, "income": 10.0})
    frame["income"] += np.arange(52)
    units = np.array([*range(40), *[40] * 12])

    rows = recompute(
        *made(frame, (dimension("region"), number(Function.SUM, "income")), units=units)
    )

    assert rows["west",].units == 1
    assert rows["east",].units == 40
    assert rows["west",].cells[1] == frame["income"][40:].sum()


def test_a_total_counts_a_unit_of_two_cells_once(made: Made) -> None:
    frame = pd.DataFrame({"region": ["east", "west"] * 30})
    units = np.repeat(np.arange(30), 2)
    people = OutputColumn(name="n", type="int", function=Function.COUNT_UNITS)

    rows = recompute(*made(frame, (with_total("region"), people), units=units))

    assert {labels[0]: row.cells[1] for labels, row in rows.items()} == {
        "east": 30,
        "west": 30,
        "": 30,
    }


def test_a_cross_table_with_totals_passes_the_whole_gate(made: Made, people: pd.DataFrame) -> None:
    _, inspection = made(people, (with_total("region"), with_total("home"), COUNT))
    table = pd.crosstab(people["region"], people["home"], margins=True).reset_index()
    theirs = table.melt("region", value_name="n").replace({"All": None})

    [verdict] = inspect([file("csv", theirs.to_csv(index=False))], inspection).verdicts

    assert isinstance(verdict, Cleared), verdict
    lines = verdict.content.decode().splitlines()
    shown = {tuple(line.split(",")[:2]): int(line.split(",")[2]) for line in lines[1:]}
    assert shown["", ""] == sum(n for (r, h), n in shown.items() if r and h)
    assert all(n % 5 == 0 for n in shown.values())
    assert CANARY not in verdict.content.decode()


def test_merged_categories_are_shown_as_one(made: Made, people: pd.DataFrame) -> None:
    merged = dimension("region", "merged(region, 'east' + 'west')")

    treated = treat(*made(people, (merged, COUNT)))

    assert isinstance(treated, Treated)
    assert {row[0] for row in treated.table.rows} == {"east+west", "north"}


@pytest.mark.parametrize("function", [Function.SUM, Function.AVG])
def test_a_clip_that_only_few_units_reach_is_caught(
    made: Made, people: pd.DataFrame, function: Function
) -> None:
    top = float(people["income"].nlargest(4).min())
    isolating = number(function, f"clip(income, {math.floor(top)}, 1000000)")
    honest = number(function, "clip(income, 0, 60000)")

    assert Concern.CONSTANT in concerns(made, people, isolating)
    assert concerns(made, people, honest) == set()


def test_a_category_of_few_units_is_no_indicator(made: Made, people: pd.DataFrame) -> None:
    few = people.assign(home=["rare"] * 4 + list(people["home"][4:]))
    nearly = people.assign(home=["rare"] * 4 + ["rent"] * (len(people) - 4))

    assert Concern.CONSTANT in concerns(made, few, number(Function.AVG, "home = 'rare'"))
    assert Concern.CONSTANT in concerns(made, nearly, number(Function.SUM, "home = 'rent'"))


def test_dominance_looks_behind_an_offset_that_all_units_share(made: Made) -> None:
    values = 1000.0 + np.random.default_rng(1).normal(0, 1, 400)
    values[0] = 90000.0
    frame = pd.DataFrame({"x": values})

    share = values[0] / values.sum()
    found = concerns(made, frame, number(Function.SUM, "x"))

    assert share < 0.2  # by itself the largest is far from dominating
    assert Concern.DOMINATED in found


def test_enterprises_have_their_own_rules(made: Made) -> None:
    values = np.array([600.0, 400.0, *[40.0] * 9, 0.1, 0.2, 0.3])
    few = np.array([*[0.0] * 20, 5.0, 6.0, 7.0])
    minus = np.random.default_rng(3).normal(0, 10, 50)

    def of(numbers: "np.ndarray[tuple[int], np.dtype[np.float64]]", kind: UnitKind) -> set[Concern]:
        return concerns(made, pd.DataFrame({"x": numbers}), number(Function.SUM, "x"), kind=kind)

    firms, persons = UnitKind.ENTERPRISE, UnitKind.NATURAL_PERSON
    assert Concern.DOMINATED in of(values, firms)
    assert Concern.SMALL in of(few, firms)
    assert Concern.UNFIT in of(minus, firms)
    assert Concern.UNFIT not in of(minus, persons)


def test_the_second_largest_cannot_tell_the_largest(made: Made) -> None:
    frame = pd.DataFrame({"x": [1e6, 9e5, *np.linspace(1, 5000, 30)]})

    assert Concern.P_PERCENT in concerns(made, frame, number(Function.SUM, "x"))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_no_number_keeps_its_cell_in(made: Made, value: float) -> None:
    frame = pd.DataFrame({"x": [*np.random.default_rng(3).normal(50, 9, 99), value]})

    assert Concern.UNFIT in concerns(made, frame, number(Function.AVG, "x"))


def test_a_percentile_needs_units_on_both_sides(made: Made) -> None:
    frame = pd.DataFrame({"x": np.arange(150.0)})

    found = concerns(made, frame, number(Function.QUANTILE, "quantile(x, 0.95)"))
    control = concerns(made, frame, number(Function.QUANTILE, "quantile(x, 0.9)"))

    assert found == {Concern.SIDES}
    assert control == set()


def test_two_percentiles_need_units_between_them(made: Made) -> None:
    frame = pd.DataFrame({"x": np.arange(150.0)})

    found = concerns(
        made,
        frame,
        number(Function.MEDIAN, "x", "m"),
        number(Function.QUANTILE, "quantile(x, 0.55)", "q"),
    )
    control = concerns(
        made,
        frame,
        number(Function.MEDIAN, "x", "m"),
        number(Function.QUANTILE, "quantile(x, 0.6)", "q"),
    )

    assert found == {Concern.SIDES}
    assert control == set()


def fit(made: Made, frame: pd.DataFrame, function: Function, source: str) -> Treated | Finding:
    columns = (TERM, number(function, source, "b"), number(Function.STANDARD_ERROR, source, "se"))
    return treat(*made(frame, columns))


def coefficients(treated: Treated | Finding) -> dict[Any, tuple[Any, Any]]:
    assert isinstance(treated, Treated), treated
    return {row[0]: (row[1], row[2]) for row in treated.table.rows}


def test_least_squares_are_what_numpy_finds(made: Made, people: pd.DataFrame) -> None:
    found = coefficients(
        fit(made, people, Function.LINEAR, "rate ~ clip(income, 0, 60000) + region")
    )

    x = np.column_stack(
        [
            np.ones(len(people)),
            people["income"].clip(0, 60000),
            people["region"] == "north",
            people["region"] == "west",
        ]
    ).astype(float)
    beta, unexplained, *_ = np.linalg.lstsq(x, people["rate"].to_numpy(), rcond=None)
    errors = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * unexplained[0] / (len(people) - 4))
    names = ["(intercept)", "income", "region=north", "region=west"]
    assert list(found) == names
    assert [found[name][0] for name in names] == pytest.approx(beta, rel=1e-3)
    assert [found[name][1] for name in names] == pytest.approx(errors, rel=1e-3)


def test_a_logistic_regression_is_at_its_maximum(made: Made, people: pd.DataFrame) -> None:
    source = "home = 'own' ~ clip(income, 0, 60000)"
    terms, inspection = made(people, (TERM, number(Function.LOGISTIC, source, "b")))

    rows = recompute(terms, inspection)

    beta = np.array([float(rows[name,].cells[1] or 0) for name in ("(intercept)", "income")])
    x = np.column_stack([np.ones(len(people)), people["income"].clip(0, 60000)])
    mean = 1 / (1 + np.exp(-x @ beta))
    score = x.T @ ((people["home"] == "own").to_numpy() - mean)
    assert np.abs(score / x.sum(axis=0)).max() < 1e-8


def test_a_regression_that_hangs_on_one_unit_is_refused(made: Made, people: pd.DataFrame) -> None:
    far = people.copy()
    far.loc[0, ["income", "rate"]] = [9e5, 900.0]

    refused = fit(made, far, Function.LINEAR, "rate ~ income")
    clipped = fit(made, far, Function.LINEAR, "clip(rate, 0, 9) ~ clip(income, 0, 60000)")

    assert isinstance(refused, Finding)
    assert refused.reason.rule == "egress.regression"
    assert isinstance(clipped, Treated)


def test_a_level_of_few_units_and_a_perfect_separation_are_refused(
    made: Made, people: pd.DataFrame
) -> None:
    rare = people.assign(region=["rare"] * 5 + list(people["region"][5:]))
    sure = people.assign(home=np.where(people["income"] > 22000, "own", "rent"))

    assert isinstance(fit(made, rare, Function.LINEAR, "rate ~ region"), Finding)
    assert isinstance(fit(made, sure, Function.LOGISTIC, "home = 'own' ~ income"), Finding)
    assert isinstance(fit(made, people.head(12), Function.LINEAR, "rate ~ income"), Finding)


@pytest.mark.parametrize(
    "column",
    [
        number(Function.FREE, ""),
        number(Function.SUM, "nobody"),
        number(Function.SUM, "clip(income, 5, 5)"),
        number(Function.SUM, "clip(income, 0, 2000000)"),
        number(Function.AVG, "home = 'boat'"),
        number(Function.AVG, "income = '1'"),
        number(Function.SUM, "income * 2"),
        number(Function.SUM, "income); DROP TABLE source; --"),
        number(Function.QUANTILE, "quantile(income, 1.0)"),
        number(Function.QUANTILE, "income"),
        number(Function.RATIO, "income / rate"),
        number(Function.RATIO, "x / x"),
        number(Function.WEIGHTED_AVG, "income"),
        number(Function.LINEAR, "rate ~ income"),
        dimension("income"),
        dimension("home", "merged(home, 'own' + 'boat')"),
        dimension("home", "merged(home, 'own' + 'rent', 'own' + 'rent')"),
    ],
)
def test_what_is_not_in_the_grammar_or_the_catalogue_is_not_computed(
    made: Made, people: pd.DataFrame, column: OutputColumn
) -> None:
    terms, inspection = made(people, (dimension("region"), column))

    with pytest.raises(UndeclaredError) as caught:
        recompute(terms, inspection)

    assert "boat" not in str(caught.value)


def test_the_grammar_reads_what_it_writes() -> None:
    form = Categories(column="等级", merged=(("F", "G"), ("A", "B")))

    again = declared.categories(dimension("等级", form.written()))

    assert again == form
    assert declared.number("clip(收入, -5, 10.5)") == Number(column="收入", low=-5.0, high=10.5)
    assert declared.number("主业 = '零售'") == Number(column="主业", category="零售")
