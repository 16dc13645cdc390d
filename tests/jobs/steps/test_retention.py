import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.backup.making import backup
from jobs.errors import NotFoundError
from jobs.grant import GrantId
from jobs.job import JobId
from jobs.proof.bodies import digest_of
from jobs.record import findings, holds, log
from jobs.record.inside import every_release
from jobs.record.log import Filter
from jobs.steps import retention, revoke
from jobs.steps.facts import CHINA
from jobs.steps.retention import Kept, RetentionFloorError, Terms, last_day, set_terms, sweep
from jobs.steps.sweep import keep_to_terms
from tests.jobs.record.estate import LOANS, Estate, canary, report

NO_FINDING = dict.fromkeys(Kept, 0)
TIMES = st.integers(1_577_836_800, 2_208_988_800).map(lambda at: datetime.fromtimestamp(at, UTC))
"""From 2020 to 2040."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    made = Estate.made(tmp_path_factory.mktemp("estate") / "home")
    for path in (made.reviewed().job, made.held("SC-2").id):
        note = made.home / "quarantine" / f"{path}.1.note"
        at = made.town.clock().timestamp()
        os.utime(note, (at, at))
    made.town.record.close()
    return made


@pytest.fixture
def estate(template: Estate, tmp_path: Path) -> Iterator[Estate]:
    made = template.copied(tmp_path / "home")
    for path in made.town.hands.quarantine.notes():
        at = made.town.clock().timestamp()
        os.utime(path, (at, at))
    yield made
    made.town.record.close()


def end(estate: Estate, scenario: str = "SC-1") -> None:
    with estate.town.record.writing() as tx:
        revoke.end(tx, GrantId(f"{scenario}.v1"), actor="u-lead")


def later(estate: Estate, day: date) -> None:
    """Set the clock to noon of a day in China."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=CHINA)
    estate.town.clock.now = noon.astimezone(UTC)


def swept(estate: Estate) -> dict[Kept, int]:
    return dict(sweep(estate.town.hands).counts)


@given(since=TIMES, months=st.integers(6, 240))
def test_a_last_day_is_so_many_months_on_and_never_a_day_early(
    since: datetime, months: int
) -> None:
    day, until = since.astimezone(CHINA).date(), last_day(since, months)

    whole = (until.year - day.year) * 12 + until.month - day.month
    assert whole == months or (whole == months + 1 and until.day == 1)
    assert whole > months or until.day == day.day


@given(since=TIMES, ended=st.none() | TIMES, kept=st.sampled_from(Kept), more=st.integers(0, 60))
def test_nothing_is_due_before_the_laws_floor_whatever_a_rulebook_says(
    since: datetime, ended: datetime | None, kept: Kept, more: int
) -> None:
    terms = Terms(log_months=6 + more, pi_years=3 + more // 12, exit_months=6 + more)

    until = terms.last_day(kept, since, ended)

    assert until >= last_day(since, Terms().months(kept))
    assert ended is None or until >= last_day(ended, 6)


@pytest.mark.req("J-04")
@pytest.mark.parametrize("less", [{"log_months": 3}, {"pi_years": 2}, {"exit_months": 5}])
def test_a_time_under_the_floor_cannot_even_be_written_down(less: dict[str, int]) -> None:
    with pytest.raises(RetentionFloorError, match="E_RETENTION_FLOOR"):
        Terms(**less)


@pytest.mark.req("J-04")
def test_what_a_run_said_is_kept_six_months_to_the_day_and_then_destroyed(estate: Estate) -> None:
    until = last_day(estate.town.clock(), 6)

    later(estate, until)
    assert swept(estate)[Kept.NOTES] == 0
    later(estate, until + timedelta(days=1))
    assert swept(estate)[Kept.NOTES] == 2

    assert estate.town.hands.quarantine.notes() == []
    [entry] = _entries(estate)
    assert entry["notes"] == 2


@pytest.mark.req("M-04")
def test_logs_of_a_scenario_that_ended_are_kept_from_its_end(estate: Estate) -> None:
    written = estate.town.clock()
    later(estate, last_day(written, 5))
    end(estate)
    ended = estate.town.clock()

    later(estate, last_day(written, 6) + timedelta(days=1))
    assert swept(estate)[Kept.NOTES] == 1  # the other scenario's
    later(estate, last_day(ended, 6))
    assert swept(estate)[Kept.NOTES] == 0
    later(estate, last_day(ended, 6) + timedelta(days=1))
    assert swept(estate)[Kept.NOTES] == 1


def test_previews_go_after_six_months_and_findings_after_three_years(estate: Estate) -> None:
    at = estate.town.clock()
    later(estate, last_day(at, 6) + timedelta(days=1))

    assert swept(estate)[Kept.PREVIEWS] == 1  # the other job still waits for its reviewers
    later(estate, last_day(at, 36))
    assert swept(estate)[Kept.FINDINGS] == 0
    later(estate, last_day(at, 36) + timedelta(days=1))
    assert swept(estate)[Kept.FINDINGS] == 1

    job = _released(estate)
    with estate.town.record.reading() as tx:
        [shown] = holds.holds(tx, job)
        [row] = findings.of_job(tx, job)
    assert (shown.preview, shown.findings_json, row.findings_json) == ("", "[]", "[]")
    assert (shown.digest, row.verdict) == (digest_of(report("SC-1")), "held")


def test_released_bytes_and_code_go_three_years_after_their_grant_ended(
    estate: Estate, tmp_path: Path
) -> None:
    digest = digest_of(report("SC-1"))
    later(estate, last_day(estate.town.clock(), 60))
    assert swept(estate)[Kept.SHELF] == 0  # its grant is live
    end(estate)
    end(estate, "SC-2")
    until = last_day(estate.town.clock(), 36)

    later(estate, until)
    assert swept(estate)[Kept.SHELF] == 0
    later(estate, until + timedelta(days=1))
    done = swept(estate)

    assert (done[Kept.SHELF], done[Kept.CODE]) == (1, 1)
    assert estate.shelf.size(digest) is None
    assert swept(estate) == NO_FINDING
    backup(estate.source, tmp_path / "B")  # what is gone is no longer looked for


@pytest.mark.req("J-04")
@pytest.mark.parametrize("name", ["SC-1", LOANS])
def test_a_legal_hold_keeps_everything_of_a_scenario_or_an_asset(estate: Estate, name: str) -> None:
    with estate.town.record.writing() as tx:
        retention.hold(tx, name, reason="a court asks", actor="u-adm")
    end(estate)
    later(estate, last_day(estate.town.clock(), 120))

    done = swept(estate)

    assert (done[Kept.SHELF], done[Kept.FINDINGS], done[Kept.NOTES]) == (0, 0, 1)
    assert estate.found(canary(LOANS))
    with estate.town.record.writing() as tx:
        retention.lift(tx, name, reason="the court is done", actor="u-adm")
    assert swept(estate)[Kept.SHELF] == 1


def test_lifting_what_nobody_holds_is_told(estate: Estate) -> None:
    with estate.town.record.writing() as tx, pytest.raises(NotFoundError):
        retention.lift(tx, "SC-1", reason="none", actor="u-adm")


def test_a_rulebook_that_asks_for_more_is_kept_to(estate: Estate) -> None:
    with estate.town.record.writing() as tx:
        set_terms(tx, Terms(log_months=12), actor="u-lead")
    at = estate.town.clock()

    later(estate, last_day(at, 12))
    assert swept(estate)[Kept.NOTES] == 0
    later(estate, last_day(at, 12) + timedelta(days=1))
    assert swept(estate)[Kept.NOTES] == 2


def test_a_sweep_with_nothing_due_leaves_no_line_and_the_log_only_grows(estate: Estate) -> None:
    size = estate.town.log_size()

    assert swept(estate) == NO_FINDING

    assert estate.town.log_size() == size


def test_the_worker_sweeps_once_a_day(estate: Estate) -> None:
    later(estate, last_day(estate.town.clock(), 6) + timedelta(days=1))

    assert keep_to_terms(estate.town.hands) > 0
    assert keep_to_terms(estate.town.hands) == 0
    assert len(_entries(estate)) == 1


def _entries(estate: Estate) -> list[dict[str, str | int]]:
    with estate.town.record.reading() as tx:
        found = log.entries(tx, only=Filter(kind="retention.swept"))
    return [dict(each.event.facts) for each in found]


def _released(estate: Estate) -> JobId:
    with estate.town.record.reading() as tx:
        [out] = every_release(tx)
    return out.job
