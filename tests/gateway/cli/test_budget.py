"""`shuyu budget` over a real domain home, and `shuyu query preview` over a real gateway."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import jobs as cli_jobs
from gateway.cli.budget import app
from gateway.cli.domain import opened
from gateway.governance.assets import register
from gateway.governance.parties import Party, add_party
from gateway.governance.rules import load_rules
from gateway.home import Home, make_home
from jobs.grant import PartyId
from jobs.job import JobId
from jobs.proof.bodies import dump
from jobs.record import budgets, jobs, log, volumes
from jobs.record.budgets import Charge
from jobs.record.event import Event
from jobs.record.schema import budget as budget_table
from jobs.record.schema import charge as charge_table
from jobs.record.volumes import Volume
from jobs.release import ReleaseId
from jobs.steps.accounts import accounts, open_accounts
from jobs.steps.budget import open_grant
from sandbox.privacy.approximate import rho_limit_of
from sandbox.privacy.events import DpEvent
from tests.gateway.api.domain import ASSET, GRANT, LOANS, PARTIES, SCENARIO, TERMS, uscc
from tests.gateway.api.released import JOB
from tests.gateway.api.test_jobs_api import SQL
from tests.gateway.cli.conftest import Served
from tests.sandbox.privacy.test_accounting import EVENT

YEAR_RHO = rho_limit_of(Fraction(10), Fraction(1, 10**6))
"""What the national rulebook allows an asset in a year, in pico-rho."""
WIDE = replace(TERMS, epsilon_total=Fraction(30))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a domain with two parties and an asset."""
    rules, folder = load_rules(), tmp_path_factory.mktemp("home") / "domain"
    home = make_home(folder, name="test.shuyu", port=8700, mode="demo")
    with opened(home) as record:
        for at, (party, kind) in enumerate(PARTIES.items()):
            word = Party(id=PartyId(party), kind=kind, name_zh=party, name_en=party, uscc=uscc(at))
            add_party(record, word, by="init", duties=rules.duties)
        register(record, ASSET, by="init")
    return home


def run(home: Home, *words: str) -> Result:
    return CliRunner(env={"COLUMNS": "250"}).invoke(app, [*words, "--home", str(home.path)])


def charge(home: Home, number: int, *, events: tuple[DpEvent, ...] = (EVENT,)) -> str:
    """Charge a job of the bank over the asset, and return the year's scope."""
    job = replace(JOB, id=JobId(f"J-{number:026}"), developer=TERMS.developer)
    with opened(home) as record, record.writing() as tx:
        open_grant(tx, WIDE)
        jobs.add(tx, job, Event("job.submitted", job.id, "test"))
        drawn_on = accounts(tx, LOANS, WIDE)
        open_accounts(tx, drawn_on)
        paid = Charge(
            job=job.id, epoch=1, scopes=tuple(each.scope for each in drawn_on),
            rho=sum(event.rho for event in events), events_json=dump(events),
        )  # fmt: skip
        budgets.reserve(tx, paid, Event("budget.reserved", job.id, "test"))
    return drawn_on[1].scope


def test_a_rulebooks_ceilings_are_published_and_each_change_is_an_event(made: Home) -> None:
    first, again = run(made, "rules"), run(made, "rules")

    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    with opened(made) as record, record.reading() as tx:
        told = log.newest(tx, limit=100, only=log.Filter(kind="budget.ruled"))
        (_, year, *_) = accounts(tx, LOANS, WIDE)
    assert len(told) == len(load_rules().rulebooks)
    assert year.balance.limit == YEAR_RHO


@pytest.mark.req("H-04")
def test_a_statement_tells_every_charge_and_that_they_add_up(made: Home) -> None:
    run(made, "rules")
    scope = charge(made, 1)

    words, body = run(made, "statement", scope), run(made, "statement", scope, "--json")

    told = json.loads(body.output)
    assert (words.exit_code, body.exit_code) == (0, 0)
    assert "discrete_laplace" in words.output
    assert told["adds_up"] is True
    assert told["name"]["zh"].startswith("数据资源 BP-LOANS 的 ")
    (line,) = told["charges"]
    assert (line["rho"], line["epsilon"], line["state"]) == ("0.055555555556", "1/3", "reserved")
    assert line["events"][0]["sensitivity"] == EVENT.sensitivity
    assert told["reserved"] == "0.055555555556"


def test_a_statement_whose_charges_do_not_make_up_its_balance_says_so(made: Home) -> None:
    run(made, "rules")
    scope = charge(made, 2)
    with opened(made) as record, record.writing() as tx:
        tx.change(budget_table.update().values(reserved=budget_table.c.reserved - 1))
        tx.note(Event("test.bent", scope, "somebody"))

    bent = run(made, "statement", scope)
    with opened(made) as record, record.writing() as tx:
        tx.change(budget_table.update().values(reserved=budget_table.c.reserved + 1))
        tx.note(Event("test.unbent", scope, "somebody"))

    assert bent.exit_code == 1
    assert "do not add up" in bent.output
    assert run(made, "statement", scope).exit_code == 0


def test_a_charge_whose_events_cost_less_than_it_does_not_add_up(made: Home) -> None:
    run(made, "rules")
    scope = charge(made, 3)
    with opened(made) as record, record.writing() as tx:
        wrong = dump((replace(EVENT, epsilon=EVENT.epsilon / 2),))
        mine = charge_table.c.job == f"J-{3:026}"
        tx.change(charge_table.update().where(mine).values(events=wrong))
        tx.note(Event("test.bent", scope, "somebody"))

    bent = run(made, "statement", scope)
    with opened(made) as record, record.writing() as tx:
        tx.change(charge_table.update().where(mine).values(events=dump((EVENT,))))
        tx.note(Event("test.unbent", scope, "somebody"))

    assert bent.exit_code == 1


@pytest.mark.req("F-12")
def test_limits_and_groups_are_set_moved_and_listed(made: Home) -> None:
    said = [
        run(made, "set", LOANS, "--epsilon", "5"),
        run(made, "lifetime", LOANS, "--epsilon", "50"),
        run(made, "group", "developer", "G-RING", "--no-limit"),
        run(made, "group", "unit", "G-PEOPLE", "--epsilon", "5/2", "--delta", "1/1000000000"),
        run(made, "move", "developer", "P-BANK", "--to", "G-RING"),
        run(made, "move", "unit", LOANS, "--to", "G-PEOPLE"),
    ]
    listed, groups = run(made, "list"), run(made, "groups")

    assert [each.exit_code for each in said] == [0] * 6, [each.output for each in said]
    assert "asset:BP-LOANS" in listed.output
    assert "developer:G-RING@" in listed.output
    assert "P-BANK" in groups.output
    assert "没有上限" in groups.output
    assert run(made, "move", "developer", "P-BANK").exit_code == 0
    assert run(made, "move", "unit", LOANS).exit_code == 0
    assert run(made, "lifetime", LOANS, "--no-limit").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("move", "developer", "P-NOBODY", "--to", "G-A"),
        ("move", "unit", "P-BANK", "--to", "G-A"),
        ("move", "developer", "P-BANK", "--to", "P-RIVAL"),
        ("move", "developer", "P-BANK", "--to", "g a"),
        ("set", LOANS, "--epsilon", "much"),
        ("set", LOANS, "--epsilon", "1/0"),
        ("group", "developer", "G-A"),
        ("group", "moon", "G-A", "--no-limit"),
    ],
)
def test_what_is_no_limit_no_group_and_no_member_is_refused(
    made: Home, words: tuple[str, ...]
) -> None:
    answer = run(made, *words)

    assert answer.exit_code in {1, 2}
    assert "Traceback" not in answer.output


@pytest.mark.req("H-04")
def test_a_preview_says_in_words_what_is_left_and_which_budget_would_refuse(
    served: Served, tmp_path: Path
) -> None:
    (tmp_path / "q.sql").write_text(SQL)
    asked = ("preview", "--scenario", SCENARIO, "--sql", f"@{tmp_path / 'q.sql'}",
             "--epsilon", "0.5", "--output", "O1")  # fmt: skip

    fits = served.run(cli_jobs.queries, "dev", *asked)
    with served.domain.record.writing() as tx:
        event = Event("budget.set", f"grant:{GRANT}", "test")
        budgets.set_limit(tx, f"grant:{GRANT}", 1, event)
    short = served.run(cli_jobs.queries, "dev", *asked)

    assert fits.exit_code == 0, fits.output
    assert "ε 0.5 = ρ 0.125" in fits.output
    assert f"授权 {GRANT} 的预算：剩余 ρ 2，本次之后剩余 ρ 1.875" in fits.output
    assert short.exit_code == 3
    assert f"the budget of grant {GRANT}: not enough" in short.output
    assert "admit.budget" in short.output


def test_what_left_in_a_month_is_shown_by_scenario_with_its_limits(made: Home) -> None:
    with opened(made) as record, record.writing() as tx:
        for number in range(2):
            name = ReleaseId(f"R-{number}")
            left = Volume(
                release=name,
                scenario=TERMS.scenario,
                developer=TERMS.developer,
                month="2026-03",
                bits=8 * 1024 * (number + 1),
            )
            volumes.add(tx, left)
            tx.note(Event("volume.booked", name, "test"))

    shown = run(made, "volume", "--month", "2026-03").output
    other = run(made, "volume", "--month", "2026-02").output

    assert [
        word for word in shown.replace("│", " ").split() if word in {"2", "3.0", "65,536.0"}
    ] == [
        "2",
        "3.0",
        "65,536.0",
        "3.0",
    ]
    assert f"{TERMS.developer}: 3.0 / 262,144.0 KiB" in shown
    assert TERMS.developer not in other
