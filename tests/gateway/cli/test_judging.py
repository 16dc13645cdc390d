"""Those who decide on a plan read how anonymous its views would be, before there is a grant."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from gateway.cli.domain import opened
from gateway.governance.plan import canonical, digest
from gateway.governance.scenario import Scenario
from jobs.grant import PartyId, ScenarioId
from jobs.proof import bodies
from jobs.record import documents
from jobs.record.event import Event
from jobs.record.log import entries
from sandbox.anonymity.sealed import sealed_in
from tests.gateway.cli.estate import Estate
from tests.gateway.governance.town import loan_plan
from tests.sandbox.data.tables import CANARY

NAME = "SC-SH-2026-0001"
COLUMNS = ("state", "term", "amount")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    return Estate.made(tmp_path_factory.mktemp("estate") / "home")


@pytest.fixture
def estate(made: Estate, tmp_path: Path) -> Estate:
    return made.copied(tmp_path / "home")


def judged(estate: Estate, aim: dict[str, Any] | None) -> Result:
    """Enter a plan that waits for its seats, and judge its view."""
    plan = loan_plan()
    named = [{"name": each, "why": "统计分组所需的列", "precision": "原值"} for each in COLUMNS]
    plan["assets"][0] |= {"columns": named} | ({"generalise": aim} if aim else {})
    filed = Scenario(
        id=ScenarioId(NAME),
        version=1,
        state="in_local_assessment",
        jurisdiction="shanghai",
        title_zh="普惠贷款",
        title_en="Loans",
        developer=PartyId("P-BANK"),
        operator=PartyId("P-OP"),
        providers=(PartyId("P-PROV"),),
        plan=canonical(plan),
        digest=digest(canonical(plan)),
        rulebook="shanghai@sha256:0",
    )
    with opened(estate.home) as record, record.writing() as tx:
        paper = documents.Document(
            kind="scenario", id=NAME, state=filed.state, body=bodies.dump(filed), at=tx.now
        )
        documents.add(tx, paper, Event("scenario.submitted", NAME, "test"))
    return estate.run("asset", "judge", NAME)


def figures(result: Result) -> list[str]:
    (line,) = [each for each in result.output.splitlines() if "BP-LOANS" in each and "4" in each][
        :1
    ]
    return line.replace("│", " ").split()


@pytest.mark.req("G-04")
def test_the_exact_figures_of_a_plans_view_are_told_and_the_look_is_in_the_log(
    estate: Estate,
) -> None:
    result = judged(estate, None)

    assert result.exit_code == 0, result.output
    assert figures(result)[:8] == ["BP-LOANS", "2", "4", "3", "4", "1", "1", "3"]
    assert "fewer than 5" in result.output
    assert CANARY not in result.output
    with opened(estate.home) as record, record.reading() as tx:
        assert "scenario.judged" in [each.event.kind for each in entries(tx, limit=100)]
    assert list((estate.home.path / "run").iterdir()) == []
    assert list((estate.home.path / "views").iterdir()) == []


@pytest.mark.req("G-04")
def test_the_evidence_is_kept_under_a_seal_and_opened_for_those_who_audit(estate: Estate) -> None:
    result = judged(estate, None)

    shown = estate.run("asset", "evidence", NAME)

    (sealed,) = sealed_in(shown.output)
    assert (sealed.asset, sealed.level, sealed.evidence.units) == ("BP-LOANS", 2, 3)
    assert sealed.digest in result.output.replace("\n", "")
    assert CANARY not in shown.output
    with opened(estate.home) as record, record.reading() as tx:
        assert "evidence.opened" in [each.event.kind for each in entries(tx, limit=100)]
    assert estate.run("asset", "evidence", "SC-SH-2026-0009").exit_code == 1


def test_a_generalised_view_is_judged_as_it_would_be_shown(estate: Estate) -> None:
    result = judged(estate, {"quasi": ["state", "term"], "sensitive": ["amount"], "k": 3, "l": 3})

    assert result.exit_code == 0, result.output
    assert figures(result)[:8] == ["BP-LOANS", "2", "4", "3", "1", "3", "3", "0"]
    assert "amount" in result.output


def test_a_promise_that_the_data_cannot_keep_is_told_before_anybody_approves_it(
    estate: Estate,
) -> None:
    result = judged(estate, {"quasi": list(COLUMNS), "k": 5})

    assert result.exit_code == 1
    assert "do not have the k, l and t" in result.output
    assert CANARY not in result.output
