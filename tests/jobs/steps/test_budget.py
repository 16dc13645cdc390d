"""Years, groups and ceilings of the privacy budgets, as jobs meet them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from jobs.grant import Grant, GrantId, PartyId, PersonId, ScenarioId
from jobs.job import Job, JobState
from jobs.record import budgets, jobs
from jobs.record.budgets import Balance, Charge
from jobs.record.event import Event
from jobs.record.schema import budget as budget_table
from jobs.record.schema import document
from jobs.rules.scopes import Grouping
from jobs.steps import budget
from jobs.steps.accounts import accounts
from jobs.steps.allowances import LIMIT, YearRule, group_of, keep_rule
from jobs.steps.budget import Moved
from jobs.steps.submit import Submitter
from sandbox.asset import AssetId
from sandbox.privacy.accounting import PICO
from tests.jobs.record.examples import job as example
from tests.jobs.steps.town import DEVELOPER, GRANT, LOANS, QUERY, Town, under

COST = 55_555_555_556
"""The price of `QUERY` in pico-rho: 1/3 squared over two, rounded up."""
YEAR, NEXT = "asset:LOANS@2026", "asset:LOANS@2027"
OWN = "developer:acme@2026"
NEW_YEAR = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
"""Midnight in China."""
WIDE = under("SC-2", valid_to=date(2028, 12, 31), epsilon_total=Fraction(30))
"""A grant of two years that bears many queries."""
RIVAL = Submitter(person=PersonId("P-rival"), party=PartyId("rival"))
RIVALS = under("SC-3", developer=RIVAL.party, people=(RIVAL.person,), epsilon_total=Fraction(30))


def ask(town: Town, grant: Grant = WIDE, by: Submitter = DEVELOPER) -> Job:
    """Submit the usual query under a grant, and start it where it was queued."""
    job = town.submit(QUERY, scenario=ScenarioId(grant.scenario), by=by)
    return town.start(job)[0] if job.state is JobState.QUEUED else job


def short_of(job: Job) -> list[str]:
    """Return the budgets for which the job was refused."""
    assert {reason.rule for reason in job.reasons} == {"admit.budget"}
    return [reason.place for reason in job.reasons]


def move(town: Town, grouping: Grouping, member: str, to: str) -> Moved:
    with town.record.writing() as tx:
        return budget.move(tx, grouping, member, to=to, actor="P-adm")


@pytest.mark.req("H-04")
def test_a_charge_falls_in_full_on_the_asset_its_year_the_party_and_the_grant(
    either: Town,
) -> None:
    either.issue(WIDE)

    ask(either)

    for scope in ("asset:LOANS", YEAR, OWN, "grant:SC-2.v1"):
        assert either.balance(scope).reserved == COST, scope
    assert not either.balance("asset:LOANS").limited
    assert not either.balance(OWN).limited
    assert "budget.opened" in either.kinds(YEAR)


def test_a_year_opens_by_itself_at_chinas_midnight_and_carries_nothing_over(
    either: Town,
) -> None:
    either.issue(WIDE)
    either.clock.now = NEW_YEAR - timedelta(seconds=1)
    ask(either)

    either.clock.now = NEW_YEAR
    ask(either)

    old, new = either.balance(YEAR), either.balance(NEXT)
    assert (old.reserved, new.reserved) == (COST, COST)
    assert new.limit == old.limit
    assert either.balance("asset:LOANS").reserved == 2 * COST


def test_a_job_that_was_lost_at_the_turn_of_the_year_is_paid_for(town: Town) -> None:
    town.issue(WIDE)
    town.clock.now = NEW_YEAR - timedelta(seconds=1)
    running = ask(town)
    town.clock.now = NEW_YEAR

    with town.record.writing() as tx:
        lost = running.to(JobState.QUEUED)
        jobs.move(tx, lost, was=running, event=Event("job.queued", lost.id, "system"))
    again, order = town.start(lost)

    assert order is not None
    assert again.epoch == 2
    assert town.balance(NEXT) == Balance()


@pytest.mark.req("H-04")
def test_without_any_ceiling_nothing_is_charged(town: Town) -> None:
    with town.record.reading() as tx:
        found = {each.scope: each.balance.left for each in accounts(tx, AssetId("TAXES"), GRANT)}
        unknown = replace(GRANT, id=GrantId("SC-9.v1"))
        (*_, granted) = accounts(tx, LOANS.id, unknown)

    assert found["asset:TAXES@2026"] == 0
    assert granted.balance == Balance()


def test_a_lowered_rulebook_ceiling_stops_charges_at_once_and_a_raised_one_waits_for_people(
    either: Town,
) -> None:
    either.issue(WIDE)
    ask(either)
    book = GRANT.rulebook.partition("@")[0]
    event = Event("budget.ruled", book, "P-adm")

    with either.record.writing() as tx:
        keep_rule(tx, book, YearRule(rulebook="b@1", asset=2 * COST), event)
    second, third = ask(either), ask(either)
    with either.record.writing() as tx:
        keep_rule(tx, book, YearRule(rulebook="b@2", asset=PICO), event)

    assert second.state is JobState.RUNNING
    assert short_of(third) == [YEAR]
    assert either.balance(YEAR).limit == 2 * COST
    assert either.kinds(YEAR).count("budget.lowered") == 1
    assert short_of(ask(either)) == [YEAR]


def test_a_rulebooks_ceiling_holds_groups_too(town: Town) -> None:
    town.issue(WIDE)
    rule = YearRule(rulebook="b@1", asset=PICO, developer=COST)
    book = GRANT.rulebook.partition("@")[0]
    with town.record.writing() as tx:
        keep_rule(tx, book, rule, Event("budget.ruled", book, "P-adm"))

    ask(town)

    assert short_of(ask(town)) == [OWN]


def test_the_institutions_limit_counts_for_this_year_and_every_next(town: Town) -> None:
    town.issue(WIDE)
    ask(town)

    with town.record.writing() as tx:
        rho = budget.set_asset(
            tx, LOANS.id, epsilon=Fraction(1), delta=Fraction(1, 10**6), actor="P-adm"
        )
    stopped = ask(town)
    town.clock.now = NEW_YEAR
    second_year = ask(town)

    assert rho < COST
    assert town.balance(YEAR) == Balance(limit=rho, reserved=COST)
    assert short_of(stopped) == [YEAR]
    assert short_of(second_year) == [NEXT]


def test_a_lifetime_limit_counts_what_every_year_spent(town: Town) -> None:
    town.issue(WIDE)
    ask(town)
    town.clock.now = NEW_YEAR
    with town.record.writing() as tx:
        budget.set_lifetime(tx, LOANS.id, COST, actor="P-adm")

    refused = ask(town)
    with town.record.writing() as tx:
        budget.set_lifetime(tx, LOANS.id, None, actor="P-adm")

    assert short_of(refused) == ["asset:LOANS"]
    assert ask(town).state is JobState.RUNNING


def old_record(town: Town, *, asset_limit: int) -> None:
    """Leave a charge as a record of before there were years has it."""
    with town.record.writing() as tx:
        jobs.add(tx, example(1), Event("job.submitted", "J-1", "test"))
        tx.change(budget_table.delete())
        for scope, limit in (("asset:LOANS", asset_limit), ("grant:SC-1.v1", PICO)):
            budgets.set_limit(tx, scope, limit, Event("budget.set", scope, "test"))
        charge = Charge(
            job=example(1).id, epoch=1, scopes=("asset:LOANS", "grant:SC-1.v1"), rho=COST,
            events_json="[]",
        )  # fmt: skip
        budgets.reserve(tx, charge, Event("budget.reserved", "J-1", "test"))


def test_an_old_records_charges_of_this_year_count_in_its_year_and_for_its_party(
    either: Town,
) -> None:
    old_record(either, asset_limit=3 * COST)
    either.issue(WIDE)
    budgets_before = either.balance("asset:LOANS")

    ask(either)

    assert budgets_before == Balance(limit=3 * COST, reserved=COST)
    assert either.balance(YEAR).reserved == either.balance(OWN).reserved == 2 * COST
    with either.record.writing() as tx:
        budgets.commit(tx, example(1).id, 1, Event("budget.spent", "J-1", "test"))
    for scope in ("asset:LOANS", YEAR, OWN):
        assert (either.balance(scope).reserved, either.balance(scope).spent) == (COST, COST)


def test_an_old_records_one_limit_bounds_its_year_where_nothing_else_does(town: Town) -> None:
    old_record(town, asset_limit=2 * COST)
    with town.record.writing() as tx:
        tx.change(document.delete().where(document.c.kind == LIMIT))
        tx.note(Event("test.made", "old", "test"))
    with town.record.reading() as tx:
        found = {each.scope: each.balance for each in accounts(tx, LOANS.id, GRANT)}

    assert found[YEAR] == Balance(limit=2 * COST, reserved=COST)


@pytest.mark.req("H-04")
@pytest.mark.req("F-12")
def test_parties_that_could_pool_their_answers_share_a_budget(either: Town) -> None:
    either.issue(WIDE)
    either.issue(RIVALS)
    for party in ("acme", "rival"):
        move(either, Grouping.DEVELOPER, party, "G-RING")
    with either.record.writing() as tx:
        budget.set_group(tx, Grouping.DEVELOPER, "G-RING", 2 * COST, actor="P-adm")

    states = [ask(either).state, ask(either, RIVALS, RIVAL).state]
    third = ask(either)

    assert states == [JobState.RUNNING, JobState.RUNNING]
    assert short_of(third) == ["developer:G-RING@2026"]
    assert either.balance(OWN).reserved == 0


@pytest.mark.req("F-12")
def test_a_party_that_moves_takes_its_years_spending_along_and_leaves_it_behind_too(
    either: Town,
) -> None:
    either.issue(WIDE)
    ask(either)

    moved = move(either, Grouping.DEVELOPER, "acme", "G-RING")
    ask(either)
    home = move(either, Grouping.DEVELOPER, "acme", "")

    assert moved == Moved(scope="developer:G-RING@2026", rho=COST)
    assert home == Moved(scope=OWN, rho=COST)
    assert either.balance("developer:G-RING@2026").reserved == 2 * COST
    assert either.balance(OWN).reserved == 2 * COST
    assert either.kinds("developer:acme") == ["budget.joined", "budget.left"]


@pytest.mark.req("F-12")
def test_coming_and_going_counts_each_charge_once_and_gives_none_back(town: Town) -> None:
    town.issue(WIDE)
    job = ask(town)

    for group in ("G-A", "G-B", "G-A", "", "G-B"):
        move(town, Grouping.DEVELOPER, "acme", group)
    with town.record.writing() as tx:
        budgets.commit(tx, job.id, 1, Event("budget.spent", job.id, "test"))

    for scope in ("developer:G-A@2026", "developer:G-B@2026", OWN):
        now = town.balance(scope)
        assert (now.reserved, now.spent) == (0, COST), scope


def test_what_was_spent_last_year_stays_in_last_year(town: Town) -> None:
    town.issue(WIDE)
    ask(town)
    town.clock.now = NEW_YEAR

    moved = move(town, Grouping.DEVELOPER, "acme", "G-RING")

    assert moved == Moved(scope="developer:G-RING@2027", rho=0)


def test_a_group_that_a_newcomer_overdraws_charges_nothing_more(town: Town) -> None:
    town.issue(WIDE)
    ask(town)
    with town.record.writing() as tx:
        budget.set_group(tx, Grouping.DEVELOPER, "G-RING", COST // 2, actor="P-adm")

    move(town, Grouping.DEVELOPER, "acme", "G-RING")

    assert town.balance("developer:G-RING@2026").left == 0
    assert short_of(ask(town)) == ["developer:G-RING@2026"]


@pytest.mark.req("H-04")
def test_assets_about_the_same_people_share_a_budget_that_remembers_both(either: Town) -> None:
    either.issue(WIDE)
    ask(either)
    with either.record.writing() as tx:
        budget.set_group(tx, Grouping.UNIT, "G-PEOPLE", 2 * COST, actor="P-adm")

    moved = move(either, Grouping.UNIT, "LOANS", "G-PEOPLE")
    second, third = ask(either), ask(either)

    assert moved == Moved(scope="unit:G-PEOPLE@2026", rho=COST)
    assert second.state is JobState.RUNNING
    assert short_of(third) == ["unit:G-PEOPLE@2026"]


def test_an_asset_that_leaves_its_group_leaves_its_charges_there(town: Town) -> None:
    town.issue(WIDE)
    move(town, Grouping.UNIT, "LOANS", "G-PEOPLE")
    ask(town)

    left = move(town, Grouping.UNIT, "LOANS", "")
    ask(town)

    assert left == Moved(scope="", rho=0)
    assert town.balance("unit:G-PEOPLE@2026").reserved == COST
    with town.record.reading() as tx:
        assert group_of(tx, Grouping.UNIT, "LOANS") is None


def test_a_member_is_in_one_group_at_a_time(town: Town) -> None:
    for group in ("G-A", "G-B", "G-B"):
        move(town, Grouping.UNIT, "LOANS", group)

    with town.record.reading() as tx:
        found = group_of(tx, Grouping.UNIT, "LOANS")

    assert found is not None
    assert (found.name, found.members) == ("G-B", ("LOANS",))
