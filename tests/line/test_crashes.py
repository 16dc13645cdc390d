"""Kill -9 of any process at any moment: after a restart every job ends in a right state."""

import time

import pytest

from gateway.cli.demo_town import SCENARIO
from gateway.cli.domain import opened
from jobs.record.audit import verify_log
from tests.line.domain import Domain, until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]
SLOW = "import time\ntime.sleep({})\nopen('/out/O3.md', 'w').write('# 报告\\n')"


def test_a_job_that_is_cancelled_stops(domain: Domain) -> None:
    job = domain.submit(SLOW.format(6))
    domain.rest(job, "running")

    with domain.as_("u-bank-dev") as bank:
        assert bank.cancel(job).state == "stopped"

    until(lambda: not list((domain.home.path / "run" / "rooms").glob("*")), seconds=5)


def test_a_killed_worker_loses_nothing_and_releases_nothing_twice(domain: Domain) -> None:
    jobs = [domain.submit(SLOW.format(wait)) for wait in (2, 0, 0)]
    domain.rest(jobs[0], "running", "quarantined", "held")

    domain.kill("gateway.cli.app work")
    until(lambda: not list((domain.home.path / "run" / "rooms").glob("*")), seconds=10)

    assert {domain.rest(job).state for job in jobs} == {"held"}


def test_a_killed_gateway_loses_nothing(domain: Domain) -> None:
    job = domain.submit(SLOW.format(1))

    domain.kill("gateway.cli.app serve")
    until(domain.answers)

    assert domain.rest(job).state == "held"


def test_a_killed_keeper_costs_one_attempt_and_no_job(domain: Domain) -> None:
    job = domain.submit(SLOW.format(3))
    domain.rest(job, "running")

    domain.kill("gateway.cli.app keep")

    assert domain.rest(job).state == "held"


def test_a_ray_that_dies_is_started_again(domain: Domain) -> None:
    domain.kill("gcs_server", "raylet/raylet")

    assert domain.rest(domain.submit(SLOW.format(0))).state == "held"


def test_while_the_engine_is_down_jobs_wait_and_the_start_up_says_what_mends_it(
    domain: Domain,
) -> None:
    settings = domain.home.path / "shuyu.toml"
    text = settings.read_text("utf-8")
    settings.write_text(
        text.replace('engine = ""', 'engine = "unix:///run/no-engine.sock"'), "utf-8"
    )
    log = domain.home.path / "run" / "up.log"
    before = log.read_text("utf-8").count("does not answer: jobs wait")
    domain.kill("gateway.cli.app keep")
    until(lambda: "images/engine.sh up" in log.read_text("utf-8"))
    until(lambda: log.read_text("utf-8").count("does not answer: jobs wait") > before)

    job = domain.submit(SLOW.format(0))
    time.sleep(3)
    with domain.as_("u-bank-dev") as bank:
        assert bank.job(job).state == "queued"

    settings.write_text(text, "utf-8")
    domain.kill("gateway.cli.app keep")
    assert domain.rest(job).state == "held"


@pytest.mark.req("E-15")
def test_a_suspended_scenario_stops_what_runs_and_what_waits_within_five_seconds(
    domain: Domain,
) -> None:
    jobs = [domain.submit(SLOW.format(7)) for _ in range(3)]
    domain.rest(jobs[0], "running")

    began = time.monotonic()
    domain.decide("u-sec", "suspend")

    assert {domain.rest(job).state for job in jobs} == {"stopped"}
    until(lambda: not list((domain.home.path / "run" / "rooms").glob("*")), seconds=5)
    assert time.monotonic() - began < 5
    refused = domain.rest(domain.submit(SLOW.format(0)))
    assert [reason.rule for reason in refused.reasons] == ["admit.suspended"]
    domain.decide("u-lead", "lift")
    with domain.as_("u-lead") as lead:
        assert lead.scenario(SCENARIO)["state"] == "active"


def test_after_all_this_the_log_is_whole(domain: Domain) -> None:
    with opened(domain.home) as record:
        verify_log(record, domain.home.ring("log"))
