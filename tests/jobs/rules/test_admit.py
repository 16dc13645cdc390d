from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.grant import Grant, GrantState, PersonId
from jobs.job import ContainerWork, Job, QueryWork
from jobs.rules.admit import Admitted, Facts, Refused, admit
from jobs.rules.runtimes import Runtimes, strictest
from sandbox.asset import AssetId, Grade, ImageDigest
from sandbox.order import ContainerOrder, OutputName, QueryOrder
from tests.jobs.record.examples import JOB
from tests.jobs.steps.town import GRANT, LOANS, O2, QUERY, REPORTING

PLENTY = 10**15
FACTS = Facts(
    today=date(2026, 3, 2),
    state=GrantState.LIVE,
    started=0,
    catalogue={LOANS.id: LOANS},
    left=lambda asset: {f"asset:{asset}@2026": PLENTY, f"grant:{GRANT.id}": PLENTY},
)
CONTAINER = replace(JOB, work=REPORTING)
ASKED = replace(JOB, work=QUERY)
"""The same job, as a query."""


def refusals(job: Job, grant: Grant = GRANT, facts: Facts = FACTS) -> list[tuple[str, str]]:
    answer = admit(job, grant, facts)
    assert isinstance(answer, Refused), answer
    return [(reason.rule, reason.place) for reason in answer.reasons]


@pytest.mark.req("E-08")
def test_a_containers_order_is_written_out_of_its_grant() -> None:
    answer = admit(CONTAINER, GRANT, replace(FACTS, runtimes=Runtimes(least="runsc")))

    assert isinstance(answer, Admitted)
    assert isinstance(answer.order, ContainerOrder)
    assert answer.plan is None
    assert (answer.order.views, answer.order.limits) == (GRANT.assets, GRANT.limits)
    assert answer.order.outputs == (GRANT.output(O2),)
    assert answer.order.scope == GRANT.scenario
    assert answer.order.runtime == "runsc"


def test_a_querys_order_has_its_price_before_any_data_is_read() -> None:
    answer = admit(ASKED, GRANT, FACTS)

    assert isinstance(answer, Admitted)
    assert isinstance(answer.order, QueryOrder)
    assert answer.price is not None
    assert answer.price.rho > 0
    assert (answer.order.views, answer.order.assets) == (GRANT.assets, (LOANS,))


def test_every_reason_is_told_at_once() -> None:
    job = replace(
        CONTAINER,
        submitted_by=PersonId("P-stranger"),
        assets=(AssetId("TAXES"), LOANS.id),
        columns=("amount", "salary"),
        work=replace(REPORTING, outputs=(OutputName("O9"), O2)),
    )
    late = replace(FACTS, today=date(2027, 1, 1), state=GrantState.ENDED, started=1000)

    assert refusals(job, facts=late) == [
        ("admit.ended", ""),
        ("admit.term", ""),
        ("admit.person", ""),
        ("admit.uses", ""),
        ("admit.asset", "TAXES"),
        ("admit.column", "salary"),
        ("admit.output", "O9"),
    ]


@pytest.mark.req("B-07")
@pytest.mark.parametrize(
    ("today", "admitted"),
    [
        (date(2025, 12, 31), False),
        (date(2026, 1, 1), True),
        (date(2026, 12, 31), True),
        (date(2027, 1, 1), False),
    ],
)
def test_the_first_and_the_last_day_of_the_term_count(today: date, *, admitted: bool) -> None:
    answer = admit(CONTAINER, GRANT, replace(FACTS, today=today))

    assert isinstance(answer, Admitted) is admitted


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT state, COUNT(*) AS n FROM",
        "SELECT person FROM LOANS",
        "SELECT state, COUNT(*) AS n FROM TAXES GROUP BY state",
        "DROP TABLE LOANS",
        "SELECT COUNT(*) AS n FROM LOANS; SELECT COUNT(*) AS n FROM LOANS",
    ],
)
def test_sql_that_is_no_allowed_question_is_refused_with_its_place(sql: str) -> None:
    told = refusals(replace(ASKED, work=replace(QUERY, sql=sql)))

    assert all(rule.startswith("query.") and place.startswith("line ") for rule, place in told)


@pytest.mark.req("H-04")
def test_each_budget_that_falls_short_is_named_in_words() -> None:
    price = admit(ASKED, GRANT, FACTS)
    assert isinstance(price, Admitted)
    assert price.price is not None
    short = price.price.rho - 1
    left = {
        "asset:LOANS": PLENTY,
        "asset:LOANS@2026": price.price.rho,
        "unit:G-PEOPLE@2026": short,
        "developer:acme@2026": short,
        f"grant:{GRANT.id}": short,
    }

    answer = admit(ASKED, GRANT, replace(FACTS, left=lambda _: left))

    assert isinstance(answer, Refused)
    assert {reason.rule for reason in answer.reasons} == {"admit.budget"}
    assert [reason.place for reason in answer.reasons] == list(left)[2:]
    assert [reason.why.zh for reason in answer.reasons] == [
        "同一人群数据组 G-PEOPLE 的 2026 年度预算余额不足",
        "开发主体组 acme 的 2026 年度预算余额不足",
        f"授权 {GRANT.id} 的预算余额不足",
    ]
    assert answer.reasons[1].why.en == (
        "what is left of the 2026 budget of developer group acme does not cover it"
    )


@given(st.fractions(Fraction(1, 100), 20), st.booleans())
def test_the_epsilon_that_a_refusal_names_would_pass(ceiling: Fraction, above: bool) -> None:  # noqa: FBT001 - drawn
    outputs = tuple(replace(each, epsilon=None) for each in GRANT.outputs)
    grant = replace(GRANT, epsilon_per_release=ceiling, outputs=outputs)
    asked = ceiling + Fraction(1, 10**9) if above else Fraction(0)

    answer = admit(replace(ASKED, work=replace(QUERY, epsilon=asked)), grant, FACTS)

    assert isinstance(answer, Refused)
    named = Fraction(answer.reasons[0].fix.en.split()[3])
    again = admit(replace(ASKED, work=replace(QUERY, epsilon=named)), grant, FACTS)
    assert isinstance(again, Admitted)


def test_an_images_presence_is_no_question_where_no_engine_is_known() -> None:
    assert isinstance(admit(CONTAINER, GRANT, replace(FACTS, images=None)), Admitted)
    assert refusals(CONTAINER, facts=replace(FACTS, images=frozenset())) == [
        ("admit.image_missing", "image")
    ]


@pytest.mark.parametrize("image", ["python:3.11", "latest", "sha256:" + "9" * 64])
def test_a_tag_or_a_digest_that_was_not_granted_is_no_image(image: str) -> None:
    work = replace(REPORTING, image=ImageDigest(image))

    assert refusals(replace(CONTAINER, work=work)) == [("admit.image", "image")]


@pytest.mark.parametrize("text", ["", "[]", "1", "null", "{", '{"a":1}x', "[" * 100_000])
def test_parameters_are_one_json_object(text: str) -> None:
    told = refusals(replace(CONTAINER, work=replace(REPORTING, parameters=text)))

    assert told == [("admit.parameters", "parameters")]


NAMES = st.sampled_from(["O1", "O2", "O3", "O9"]).map(OutputName)
WORK = st.one_of(
    st.builds(
        ContainerWork,
        image=st.sampled_from([*GRANT.images, ImageDigest("sha256:" + "9" * 64)]),
        command=st.lists(st.text(max_size=3), max_size=2).map(tuple),
        parameters=st.sampled_from(["{}", "[]"]),
        outputs=st.lists(NAMES, max_size=3).map(tuple),
    ),
    st.builds(
        QueryWork,
        sql=st.sampled_from([QUERY.sql, "SELECT"]),
        epsilon=st.fractions(-1, 2),
        output=NAMES,
    ),
)


@pytest.mark.req("E-08")
@given(
    work=WORK,
    assets=st.lists(st.sampled_from([LOANS.id, AssetId("TAXES")]), max_size=2).map(tuple),
    columns=st.lists(st.sampled_from(["amount", "salary"]), max_size=2).map(tuple),
)
def test_no_order_reaches_past_its_grant(
    work: ContainerWork | QueryWork, assets: tuple[AssetId, ...], columns: tuple[str, ...]
) -> None:
    answer = admit(replace(JOB, work=work, assets=assets, columns=columns), GRANT, FACTS)

    if isinstance(answer, Refused):
        assert answer.reasons
        return
    order = answer.order
    assert set(order.views) <= set(GRANT.assets)
    if isinstance(order, ContainerOrder):
        assert set(order.outputs) <= set(GRANT.outputs)
        assert order.image in GRANT.images
    else:
        assert isinstance(order, QueryOrder)
        assert order.output in GRANT.outputs
        assert 0 < order.epsilon <= GRANT.epsilon_per_release


@pytest.mark.req("C-11")
@pytest.mark.parametrize(
    ("grade", "from_l3", "from_important", "runc_nowhere"),
    [
        (Grade.L1, "runc", "runc", "runsc"),
        (Grade.L2, "runc", "runc", "runsc"),
        (Grade.L3, "runsc", "runc", "runsc"),
        (Grade.L4, "runsc", "runc", "runsc"),
        (Grade.IMPORTANT, "runsc", "runsc", "runsc"),
    ],
)
def test_the_strictest_grade_of_the_assets_chooses_the_runtime(
    grade: Grade, from_l3: str, from_important: str, runc_nowhere: str
) -> None:
    def runtime(runtimes: Runtimes) -> str:
        mild = replace(LOANS, id=AssetId("MILD"), grade=Grade.L1)
        view = replace(GRANT.assets[0], asset=mild.id)
        grant = replace(GRANT, assets=(view, *GRANT.assets))
        catalogue = {mild.id: mild, LOANS.id: replace(LOANS, grade=grade)}
        answer = admit(CONTAINER, grant, replace(FACTS, catalogue=catalogue, runtimes=runtimes))
        assert isinstance(answer, Admitted)
        assert isinstance(answer.order, ContainerOrder)
        return answer.order.runtime

    assert runtime(Runtimes()) == from_l3
    assert runtime(Runtimes(gvisor_from=Grade.IMPORTANT)) == from_important
    assert runtime(Runtimes(least="runsc", gvisor_from=Grade.IMPORTANT)) == runc_nowhere


@pytest.mark.req("C-11")
def test_an_asset_that_is_not_known_counts_as_important_and_no_asset_as_the_mildest() -> None:
    assert strictest(GRANT.assets, {}) is Grade.IMPORTANT
    assert strictest((), {}) is Grade.L1


@pytest.mark.req("C-11")
@pytest.mark.parametrize(
    ("here", "rules"),
    [(None, []), (frozenset({"runc", "runsc"}), []), (frozenset({"runc"}), ["admit.runtime"])],
)
def test_a_demanded_runtime_that_the_engine_lacks_refuses_the_job(
    here: frozenset[str] | None, rules: list[str]
) -> None:
    runtimes = Runtimes(gvisor_from=Grade.L2, here=here)

    answer = admit(CONTAINER, GRANT, replace(FACTS, runtimes=runtimes))

    told = [reason.rule for reason in answer.reasons] if isinstance(answer, Refused) else []
    assert told == rules


@pytest.mark.req("A-08")
@pytest.mark.parametrize("job", [CONTAINER, ASKED], ids=["container", "query"])
def test_core_data_are_read_by_no_job(job: Job) -> None:
    catalogue = {LOANS.id: replace(LOANS, grade=Grade.CORE)}

    assert refusals(job, facts=replace(FACTS, catalogue=catalogue)) == [("admit.core", "LOANS")]
