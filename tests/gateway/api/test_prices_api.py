"""Private answers of every kind are priced without data; rows for dry runs come from the catalogue alone."""

import csv
import io
from typing import Any

import pytest

from jobs.job import JobState
from jobs.record import budgets, jobs
from tests.gateway.api.domain import GRANT, IMAGE, LOANS, SCENARIO, Domain

QUERY = {
    "kind": "query",
    "sql": 'SELECT grade, COUNT(*) AS n FROM "BP-LOANS" GROUP BY grade',
    "epsilon": "0.5",
    "output": "O1",
}
NUMBER = {"is_a": "number", "name": "mean", "lower": "0", "upper": "40000", "step": "100"}
BLOCKS = {
    "kind": "blocks",
    "image": IMAGE,
    "command": ["python3", "/job/main.py"],
    "terms": {
        "k": 256,
        "rho": 50_000_000_000,
        "cpu_seconds": 1,
        "wall_seconds": 2,
        "memory_bytes": 256 << 20,
        "coordinates": [NUMBER],
    },
    "output": "O4",
}
TRAIN = {
    "kind": "train",
    "terms": {
        "asset": "BP-LOANS",
        "features": [{"kind": "number", "column": "loan_amount"}],
        "target": {"kind": "binary", "column": "grade", "positive": ["A"]},
        "design": {"kind": "logistic"},
        "loss": "logistic",
        "tries": [{"rate": "1/10", "clip": "1"}],
        "steps": 20,
        "sampling_rate": "1/10",
        "units": 10_000,
        "epsilon": "1",
    },
    "output": "O5",
}
SAMPLE = {"kind": "sample", "asset": "BP-LOANS", "rows": 100, "epsilon": "0.5", "output": "O4"}
KINDS = pytest.mark.parametrize("work", [QUERY, BLOCKS, TRAIN, SAMPLE], ids=lambda one: one["kind"])


@KINDS
def test_every_kind_has_a_price_and_nothing_is_written(
    domain: Domain, work: dict[str, Any]
) -> None:
    answer = domain.client("dev").post("/v1/prices", json={"scenario": SCENARIO, "work": work})

    told = answer.json()
    assert answer.status_code == 200, told
    assert told["kind"] == work["kind"]
    assert 0 < float(told["rho"]) <= float(told["epsilon"]) ** 2 / 2 + 1e-9
    assert [each["scope"] for each in told["budgets"]][-1] == f"grant:{GRANT}"
    with domain.record.reading() as tx:
        assert jobs.listed(tx) == []
        assert budgets.balance(tx, f"grant:{GRANT}").reserved == 0


@KINDS
def test_every_kind_is_submitted_and_queued(domain: Domain, work: dict[str, Any]) -> None:
    body = {"scenario": SCENARIO, "work": work}

    answer = domain.client("dev").post("/v1/jobs", json=body, headers={"Idempotency-Key": "k"})

    assert (answer.status_code, answer.json()["state"]) == (201, JobState.QUEUED), answer.text
    assert answer.json()["outputs"] == [work["output"]]


def test_terms_out_of_form_are_told_by_their_place(domain: Domain) -> None:
    terms = {name: value for name, value in TRAIN["terms"].items() if name != "steps"}  # type: ignore[attr-defined]

    answer = domain.client("dev").post(
        "/v1/prices", json={"scenario": SCENARIO, "work": TRAIN | {"terms": terms}}
    )

    assert answer.status_code == 422, answer.text
    assert [(each["rule"], each["place"]) for each in answer.json()["reasons"]] == [
        ("admit.terms", "steps")
    ]


def test_rows_for_dry_runs_have_the_views_columns_and_are_the_same_for_a_seed(
    domain: Domain,
) -> None:
    path = f"/v1/scenarios/{SCENARIO}/assets/{LOANS}/rows"
    client = domain.client("dev")

    first, again = (client.get(path, params={"rows": 40, "seed": 7}) for _ in range(2))

    rows = list(csv.DictReader(io.StringIO(first.text)))
    assert first.content == again.content
    assert (len(rows), tuple(rows[0])) == (40, ("loan_id", "state", "grade", "loan_amount"))
    assert {row["grade"] for row in rows} <= {"A", "B", "C"}
    assert all(0 <= int(row["loan_amount"]) <= 40_000 for row in rows)


@pytest.mark.parametrize(
    ("who", "path", "code"),
    [
        ("dev", f"/v1/scenarios/{SCENARIO}/assets/BP-OTHER/rows", 404),
        ("dev", f"/v1/scenarios/SC-NONE/assets/{LOANS}/rows", 404),
        ("dev", f"/v1/scenarios/{SCENARIO}/assets/{LOANS}/rows?rows=0", 422),
        ("dev", f"/v1/scenarios/{SCENARIO}/assets/{LOANS}/rows?rows=10001", 422),
        ("auditor", f"/v1/scenarios/{SCENARIO}/assets/{LOANS}/rows", 403),
    ],
)
def test_rows_are_for_those_who_hold_the_grant(
    domain: Domain, who: str, path: str, code: int
) -> None:
    assert domain.client(who).get(path).status_code == code
