"""Declared aggregates: the gate's numbers leave, small and dominated rows do not."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.egress.disclosure.profile import packaged
from sandbox.egress.disclosure.suppression import suppress
from sandbox.egress.gate import opened
from sandbox.egress.inspection import GateView, Inspection, Maker, inspect
from sandbox.egress.recompute import Row
from sandbox.egress.verdict import Blocked, Cleared, Held
from sandbox.order import Function, OutputColumn, ReleaseClass
from tests.sandbox.egress.conftest import Judge
from tests.sandbox.egress.examples import BY_GRADE, file, output, quickly, rules

SDC = output(ReleaseClass.SDC, BY_GRADE)
PERSONS = packaged("persons")


def aggregates(book: pd.DataFrame) -> pd.DataFrame:
    return (
        book.groupby("grade")
        .agg(
            n=("borrower", "size"),
            people=("borrower", "nunique"),
            rate=("interest_rate", "mean"),
            lent=("loan_amount", "sum"),
        )
        .reset_index()
    )


def read(verdict: object) -> list[dict[str, str]]:
    assert isinstance(verdict, Cleared), verdict
    return list(csv.DictReader(io.StringIO(verdict.content.decode())))


def test_an_honest_table_is_released_with_the_gates_own_rounded_numbers(
    loans: pd.DataFrame, judge: Judge
) -> None:
    verdict = judge(file("csv", aggregates(loans).to_csv(index=False)), SDC)

    rows = read(verdict)
    assert [row["grade"] for row in rows] == list("ABCDEFG")
    assert all(int(row["n"]) % 5 == 0 for row in rows)
    first = aggregates(loans).iloc[0]
    assert float(rows[0]["rate"]) == float(f"{first['rate']:.3e}")
    assert float(rows[0]["lent"]) == float(f"{float(first['lent']):.3e}")
    assert isinstance(verdict, Cleared)
    assert verdict.file == "O1.csv"


def test_rows_that_the_job_left_out_are_released_all_the_same(
    loans: pd.DataFrame, judge: Judge
) -> None:
    whole = judge(file("csv", aggregates(loans).to_csv(index=False)), SDC)
    some = judge(file("csv", aggregates(loans).iloc[::2].to_csv(index=False)), SDC)

    assert read(some) == read(whole)


def test_the_order_of_rows_and_columns_tells_nothing(loans: pd.DataFrame, judge: Judge) -> None:
    shuffled = (
        aggregates(loans).sample(frac=1, random_state=5).sample(frac=1, axis=1, random_state=5)
    )

    straight = judge(file("csv", aggregates(loans).to_csv(index=False)), SDC)
    turned = judge(file("csv", shuffled.to_csv(index=False)), SDC)

    assert isinstance(straight, Cleared)
    assert isinstance(turned, Cleared)
    assert turned.digest == straight.digest


@pytest.mark.parametrize("column", ["n", "people", "rate", "lent"])
def test_a_number_that_carries_a_message_is_an_incident(
    column: str, loans: pd.DataFrame, judge: Judge
) -> None:
    table = aggregates(loans).astype({"rate": float})
    table.loc[2, column] = int(table.loc[2, column] * 1.01) + 3

    verdict = judge(file("csv", table.to_csv(index=False)), SDC)

    assert isinstance(verdict, Blocked)
    assert rules(verdict) == {"egress.mismatch"}
    assert verdict.findings[0].reason.place == f"row 3, column {column}"


def test_rounded_numbers_still_agree(loans: pd.DataFrame, judge: Judge) -> None:
    table = aggregates(loans).round({"rate": 2})

    assert isinstance(judge(file("csv", table.to_csv(index=False)), SDC), Cleared)


def test_the_same_row_twice_is_refused(loans: pd.DataFrame, judge: Judge) -> None:
    table = pd.concat([aggregates(loans), aggregates(loans).head(1)])

    assert "egress.repeated_row" in rules(judge(file("csv", table.to_csv(index=False)), SDC))


def test_small_rows_are_left_out_and_the_rest_is_released(
    loans: pd.DataFrame, judge: Judge
) -> None:
    columns = (
        OutputColumn(name="state", type="string", function=Function.DIMENSION),
        OutputColumn(name="grade", type="string", function=Function.DIMENSION),
        OutputColumn(name="n", type="int", function=Function.COUNT_UNITS),
    )
    table = loans.groupby(["state", "grade"]).size().rename("n").reset_index()

    verdict = judge(file("csv", table.to_csv(index=False)), output(ReleaseClass.SDC, columns))

    rows = read(verdict)
    assert table["n"].min() < 10
    assert 0 < len(rows) < len(table)
    assert min(int(row["n"]) for row in rows) >= 10


def test_where_every_row_is_small_nothing_leaves(loans: pd.DataFrame, judge: Judge) -> None:
    verdict = judge(file("csv", aggregates(loans).to_csv(index=False)), SDC, fewest=9999)

    assert "egress.small_groups" in rules(verdict)


@pytest.mark.req("G-06")
def test_a_sum_that_two_units_dominate_is_left_out(
    loans: pd.DataFrame, view: GateView, inspection_of: Callable[..., Inspection]
) -> None:
    gate = view.gate.with_name("dominated.parquet")
    rich = loans.assign(_unit=range(len(loans)), _unit_rows=1)
    rich.loc[rich[rich["grade"] == "G"].index[:2], "loan_amount"] = 10**9
    pq.write_table(pa.Table.from_pandas(rich, preserve_index=False), gate)
    inspection = replace(inspection_of(SDC), views=(replace(view, gate=gate),))

    [verdict] = inspect([file("csv", aggregates(rich).to_csv(index=False))], inspection).verdicts

    grades = {row["grade"] for row in read(verdict)}
    assert "G" not in grades
    assert len(grades) == 5  # and one more, or G could be had from the total


def test_one_person_with_many_rows_is_one_unit(
    loans: pd.DataFrame, view: GateView, inspection_of: Callable[..., Inspection]
) -> None:
    gate = view.gate.with_name("repeated.parquet")
    book = loans.assign(_unit=range(len(loans)), _unit_rows=1)
    book.loc[book["grade"] == "F", "_unit"] = 1
    pq.write_table(pa.Table.from_pandas(book, preserve_index=False), gate)
    counted = output(ReleaseClass.SDC, BY_GRADE[:2])
    inspection = replace(inspection_of(counted), views=(replace(view, gate=gate),))

    table = aggregates(loans)[["grade", "n"]]
    [verdict] = inspect([file("csv", table.to_csv(index=False))], inspection).verdicts

    assert "F" not in {row["grade"] for row in read(verdict)}


def test_a_free_column_cannot_be_recomputed(loans: pd.DataFrame, judge: Judge) -> None:
    columns = (*BY_GRADE, OutputColumn(name="note", type="string"))
    table = aggregates(loans).assign(note="x")

    verdict = judge(file("csv", table.to_csv(index=False)), output(ReleaseClass.SDC, columns))

    assert "egress.not_recomputable" in rules(verdict)


def test_a_category_outside_the_catalogue_is_refused(loans: pd.DataFrame, judge: Judge) -> None:
    table = aggregates(loans)
    table.loc[0, "grade"] = "CANARY"

    verdict = judge(file("csv", table.to_csv(index=False)), SDC)

    assert "egress.vocabulary" in rules(verdict)
    assert "CANARY" not in repr(verdict)


def test_a_private_table_of_the_planner_leaves_as_it_is(judge: Judge) -> None:
    private = output(ReleaseClass.DP, BY_GRADE[:2])

    verdict = judge(file("csv", "grade,n\nB,-3\nA,2461\n"), private, maker=Maker.PLANNER)

    assert isinstance(verdict, Cleared)
    assert verdict.content == b"grade,n\nA,2461\nB,-3\n"


def test_a_private_table_of_anybody_else_is_blocked(judge: Judge) -> None:
    verdict = judge(file("csv", "grade,n\nA,2461\n"), output(ReleaseClass.DP, BY_GRADE[:2]))

    assert "egress.not_private" in rules(verdict)


def test_a_reviewed_table_with_a_small_count_is_blocked(judge: Judge) -> None:
    verdict = judge(file("csv", "grade,n\nA,2461\nB,4\n"), output())
    control = judge(file("csv", "grade,n\nA,2461\nB,14\n"), output())

    assert "egress.small_groups" in rules(verdict)
    assert isinstance(control, Held)


CELLS = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), st.integers(1, 40), min_size=1
)


@quickly
@given(CELLS)
def test_no_line_betrays_what_was_left_out_of_it(units: dict[tuple[str, ...], int]) -> None:
    rows = {k: Row(cells=(), units=n, dominance=0.0) for k, n in units.items()}

    kept = set(suppress(rows, PERSONS).kept)

    assert all(units[labels] >= 10 for labels in kept)
    for axis in (0, 1):
        for name in {labels[axis] for labels in kept}:
            line = [k for k in units if k[axis] == name]
            out = [units[k] for k in line if k not in kept]
            assert not out or (len(out) > 1 and sum(out) >= 10)


def test_the_gate_can_read_nothing_but_its_own_file(view: GateView) -> None:
    with opened(view) as gate, pytest.raises(duckdb.PermissionException):
        gate.execute("SELECT * FROM read_text('/etc/hostname')")


def test_a_grand_total_and_whole_number_categories_are_recomputed_too(
    loans: pd.DataFrame, judge: Judge
) -> None:
    total = (OutputColumn(name="n", type="int", function=Function.COUNT),)
    by_term = (OutputColumn(name="term", type="int", function=Function.DIMENSION), *total)
    table = loans.groupby("term").size().rename("n").reset_index()

    whole = judge(file("csv", f"n\n{len(loans)}\n"), output(ReleaseClass.SDC, total))
    terms = judge(file("json", table.to_json(orient="records")), output(ReleaseClass.SDC, by_term))

    assert isinstance(whole, Cleared)
    assert whole.content == b"n\n10000\n"
    assert isinstance(terms, Cleared), rules(terms)
    assert terms.content.startswith(b'[{"term":36,"n":')
