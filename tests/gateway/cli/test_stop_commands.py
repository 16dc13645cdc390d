"""`shuyu stop`, `resume` and `job place` over real HTTP."""

from dataclasses import replace
from threading import Thread

import pytest
import typer
from typer.testing import Result

from gateway.cli import jobs as job_commands
from gateway.cli.stop import resume, stop
from jobs.job import JobState
from jobs.record import jobs
from jobs.record.event import Event
from jobs.rules.crash import crash
from jobs.steps import stop as steps
from sandbox.order import Ended
from tests.gateway.api.released import JOB
from tests.gateway.cli.conftest import Served

WHY = ("--reason", "疑似泄露")
app = typer.Typer()
app.command("stop")(stop)
app.command("resume")(resume)


def run(served: Served, who: str, *words: str) -> Result:
    return served.run(app, who, *words)


def confirm_soon(served: Served) -> Thread:
    """Do the worker's part: say that no container is left."""

    def confirm() -> None:
        while True:
            with served.domain.record.reading() as tx:
                waiting = steps.unconfirmed(tx)
            for halt in waiting:
                steps.confirm(served.domain.record, halt, housed=())
            if waiting:
                return

    thread = Thread(target=confirm, daemon=True)
    thread.start()
    return thread


@pytest.mark.req("K-01")
def test_one_person_stops_the_domain_and_is_told_how_long_it_took_and_another_resumes_it(
    served: Served,
) -> None:
    worker = confirm_soon(served)

    stopped = run(served, "officer", "stop", "--all", *WHY)
    worker.join()
    himself = run(served, "officer", "resume", *WHY)
    other = run(served, "chief", "resume", *WHY)

    assert (stopped.exit_code, himself.exit_code, other.exit_code) == (0, 1, 0), stopped.output
    assert "no container is left after" in stopped.output
    with served.domain.record.reading() as tx:
        assert not steps.stopped(tx)


@pytest.mark.parametrize("words", [(), ("--all", "--asset", "BP-LOANS")])
def test_a_stop_says_exactly_what_it_stops(served: Served, words: tuple[str, ...]) -> None:
    assert run(served, "officer", "stop", *words, *WHY).exit_code == 2


def test_a_developer_cannot_stop_the_domain(served: Served) -> None:
    assert run(served, "dev", "stop", "--all", *WHY).exit_code == 1


def test_a_place_is_told_with_its_price(served: Served) -> None:
    failed = replace(JOB, state=JobState.FAILED, ended=Ended.FAILED, reasons=(crash(""),))
    with served.domain.record.writing() as tx:
        jobs.add(tx, failed, Event("job.failed", failed.id, "test"))

    shown = served.run(job_commands.app, "dev", "show", failed.id)
    told = served.run(job_commands.app, "dev", "place", failed.id)

    assert "run.other" in shown.output
    assert told.exit_code == 0
    assert "none that may be named" in told.output
    assert "512 bit" in told.output
