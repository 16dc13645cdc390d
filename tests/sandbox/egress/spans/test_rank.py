"""Released rank: all tables together tell at most so many independent numbers as the profile's share of the units."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from sandbox.asset import Digest
from sandbox.egress.inspection import Blocked, Cleared, inspect
from sandbox.egress.span import Ledger, Span
from sandbox.egress.spans import audit
from sandbox.egress.spans.audit import Safe, independent
from sandbox.egress.spans.ledger import Exhausted, held_against
from sandbox.order import Artifact, Function, OutputTerms, ReleaseClass
from tests.sandbox.data.tables import CANARY
from tests.sandbox.egress.disclosure.examples import (
    COUNT,
    PERSONS,
    dimension,
    number,
    with_total,
)
from tests.sandbox.egress.examples import output, quickly, told
from tests.sandbox.egress.spans.conftest import Domain, people

DISTRICT, SEX = dimension("district"), dimension("sex")
INCOME = number(Function.SUM, "income")
BY_BOTH = output(ReleaseClass.SDC, (DISTRICT, SEX, COUNT))
JUST_ENOUGH = 160
"""People for eight numbers, at one for each twenty."""


def first(domain: Domain, span: Span, *, crowd: int = 0) -> object:
    """Judge a table before which nothing was released."""
    return held_against(span, Ledger(data=domain.data), limits=PERSONS, crowd=crowd)


def test_eight_numbers_need_a_hundred_and_sixty_people(domain: Domain) -> None:
    enough = domain.span(domain.keep(people(JUST_ENOUGH)), DISTRICT, SEX, COUNT)
    assert len(enough.cells) == 8

    assert first(domain, enough) == Safe()

    lacking = domain.span(domain.keep(people(JUST_ENOUGH - 1)), DISTRICT, SEX, COUNT)
    assert first(domain, lacking) == Exhausted(rank=8, units=JUST_ENOUGH - 1)


def test_a_cell_of_many_people_settles_it_without_a_look_at_the_data(domain: Domain) -> None:
    span = replace(
        domain.span(domain.keep(people(300)), DISTRICT, SEX, COUNT),
        snapshot=Digest("s:" + "0" * 64),
    )

    assert first(domain, span, crowd=JUST_ENOUGH) == Safe()
    assert first(domain, span, crowd=JUST_ENOUGH - 1) != Safe()


def test_totals_that_follow_from_other_cells_do_not_count(domain: Domain) -> None:
    asset = domain.keep(people(JUST_ENOUGH))
    whole = domain.span(asset, with_total("district"), with_total("sex"), COUNT)
    assert len(whole.cells) > 8

    assert domain.judged(whole) == Safe()


def test_what_was_told_before_counts_but_not_twice(domain: Domain) -> None:
    asset = domain.keep(people(100))
    districts = domain.span(asset, DISTRICT, COUNT)
    sexes = domain.span(asset, SEX, COUNT)

    assert domain.judged(districts, districts, districts) == Safe()
    assert domain.judged(sexes, districts) == Safe()  # four and two, of which one follows
    assert domain.judged(sexes, districts, rank_percent=4) == Exhausted(rank=5, units=100)


def test_each_measure_is_told_for_itself(domain: Domain) -> None:
    asset = domain.keep(people(JUST_ENOUGH))
    counts, sums = (domain.span(asset, DISTRICT, SEX, each) for each in (COUNT, INCOME))

    assert domain.judged(sums, counts) == Safe()


def test_people_whose_rows_change_from_one_snapshot_to_the_next_count_in_each(
    domain: Domain,
) -> None:
    old, new = people(JUST_ENOUGH), people(JUST_ENOUGH)
    new["income"] += 1.0
    was = domain.span(domain.keep(old), DISTRICT, SEX, INCOME)
    same = domain.span(domain.keep(old), DISTRICT, SEX, INCOME)
    now = domain.span(domain.keep(new), DISTRICT, SEX, INCOME)

    assert domain.judged(now, was) == Safe()
    assert domain.judged(same, was) == Safe()


def by_both(size: int) -> Artifact:
    frame = people(size)
    counted = frame.groupby(["district", "sex"]).size().reset_index(name="n")
    return Artifact(BY_BOTH.name, "csv", counted.to_csv(index=False).encode())


def asked(domain: Domain, terms: OutputTerms, size: int) -> Blocked | Cleared:
    inspection = domain.inspection(domain.keep(people(size)), terms)
    inspection = replace(inspection, ledger=Ledger(data=domain.data))
    [verdict] = inspect([by_both(size)], inspection).verdicts
    assert isinstance(verdict, Blocked | Cleared)
    return verdict


def test_a_table_too_fine_for_its_people_is_refused_with_an_offer_that_passes(
    domain: Domain,
) -> None:
    verdict = asked(domain, BY_BOTH, 150)

    assert isinstance(verdict, Blocked)
    [finding] = verdict.findings
    assert finding.reason.rule == "egress.rank"
    assert finding.exact is not None
    assert "8 independent numbers about 150 units" in finding.exact.en
    assert "150" not in finding.reason.why.en
    assert finding.reason.offer is not None
    assert finding.reason.offer.said.en == "drop the dimension district"
    assert CANARY not in told(verdict)
    coarser = domain.span(domain.keep(people(150)), SEX, COUNT)
    assert first(domain, coarser) == Safe()


def test_the_same_table_of_more_people_leaves(domain: Domain) -> None:
    assert isinstance(asked(domain, BY_BOTH, 300), Cleared)


tables = st.integers(1, 12).flatmap(
    lambda wide: st.lists(
        st.lists(st.integers(0, 1), min_size=wide, max_size=wide), min_size=1, max_size=12
    )
)


@quickly
@given(cells=tables)
def test_as_many_rows_are_independent_as_the_ranks_of_linear_algebra_say(
    cells: list[list[int]],
) -> None:
    some = [row for row in cells if any(row)]
    if some:
        assert independent(csr_matrix(np.array(some))) == np.linalg.matrix_rank(np.array(some))


def test_of_too_many_cells_to_judge_the_smaller_number_is_a_bound() -> None:
    many = audit.MOST_CELLS + 1
    linked = csr_matrix(np.array([[1, 1, at % 2] for at in range(many)]))

    assert independent(linked) == 3


def solved(people_many: int, tables: int) -> float:
    """Return the share of people whose income is known to a hundredth from sums over random halves, to four digits."""
    dice = np.random.default_rng(11)
    income = people(people_many)["income"].to_numpy()
    members = (dice.random((tables, people_many)) < 0.5).astype(float)
    sums = np.array([float(f"{each:.3e}") for each in members @ income])
    guess = np.linalg.lstsq(members, sums)[0]
    return float((np.abs(guess - income) < 0.01 * income).mean())


def test_without_the_limit_as_many_sums_as_people_tell_their_incomes_and_within_it_none() -> None:
    beyond, within = solved(60, 600), solved(60, 3)

    assert beyond > 0.5
    assert within < 0.1


def test_with_the_limit_off_the_table_that_was_refused_leaves(domain: Domain) -> None:
    lacking = domain.span(domain.keep(people(JUST_ENOUGH - 1)), DISTRICT, SEX, COUNT)

    assert domain.judged(lacking, rank_percent=100) == Safe()
