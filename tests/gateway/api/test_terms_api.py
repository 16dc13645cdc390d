from fractions import Fraction

import pytest

from gateway.api.shapes.terms import exact
from jobs.record import budgets, jobs
from jobs.record.budgets import Charge
from jobs.record.event import Event
from tests.gateway.api.domain import GRANT, IMAGE, LOANS, Domain
from tests.gateway.api.test_jobs_api import QUERY


@pytest.mark.req("C-07")
def test_the_catalogue_shows_what_is_declared_and_no_data(domain: Domain) -> None:
    asset = domain.client("dev").get(f"/v1/assets/{LOANS}").json()

    assert asset["title"] == {"zh": "贷款台账", "en": "loan book"}
    assert "rows" not in asset
    assert "snapshot" not in asset
    assert [column["name"] for column in asset["columns"]][:2] == ["loan_id", "state"]
    assert domain.client("dev").get("/v1/assets").json()["items"] == [asset]
    assert domain.client("dev").get(f"/v1/assets/{LOANS}@1").json() == asset
    assert domain.client("dev").get(f"/v1/assets/{LOANS}@2").status_code == 404


def test_a_developer_reads_its_own_grant(domain: Domain) -> None:
    grant = domain.client("dev").get(f"/v1/grants/{GRANT}").json()

    assert grant["state"] == "live"
    assert grant["assets"][0]["pseudonyms"] == ["loan_id"]
    assert (grant["assets"][0]["generalise"], grant["assets"][0]["level"]) == (None, 2)
    assert grant["images"] == [IMAGE]
    assert grant["epsilon_per_release"] == "1"
    assert grant["delta"] == "0.000001"
    assert [output["epsilon"] for output in grant["outputs"]] == ["0.5", None, "0.5", "0.5"]


def test_another_partys_grant_and_its_budgets_do_not_exist(domain: Domain) -> None:
    rival = domain.client("rival")

    assert rival.get(f"/v1/grants/{GRANT}").json() == rival.get("/v1/grants/none").json()
    assert rival.get("/v1/budgets").json()["items"] == []


def test_a_budget_tells_exactly_what_is_left(domain: Domain) -> None:
    job = domain.client("dev").post("/v1/jobs", json=QUERY).json()["id"]
    with domain.record.writing() as tx:
        moved = jobs.get(tx, job)
        charge = Charge(job=moved.id, epoch=1, scopes=(f"grant:{GRANT}",), rho=1, events_json="[]")
        budgets.reserve(tx, charge, Event("budget.reserved", job, "test"))

    found = {
        each["scope"]: each for each in domain.client("dev").get("/v1/budgets").json()["items"]
    }

    assert found[f"grant:{GRANT}"] == {
        "scope": f"grant:{GRANT}",
        "name": {"zh": f"授权 {GRANT} 的预算", "en": f"the budget of grant {GRANT}"},
        "limit": "2",
        "reserved": "0.000000000001",
        "spent": "0",
        "left": "1.999999999999",
    }
    assert found[f"asset:{LOANS}@2026"]["left"] == found[f"asset:{LOANS}"]["left"] == "2"


@pytest.mark.req("H-04")
def test_what_is_only_counted_has_no_limit_and_is_told_to_its_own_party(domain: Domain) -> None:
    job = domain.client("dev").post("/v1/jobs", json=QUERY).json()["id"]
    with domain.record.writing() as tx:
        scopes = (f"asset:{LOANS}", f"grant:{GRANT}")
        charge = Charge(job=jobs.get(tx, job).id, epoch=1, scopes=scopes, rho=1, events_json="[]")
        budgets.reserve(tx, charge, Event("budget.reserved", job, "test"))

    told = {
        who: {each["scope"]: each for each in domain.client(who).get("/v1/budgets").json()["items"]}
        for who in ("dev", "operator", "officer")
    }

    pooled = told["dev"]["developer:P-BANK@2026"]
    assert (pooled["limit"], pooled["left"], pooled["reserved"]) == (None, None, "0.000000000001")
    assert told["dev"] == told["officer"]
    assert set(told["dev"]) - set(told["operator"]) == {"developer:P-BANK@2026"}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(10), "10"),
        (Fraction(1, 8), "0.125"),
        (Fraction(1, 3), "1/3"),
        (Fraction(10**24 + 1, 10**12), "1000000000000.000000000001"),
    ],
)
def test_an_exact_number_stays_exact(number: Fraction, text: str) -> None:
    assert exact(number) == text
    assert Fraction(text) == number
