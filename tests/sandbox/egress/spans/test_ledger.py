import pandas as pd
import pytest

from sandbox.data.snapshot import remove
from sandbox.egress.spans.audit import Open, Safe
from sandbox.egress.spans.ledger import Clash, Judged
from sandbox.order import Function, OutputColumn
from tests.sandbox.data.tables import CANARY
from tests.sandbox.egress.disclosure.examples import COUNT, dimension, number, with_total
from tests.sandbox.egress.spans.conftest import Domain, people

DISTRICT, SEX = dimension("district"), dimension("sex")
INCOME = number(Function.SUM, "income")
MEAN = number(Function.AVG, "income")
UNITS = OutputColumn(name="n", type="int", function=Function.COUNT_UNITS)


def test_the_same_table_may_be_released_again(domain: Domain) -> None:
    asset = domain.keep(people(400))
    first = domain.span(asset, DISTRICT, COUNT, INCOME)

    assert domain.judged(first) == Safe()
    assert domain.judged(first, first, first) == Safe()


def test_a_table_and_one_of_it_by_another_dimension_go_together(domain: Domain) -> None:
    asset = domain.keep(people(400))
    by_district = domain.span(asset, DISTRICT, COUNT, INCOME)

    crossed = domain.span(asset, with_total("district"), with_total("sex"), COUNT, INCOME)

    assert domain.judged(crossed, by_district, domain.span(asset, SEX, COUNT)) == Safe()


@pytest.mark.parametrize("columns", [(COUNT,), (UNITS,), (INCOME,), (MEAN,)])
def test_all_people_and_all_but_one_single_that_one_out(
    domain: Domain, columns: tuple[OutputColumn, ...]
) -> None:
    book = people(600)
    book.loc[7, "age"] = 99
    asset = domain.keep(book)
    everybody = domain.span(asset, SEX, *columns)
    of_which = str(book.loc[7, "sex"])

    answer = domain.judged(domain.span(asset, SEX, *columns, condition="age < 99"), everybody)

    assert answer == Clash(releases=("R-0",), cells=((of_which,),), units=1)


def test_a_count_cannot_be_taken_from_a_sum(domain: Domain) -> None:
    book = people(600)
    book.loc[7, "age"] = 99
    asset = domain.keep(book)

    sums = domain.span(asset, SEX, INCOME)

    assert domain.judged(domain.span(asset, SEX, COUNT, condition="age < 99"), sums) == Safe()


def test_enough_people_between_two_releases_single_nobody_out(domain: Domain) -> None:
    asset = domain.keep(people(600))
    everybody = domain.span(asset, SEX, COUNT)

    assert domain.judged(domain.span(asset, SEX, COUNT, condition="age < 70"), everybody) == Safe()


def test_three_releases_of_other_conditions_can_do_together_what_no_two_can(
    domain: Domain,
) -> None:
    book = people(600)
    book["age"] = [20] * 300 + [40] * 297 + [60] * 3
    asset = domain.keep(book)
    young = domain.span(asset, COUNT, condition="age = 20")
    middle = domain.span(asset, COUNT, condition="age = 40")
    everybody = domain.span(asset, COUNT)

    assert domain.judged(everybody, young) == Safe()
    assert domain.judged(everybody, middle) == Safe()
    assert domain.judged(everybody, young, middle) == Clash(
        releases=("R-0", "R-1"), cells=((),), units=3
    )


def test_a_row_changed_between_two_snapshots_is_found(domain: Domain) -> None:
    book = people(600)
    first = domain.span(domain.keep(book), DISTRICT, INCOME)
    book.loc[7, "income"] += 1

    answer = domain.judged(domain.span(domain.keep(book), DISTRICT, INCOME), first)

    assert answer == Clash(releases=("R-0",), cells=((str(book.loc[7, "district"]),),), units=1)


def test_a_row_changed_in_what_a_table_does_not_ask_for_is_no_matter(domain: Domain) -> None:
    book = people(600)
    first = domain.span(domain.keep(book), DISTRICT, COUNT)
    book.loc[7, "income"] += 1

    assert domain.judged(domain.span(domain.keep(book), DISTRICT, COUNT), first) == Safe()


def test_people_who_came_in_numbers_between_two_snapshots_are_no_matter(domain: Domain) -> None:
    book = people(600)
    first = domain.span(domain.keep(book.iloc[:500]), SEX, COUNT, INCOME)

    assert domain.judged(domain.span(domain.keep(book), SEX, COUNT, INCOME), first) == Safe()


def test_people_who_came_alone_between_two_snapshots_are_found(domain: Domain) -> None:
    book = people(600)
    first = domain.span(domain.keep(book.iloc[:598]), COUNT)

    answer = domain.judged(domain.span(domain.keep(book), COUNT), first)

    assert answer == Clash(releases=("R-0",), cells=((),), units=2)


def test_several_rows_of_one_unit_are_one_unit(domain: Domain) -> None:
    book = people(600)
    book.loc[:49, "age"] = 99
    book.loc[:49, "person"] = book.loc[0, "person"]
    asset = domain.keep(book)
    everybody = domain.span(asset, COUNT)

    answer = domain.judged(domain.span(asset, COUNT, condition="age < 99"), everybody)

    assert answer == Clash(releases=("R-0",), cells=((),), units=1)


def test_rows_without_a_number_are_not_in_its_total(domain: Domain) -> None:
    book = people(600)
    book.loc[:2, "age"] = 99
    book.loc[:2, "income"] = None
    asset = domain.keep(book)
    everybody = domain.span(asset, INCOME)

    answer = domain.judged(domain.span(asset, INCOME, condition="age < 99"), everybody)

    assert answer == Safe()  # both are totals of the same people


def test_what_the_measured_values_are_does_not_matter(domain: Domain) -> None:
    book = people(600)
    book.loc[7, "age"] = 99
    shuffled = book["income"].sample(frac=1, random_state=3).to_numpy()

    def answers(register: pd.DataFrame) -> list[Judged]:
        asset = domain.keep(register)
        before = domain.span(asset, SEX, COUNT, INCOME)
        new = domain.span(asset, SEX, COUNT, INCOME, condition="age < 99")
        return [domain.judged(new, before), domain.judged(before), domain.judged(before, before)]

    first = answers(book)

    assert isinstance(first[0], Clash)
    assert answers(book.assign(income=shuffled)) == first


def test_a_snapshot_that_is_gone_is_for_a_person_to_judge(domain: Domain) -> None:
    book = people(600)
    old = domain.keep(book.iloc[:500])
    first = domain.span(old, SEX, COUNT)
    remove(old.snapshot, data=domain.data)

    assert isinstance(domain.judged(domain.span(domain.keep(book), SEX, COUNT), first), Open)


def test_a_span_names_nobody(domain: Domain) -> None:
    asset = domain.keep(people(600))

    assert CANARY not in repr(domain.span(asset, DISTRICT, SEX, COUNT, INCOME))


def test_a_table_of_many_cells_that_share_nobody_is_safe(domain: Domain) -> None:
    span = domain.span(domain.keep(people(4000)), DISTRICT, SEX, COUNT)

    assert domain.judged(span, *[span] * 40) == Safe()
