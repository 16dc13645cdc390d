"""What the domain's own mechanisms answer: planned, priced and bounded by the grant, each kind alike."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.job import PrivateWork
from jobs.rules.admit import Admitted, Refused, admit
from jobs.rules.events import events_of
from jobs.rules.prices import equal_epsilon
from sandbox.asset import AssetId, Column, Grade, ImageDigest, Kind, Role, UnitKind
from sandbox.order import BlocksOrder, Generalise, QueryOrder, TrainOrder, image_of
from sandbox.privacy.accounting import PICO, rho_of_pure
from sandbox.privacy.approximate import delta_of
from sandbox.privacy.plan import Plan
from sandbox.reason import Said
from tests.jobs.record.examples import JOB
from tests.jobs.rules.test_admit import FACTS
from tests.jobs.steps.town import (
    BLOCKS,
    GRANT,
    LOANS,
    O2,
    PRIVATE,
    QUERY,
    REPORTING,
    SAMPLE,
    TRAIN,
)

NOTE = Column(
    name="note",
    kind=Kind.STRING,
    role=Role.ATTRIBUTE,
    grade=Grade.L2,
    title=Said(zh="备注", en="note"),
)
TRAINER = ImageDigest("sha256:" + "7" * 64)
KNOWN = replace(FACTS, trainers=frozenset({TRAINER}))
each_kind = pytest.mark.parametrize("work", PRIVATE, ids=lambda work: work.kind)


def admitted(work: PrivateWork) -> Admitted:
    answer = admit(replace(JOB, work=work), GRANT, KNOWN)
    assert isinstance(answer, Admitted), answer
    return answer


@each_kind
def test_its_price_is_known_before_data_and_is_that_of_its_events(work: PrivateWork) -> None:
    price = admitted(work).price

    assert price is not None
    assert price.assets == (LOANS.id,)
    assert 0 < price.rho <= rho_of_pure(price.epsilon)
    assert sum(event.rho for event in events_of(price.events)) == price.rho


@each_kind
def test_a_budget_that_falls_a_pico_rho_short_refuses_it(work: PrivateWork) -> None:
    price = admitted(work).price
    assert price is not None

    left = {"grant:SC-1.v1": price.rho - 1}
    answer = admit(replace(JOB, work=work), GRANT, replace(KNOWN, left=lambda _: left))

    assert isinstance(answer, Refused)
    assert [reason.rule for reason in answer.reasons] == ["admit.budget"]


@each_kind
def test_what_costs_more_than_the_grant_allows_a_release_is_refused(work: PrivateWork) -> None:
    strict = replace(GRANT, epsilon_per_release=Fraction(1, 1000))

    answer = admit(replace(JOB, work=work), strict, KNOWN)

    assert isinstance(answer, Refused)
    assert [reason.rule for reason in answer.reasons] == ["admit.epsilon"]


@each_kind
def test_an_output_of_another_release_class_is_refused(work: PrivateWork) -> None:
    answer = admit(replace(JOB, work=replace(work, output=O2)), GRANT, KNOWN)

    assert isinstance(answer, Refused)
    assert "admit.output_class" in {reason.rule for reason in answer.reasons}


COARSE = replace(GRANT, assets=tuple(
    replace(view, pseudonyms=(), generalise=Generalise(quasi=view.columns, k=5))
    for view in GRANT.assets
))  # fmt: skip


@each_kind
def test_over_the_classes_of_a_generalised_view_no_private_answer_is_made(
    work: PrivateWork,
) -> None:
    answer = admit(replace(JOB, work=work), COARSE, KNOWN)

    assert isinstance(answer, Refused)
    assert [(each.rule, each.place) for each in answer.reasons] == [("admit.coarse", LOANS.id)]


def test_a_container_reads_a_generalised_view() -> None:
    answer = admit(replace(JOB, work=REPORTING), COARSE, KNOWN)

    assert isinstance(answer, Admitted)
    assert answer.order.views == COARSE.assets


STATES = replace(
    LOANS,
    id=AssetId("STATES"),
    unit_kind=UnitKind.NOBODY,
    unit_column="code",
    columns=(
        replace(LOANS.columns[1], name="code"),
        replace(LOANS.columns[1], name="region", domain=("north", "south")),
    ),
)
LISTED = replace(
    GRANT,
    assets=(
        *GRANT.assets,
        replace(GRANT.assets[0], asset=STATES.id, columns=("code", "region"), pseudonyms=()),
    ),
)
WITH_LIST = replace(KNOWN, catalogue={LOANS.id: LOANS, STATES.id: STATES})


def test_a_query_joins_a_public_list_by_its_key_and_pays_for_the_protected_asset_alone() -> None:
    sql = "SELECT region, COUNT(*) AS n FROM LOANS JOIN STATES ON state = code GROUP BY region"

    job = replace(JOB, work=replace(QUERY, sql=sql), assets=())

    answer = admit(job, LISTED, WITH_LIST)

    assert isinstance(answer, Admitted), answer
    assert answer.price is not None
    assert answer.price.assets == (LOANS.id,)
    assert isinstance(answer.order, QueryOrder)
    assert [view.asset for view in answer.order.views] == [LOANS.id, STATES.id]


@pytest.mark.parametrize(
    "work",
    [
        BLOCKS,
        replace(TRAIN, terms=TRAIN.terms.replace('"LOANS"', '"STATES"')),
        replace(SAMPLE, asset=STATES.id),
    ],
    ids=lambda work: work.kind,
)
def test_a_public_list_is_no_private_works_own_asset(work: PrivateWork) -> None:
    answer = admit(replace(JOB, work=work, assets=()), LISTED, WITH_LIST)

    assert isinstance(answer, Refused)
    assert ("admit.nobody", STATES.id) in [(each.rule, each.place) for each in answer.reasons]


@pytest.mark.parametrize("measures", [1, 5])
def test_what_private_keys_spend_of_delta_is_borne_by_the_price(measures: int) -> None:
    counts = ", ".join(f"SUM(amount) AS s{i}" for i in range(measures))
    sql = f"SELECT note, {counts} FROM LOANS GROUP BY note"
    catalogue = {LOANS.id: replace(LOANS, columns=(*LOANS.columns, NOTE))}
    (view,) = GRANT.assets
    grant = replace(GRANT, assets=(replace(view, columns=(*view.columns, "note")),))

    answer = admit(
        replace(JOB, work=replace(QUERY, sql=sql)), grant, replace(KNOWN, catalogue=catalogue)
    )

    assert isinstance(answer, Admitted), answer
    assert isinstance(answer.order, QueryOrder)
    assert isinstance(answer.plan, Plan)
    assert answer.price is not None
    assert answer.plan.delta == answer.order.delta == delta_of(answer.price.rho) > 0


def test_the_trainers_order_names_the_registered_trainer_and_sees_the_unit_as_a_pseudonym() -> None:
    order = admitted(TRAIN).order

    assert isinstance(order, TrainOrder)
    assert image_of(order) == TRAINER
    (view,) = order.views
    assert LOANS.unit_column in view.pseudonyms
    assert LOANS.unit_column not in order.granted


def test_blocks_never_take_more_than_the_grant_gives() -> None:
    limits = replace(GRANT.limits, cpus=2.5, memory_bytes=1 << 30)
    answer = admit(replace(JOB, work=BLOCKS), replace(GRANT, limits=limits), KNOWN)

    assert isinstance(answer, Admitted)
    assert isinstance(answer.order, BlocksOrder)
    assert (answer.order.lanes, answer.order.limits.cpus) == (2, 2.0)
    assert answer.order.limits.memory_bytes == 2 * json.loads(BLOCKS.terms)["memory_bytes"]


@pytest.mark.parametrize(
    "work",
    [
        replace(BLOCKS, terms="{}"),
        replace(BLOCKS, terms="[]"),
        replace(BLOCKS, terms="no JSON"),
        replace(BLOCKS, terms=json.dumps(json.loads(BLOCKS.terms) | {"k": 32})),
        replace(BLOCKS, terms=json.dumps(json.loads(BLOCKS.terms) | {"rho": -1})),
        replace(TRAIN, terms="no JSON"),
        replace(TRAIN, terms=json.dumps(json.loads(TRAIN.terms) | {"asset": "TAXES"})),
        replace(TRAIN, terms=json.dumps(json.loads(TRAIN.terms) | {"epsilon": "0"})),
        replace(SAMPLE, rows=0),
        replace(SAMPLE, rows_per_unit=0),
        replace(SAMPLE, epsilon=Fraction(-1)),
        replace(SAMPLE, asset=AssetId("TAXES")),
    ],
)
def test_terms_that_make_no_sense_are_refused_with_reasons(work: PrivateWork) -> None:
    answer = admit(replace(JOB, work=work), GRANT, KNOWN)

    assert isinstance(answer, Refused)
    assert answer.reasons


@given(rho=st.integers(1, 100 * PICO))
def test_the_equal_epsilon_pays_for_its_rho_and_hardly_more(rho: int) -> None:
    epsilon = equal_epsilon(rho)

    assert rho_of_pure(epsilon) >= rho
    assert rho_of_pure(epsilon - Fraction(1, 10**9)) <= rho
