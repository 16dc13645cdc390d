"""Rulebooks: inheritance, the strictest value, validity, and what none may relax."""

import shutil
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from gateway.governance.errors import RulebookError
from gateway.governance.rulebook import Mode, load_rulebooks
from gateway.governance.rules import REGULATION, Rules
from gateway.governance.seats import IMPLEMENTER, JOINT, PROVIDER, SECTOR, Panel, needed, panel
from jobs.errors import OutOfOrderError
from tests.gateway.governance.town import loan_asset


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "rulebooks"
    folder.mkdir()
    for book in ("national", "baseline", "shanghai"):
        shutil.copy(REGULATION / "rulebooks" / f"{book}.yaml", folder)
    return folder


def write(folder: Path, rules: str, *, book: str = "town", parent: str = "shanghai") -> None:
    text = f"id: {book}\nname_zh: 某市\nstatus: in_force\ninherits: {parent}\nrules:\n{rules}"
    (folder / f"{book}.yaml").write_text(text, encoding="utf-8")


@pytest.mark.req("N-01")
def test_a_rulebook_has_what_it_says_and_what_it_inherits_each_with_its_clause(
    rules: Rules,
) -> None:
    pudong = rules.rulebooks["pudong"]

    assert pudong.texts("scenario.approvals") == ("implementing_institution", "sector_authority")
    assert pudong.clause("scenario.approvals") == "Pudong art. 11"
    assert pudong.clause("pi.routes") == "Shanghai art. 22"
    assert pudong.whole("privacy.min_cohort") == 10
    assert pudong.exact("privacy.delta") == Fraction(1, 10**6)
    assert pudong.clause("privacy.min_cohort") == ""


@pytest.mark.req("N-05")
@pytest.mark.parametrize(
    ("stated", "key", "value"),
    [
        ("  privacy.min_cohort: {v: 3, src: design}", "privacy.min_cohort", 10),
        ("  privacy.min_cohort: {v: 30, src: design}", "privacy.min_cohort", 30),
        ("  privacy.dominance_percent: {v: 99, src: design}", "privacy.dominance_percent", 80),
        ("  privacy.dominance_percent: {v: 50, src: design}", "privacy.dominance_percent", 50),
        (
            "  review.release_target_workdays: {v: 7, src: design}",
            "review.release_target_workdays",
            7,
        ),
    ],
)
def test_a_later_rulebook_may_tighten_a_bounded_value_and_never_loosen_it(
    books: Path, stated: str, key: str, value: int
) -> None:
    write(books, stated)

    assert load_rulebooks(books)["town"].whole(key) == value


@pytest.mark.req("N-05")
def test_bounded_tables_and_lists_are_combined_entry_by_entry(books: Path) -> None:
    write(
        books,
        "  incident.report_hours: {v: {central_organ: 1, other_operator: 9}, src: design}\n"
        "  disclosure.operator_items: {v: [extra], src: design}\n",
    )

    town = load_rulebooks(books)["town"]

    assert town.rule("incident.report_hours").value == {
        "critical_infrastructure": 1,
        "central_organ": 1,
        "other_operator": 4,
    }
    assert town.texts("disclosure.operator_items")[-2:] == ("actual_fees", "extra")


@pytest.mark.req("N-04")
@pytest.mark.parametrize(
    "stated",
    [
        "  scenario.deemed_approval: {v: true, src: design}",
        "  release.deemed_approval: {v: 5, src: design}",
        "  raw.export: {v: allowed, src: design}",
        "  pi.routes: {v: [anonymised, hashed], src: design}",
        "  outside_data: {v: free, src: design}",
    ],
)
def test_a_rulebook_that_relaxes_an_invariant_is_not_loaded(books: Path, stated: str) -> None:
    write(books, stated)

    with pytest.raises(RulebookError, match=stated.partition(":")[0].strip()):
        load_rulebooks(books)


@pytest.mark.parametrize("parent", ["nowhere", "town"])
def test_a_rulebook_with_no_such_parent_or_a_circle_is_not_loaded(books: Path, parent: str) -> None:
    write(books, "  x.y: {v: 1, src: design}", parent=parent)

    with pytest.raises(RulebookError):
        load_rulebooks(books)


@pytest.mark.req("N-02")
def test_a_draft_may_be_tried_in_demo_mode_only(rules: Rules) -> None:
    weifang = rules.rulebooks["weifang"]
    today = date(2026, 11, 23)

    assert [each.rule for each in weifang.standing(today, Mode.PRODUCTION)] == ["rulebook.draft"]
    assert weifang.standing(today, Mode.DEMO) == ()


@pytest.mark.req("N-02")
@pytest.mark.parametrize(
    ("today", "standing", "alarmed"),
    [
        (date(2025, 1, 31), ["rulebook.early"], False),
        (date(2026, 11, 2), [], False),
        (date(2026, 11, 3), [], True),
        (date(2027, 1, 31), [], True),
        (date(2027, 2, 1), ["rulebook.ended"], True),
    ],
)
def test_pudongs_rulebook_alarms_90_days_before_its_end_and_then_ends(
    rules: Rules, today: date, standing: list[str], *, alarmed: bool
) -> None:
    pudong = rules.rulebooks["pudong"]

    assert [each.rule for each in pudong.standing(today, Mode.DEMO)] == standing
    assert (pudong.alarm(today) is not None) == alarmed


def test_the_reference_changes_with_any_value_and_with_nothing_else(books: Path) -> None:
    before = load_rulebooks(books)
    write(books, "  privacy.min_cohort: {v: 30, src: design}")
    once = load_rulebooks(books)
    write(books, "  privacy.min_cohort: {v: 31, src: design}")
    twice = load_rulebooks(books)

    assert before["shanghai"].reference == twice["shanghai"].reference
    assert once["town"].reference != twice["town"].reference


@pytest.mark.parametrize("getter", ["whole", "exact", "text", "texts", "lists", "clause"])
def test_asking_for_a_value_that_no_book_has_is_an_error(rules: Rules, getter: str) -> None:
    with pytest.raises(RulebookError):
        getattr(rules.rulebooks["shanghai"], getter)("no.such")


@pytest.mark.req("E-04")
@pytest.mark.parametrize(
    ("book", "level", "expected"),
    [
        ("shanghai", "city", Panel.LOCAL),
        ("shanghai", "district", Panel.LOCAL),
        ("shanghai", "ministry", Panel.JOINT),
        ("pudong", "district", Panel.LOCAL),
        ("pudong", "city", Panel.JOINT),
        ("pudong", "other_district", Panel.JOINT),
        ("weifang", "other_province", Panel.JOINT),
    ],
)
def test_the_panel_follows_from_the_level_of_the_asset(
    rules: Rules, book: str, level: str, expected: Panel
) -> None:
    asset = replace(loan_asset(), authority_level=level)

    assert panel(rules.rulebooks[book], [asset]) is expected


@pytest.mark.req("E-07")
def test_pudong_asks_for_the_sector_seat_and_every_rulebook_for_each_provider(
    rules: Rules,
) -> None:
    other = replace(loan_asset(), provider="P-PROV2", authority_level="city")

    seats = needed(rules.rulebooks["pudong"], [loan_asset(), other])

    assert [(seat.action, seat.party) for seat in seats] == [
        (IMPLEMENTER, None),
        (SECTOR, None),
        (JOINT, None),
        (PROVIDER, "P-PROV"),
        (PROVIDER, "P-PROV2"),
    ]


def test_the_scenarios_machine_leads_nowhere_by_an_unknown_event(rules: Rules) -> None:
    assert rules.scenario.step("draft", "submit").target == "with_operator"
    with pytest.raises(OutOfOrderError):
        rules.scenario.step("draft", "all_seats_approve")


@pytest.mark.req("H-14")
def test_in_no_machine_does_a_timer_make_a_scenario_active(rules: Rules) -> None:
    into_active = [each for each in rules.scenario.table if each.target == "active"]

    assert into_active
    assert not {each.by for each in into_active} & {"timer", "system"}
