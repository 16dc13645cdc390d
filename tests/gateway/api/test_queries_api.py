from typing import Any

import pytest

from jobs.record import budgets, jobs
from jobs.record.event import Event
from tests.gateway.api.domain import GRANT, LOANS, SCENARIO, Domain
from tests.gateway.api.test_jobs_api import QUERY, SQL

ASKED = {"scenario": SCENARIO, "sql": SQL, "epsilon": "0.5", "output": "O1"}


@pytest.mark.req("H-04")
def test_a_query_is_priced_without_being_submitted(domain: Domain) -> None:
    answer = domain.client("dev").post("/v1/queries/explain", json=ASKED)

    told: dict[str, Any] = answer.json()
    assert answer.status_code == 200
    assert (told["asset"], told["epsilon"], told["rho"], told["cells"]) == (
        LOANS,
        "0.5",
        "0.125",
        3,
    )
    assert [column["function"] for column in told["columns"]] == ["dimension", "count"]
    assert told["columns"][1]["deviation"] > 0
    assert told["error"]["zh"]
    assert told["statement"]["en"]
    with domain.record.reading() as tx:
        assert jobs.listed(tx) == []
        assert budgets.balance(tx, f"grant:{GRANT}").reserved == 0


@pytest.mark.req("H-04")
def test_a_price_tells_what_each_budget_has_before_and_after_and_in_words(domain: Domain) -> None:
    told: dict[str, Any] = domain.client("dev").post("/v1/queries/explain", json=ASKED).json()

    assert [(each["scope"], each["before"], each["after"]) for each in told["budgets"]] == [
        (f"asset:{LOANS}", "2", "1.875"),
        (f"asset:{LOANS}@2026", "2", "1.875"),
        ("developer:P-BANK@2026", None, None),
        (f"grant:{GRANT}", "2", "1.875"),
    ]
    assert all(each["bears"] for each in told["budgets"])
    assert told["reasons"] == []
    assert told["budgets"][1]["told"] == {
        "zh": "数据资源 BP-LOANS 的 2026 年度预算：剩余 ρ 2，本次之后剩余 ρ 1.875",
        "en": "the 2026 budget of asset BP-LOANS: rho 2 left, 1.875 after it",
    }
    assert told["budgets"][2]["told"]["en"] == (
        "the 2026 budget of developer group P-BANK: no limit; rho 0 used, 0.125 after it"
    )


@pytest.mark.req("H-04")
def test_a_budget_that_would_refuse_is_named_with_the_price(domain: Domain) -> None:
    with domain.record.writing() as tx:
        event = Event("budget.set", f"grant:{GRANT}", "test")
        budgets.set_limit(tx, f"grant:{GRANT}", 10**11, event)

    answer = domain.client("dev").post("/v1/queries/explain", json=ASKED)

    told: dict[str, Any] = answer.json()
    (short,) = [each for each in told["budgets"] if not each["bears"]]
    assert answer.status_code == 200
    assert (short["scope"], short["before"], short["after"]) == (f"grant:{GRANT}", "0.1", None)
    assert short["told"]["zh"] == f"授权 {GRANT} 的预算：余额不足，剩余 ρ 0.1，本次需要 ρ 0.125"
    assert [each["rule"] for each in told["reasons"]] == ["admit.budget"]
    refused = domain.client("dev").post("/v1/jobs", json=QUERY).json()
    assert refused["reasons"] == told["reasons"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"epsilon": "0.6"}, "admit.epsilon"),
        ({"output": "O3"}, "admit.output_class"),
        ({"sql": 'SELECT emp_title, COUNT(*) AS n FROM "BP-LOANS" GROUP BY emp_title'}, "query."),
        ({"sql": "DROP TABLE x"}, "query."),
    ],
)
def test_a_query_that_would_be_refused_says_why(
    domain: Domain, change: dict[str, str], rule: str
) -> None:
    answer = domain.client("dev").post("/v1/queries/explain", json={**ASKED, **change})

    assert answer.status_code == 422
    assert all(reason["rule"].startswith(rule) for reason in answer.json()["reasons"])
    assert answer.json()["reasons"][0]["fix"]["zh"]


def test_only_those_who_may_submit_are_told_a_price(domain: Domain) -> None:
    assert domain.client("rival").post("/v1/queries/explain", json=ASKED).status_code == 404
    assert domain.client("lead").post("/v1/queries/explain", json=ASKED).status_code == 403
