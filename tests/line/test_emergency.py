"""The emergency stop over real processes: everything ends in 5 s, whoever of them is dead."""

import json
import subprocess
import sys
import time

import pytest

from gateway.cli.demo_town import SCENARIO
from gateway.cli.domain import opened
from gateway.client import ProblemError, Stop
from jobs.grant import GrantState
from jobs.record import grants
from jobs.record.audit import verify_log
from tests.line.domain import Domain, until
from tests.line.test_crashes import SLOW

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]


def stop(domain: Domain, scope: str, target: str = "") -> Stop:
    with domain.as_("u-sec") as officer:
        return officer.stop(scope, target, opinion="疑似泄露")


def measured(domain: Domain, raised: Stop) -> int:
    """Return the milliseconds that the log has for a stop, once it has them."""
    with domain.as_("u-sec") as officer:
        until(lambda: officer.stopped(raised.id).milliseconds is not None, seconds=30)
        took = officer.stopped(raised.id).milliseconds
    assert took is not None
    return took


def resume(domain: Domain) -> None:
    with domain.as_("u-lead") as lead:
        lead.resume(opinion="已排除")


def on_shelf(domain: Domain) -> set[str]:
    return {path.name for path in (domain.home.path / "shelf").rglob("*")}


def is_empty(domain: Domain) -> bool:
    return not list((domain.home.path / "run" / "rooms").glob("*"))


@pytest.mark.req("E-15")
@pytest.mark.req("K-01")
def test_a_stop_of_the_domain_ends_every_container_in_five_seconds_and_lets_nothing_leave(
    domain: Domain,
) -> None:
    waits = domain.run(SLOW.format(0))
    assert waits.state == "held", waits
    jobs = [domain.submit(SLOW.format(7)) for _ in range(3)]
    domain.rest(jobs[0], "running")
    time.sleep(0.5)

    raised = stop(domain, "all")

    assert {domain.rest(job).state for job in jobs} == {"stopped"}
    assert raised.stopped == 3
    assert measured(domain, raised) < 5000
    assert is_empty(domain)
    refused = domain.rest(domain.submit(SLOW.format(0)))
    assert [reason.rule for reason in refused.reasons] == ["admit.stopped"]
    with domain.as_("u-sec") as officer, pytest.raises(ProblemError):
        officer.resume(opinion="我自己恢复")
    domain.judge(waits.id, "u-op", "verdict_operator")
    domain.judge(waits.id, "u-sec", "verdict_security")
    time.sleep(1)
    with domain.as_("u-bank-dev") as bank:
        assert bank.job(waits.id).state == "approved"
    resume(domain)
    released = domain.rest(waits.id, "released")
    with domain.as_("u-bank-dev") as bank:
        assert bank.download(released.release or "", domain.home.path / "run" / "got")


@pytest.mark.req("K-01")
def test_a_stop_of_an_asset_ends_what_reads_it(domain: Domain) -> None:
    job = domain.submit(SLOW.format(7))
    domain.rest(job, "running")
    time.sleep(0.5)

    raised = stop(domain, "asset", "BP-LOANS")

    assert domain.rest(job).state == "stopped"
    assert measured(domain, raised) < 5000
    with domain.as_("u-lead") as lead:
        assert lead.scenario(SCENARIO)["state"] == "suspended"
    domain.decide("u-lead", "lift")


def test_with_a_dead_worker_the_record_is_right_at_once_and_the_containers_end_all_the_same(
    domain: Domain,
) -> None:
    job = domain.submit(SLOW.format(7))
    domain.rest(job, "running")
    time.sleep(0.5)
    domain.kill("gateway.cli.app work")

    raised = stop(domain, "all")

    with domain.as_("u-bank-dev") as bank:
        assert bank.job(job).state == "stopped"
    until(lambda: is_empty(domain), seconds=8)
    measured(domain, raised)
    resume(domain)


def test_with_a_dead_keeper_its_successor_removes_the_containers_first(domain: Domain) -> None:
    job = domain.submit(SLOW.format(7))
    domain.rest(job, "running")
    time.sleep(0.5)
    domain.kill("gateway.cli.app keep")

    raised = stop(domain, "all")

    assert domain.rest(job).state == "stopped"
    until(lambda: is_empty(domain), seconds=10)
    measured(domain, raised)
    resume(domain)


@pytest.mark.req("K-03")
def test_a_drill_measures_the_stop_and_leaves_nothing_but_its_report(domain: Domain) -> None:
    busy = domain.submit(SLOW.format(3))
    file = domain.home.path / "run" / "drill.json"
    shelf = on_shelf(domain)
    command = [sys.executable, "-m", "gateway.cli.app", "drill", "--rounds", "2"]
    command += ["--report", str(file), "--home", str(domain.home.path)]

    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr + done.stdout
    rounds = json.loads(file.read_text("utf-8"))["rounds"]
    assert len(rounds) == 2
    for each in rounds:
        assert each["processes"] - each["record"] < 1000
        assert each["container"] < 5000
        assert each["confirmed"] < 5000
    assert domain.rest(busy).state == "held"
    until(lambda: is_empty(domain))
    assert on_shelf(domain) == shelf
    with opened(domain.home) as record, record.reading() as tx:
        live = [each for each in grants.listed(tx) if each.state is GrantState.LIVE]
    assert {each.signed.grant.scenario for each in live} == {SCENARIO}


def test_with_a_dead_ray_the_keeper_still_ends_the_containers(domain: Domain) -> None:
    job = domain.submit(SLOW.format(7))
    domain.rest(job, "running")
    time.sleep(0.5)
    domain.kill("gcs_server", "raylet/raylet")

    raised = stop(domain, "all")

    assert domain.rest(job).state == "stopped"
    until(lambda: is_empty(domain), seconds=8)
    measured(domain, raised)
    resume(domain)


def test_after_all_this_the_log_is_whole(domain: Domain) -> None:
    with opened(domain.home) as record:
        verify_log(record, domain.home.ring("log"))
