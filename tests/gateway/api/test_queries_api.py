from typing import Any

import pytest

from jobs.record import budgets, jobs
from tests.gateway.api.domain import GRANT, LOANS, SCENARIO, Domain
from tests.gateway.api.test_jobs_api import SQL

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
