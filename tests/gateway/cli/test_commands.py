import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import jobs, releases, scenarios
from jobs.job import JobState
from jobs.record import jobs as kept
from jobs.record.event import Event
from tests.gateway.api.domain import IMAGE, SCENARIO, Domain
from tests.gateway.api.released import JOB, TABLE, release
from tests.gateway.api.test_jobs_api import SQL
from tests.gateway.api.test_scenarios_api import ID, plan
from tests.gateway.cli.conftest import Served

QUERY = ("submit", "--scenario", SCENARIO, "--sql", SQL, "--epsilon", "0.5", "--output", "O1")


def in_state(domain: Domain, state: JobState) -> str:
    job = replace(JOB, state=state)
    with domain.record.writing() as tx:
        kept.add(tx, job, Event("job.submitted", job.id, "test"))
    return job.id


def test_a_query_is_submitted_and_shown(served: Served) -> None:
    result = served.run(jobs.app, "dev", *QUERY)

    assert result.exit_code == 0
    assert "queued 排队中" in result.output
    listed = served.run(jobs.app, "dev", "list", "--state", "queued").output
    assert result.output.split()[0] in listed


def test_a_query_may_stand_in_a_file(served: Served, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text(SQL)
    words = [f"@{tmp_path / 'q.sql'}" if word == SQL else word for word in QUERY]

    assert "queued" in served.run(jobs.app, "dev", *words).output


def test_a_refusal_says_where_why_and_what_would_pass_in_two_languages(served: Served) -> None:
    result = served.run(jobs.app, "dev", *QUERY, "--column", "emp_title", "--wait")

    assert result.exit_code == 3
    for told in (
        "admit.column",
        "Weifang art. 18",
        "emp_title",
        "未获授权",
        "was not granted",
        "→",
    ):
        assert told in result.output


def test_a_container_job_takes_its_folder_and_command(served: Served, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print(1)\n")

    result = served.run(
        jobs.app, "dev", "submit", "--scenario", SCENARIO, "--image", IMAGE, "--code", str(tmp_path),
        "--command", "python '/job/main.py'", "--output", "O3", "--parameters", '{"seed": 1}',
    )  # fmt: skip

    assert (result.exit_code, "queued" in result.output) == (0, True)


@pytest.mark.parametrize(
    ("state", "code"),
    [("released", 0), ("refused", 3), ("blocked", 4), ("held", 5), ("failed", 6), ("stopped", 6)],
)
def test_following_a_job_ends_with_the_exit_code_of_its_state(
    served: Served, state: str, code: int
) -> None:
    job = (
        release(served.domain).job
        if state == "released"
        else in_state(served.domain, JobState(state))
    )

    result = served.run(jobs.app, "dev", "wait", job)

    assert result.exit_code == code
    assert state in result.output


def test_a_job_is_cancelled_and_shown(served: Served) -> None:
    job = served.run(jobs.app, "dev", *QUERY).output.split()[0]

    assert "stopped 已停止" in served.run(jobs.app, "dev", "cancel", job).output
    assert "stopped 已停止" in served.run(jobs.app, "dev", "show", job).output
    again = served.run(jobs.app, "dev", "cancel", job)
    assert (again.exit_code, "has ended" in again.output) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        ("submit", "--scenario", SCENARIO, "--output", "O1"),
        ("submit", "--scenario", SCENARIO, "--output", "O1", "--sql", SQL),
        (*QUERY, "--image", IMAGE),
        (*QUERY[:3], "--image", IMAGE, "--output", "O3", "--parameters", "[]"),
        (*QUERY[:3], "--sql", "@/no/such/file", "--epsilon", "1", "--output", "O1"),
    ],
)
def test_options_that_do_not_go_together_are_named(served: Served, words: tuple[str, ...]) -> None:
    assert served.run(jobs.app, "dev", *words).exit_code == 2


def test_a_wrong_token_and_a_silent_gateway_are_told_in_two_languages(served: Served) -> None:
    wrong = run_at(served.url, "nonsense")
    silent = run_at("http://127.0.0.1:9", "nonsense")

    assert (wrong.exit_code, silent.exit_code) == (1, 1)
    assert "令牌" in wrong.output
    assert "token" in wrong.output
    assert "网关无应答" in silent.output


def run_at(url: str, token: str) -> Result:
    return CliRunner(env={"SHUYU_URL": url, "SHUYU_TOKEN": token}).invoke(jobs.app, ["list"])


def test_the_gateway_and_the_token_may_stand_in_client_toml(served: Served, tmp_path: Path) -> None:
    home = CliRunner(env={"HOME": str(tmp_path), "SHUYU_URL": None, "SHUYU_TOKEN": None})
    assert "SHUYU_TOKEN" in home.invoke(jobs.app, ["list"]).output
    settings = tmp_path / ".config" / "shuyu" / "client.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'url = "{served.url}"\ntoken = "{served.domain.tokens["dev"]}"\n')

    settings.chmod(0o644)
    assert "chmod 600" in home.invoke(jobs.app, ["list"]).output
    settings.chmod(0o600)
    assert home.invoke(jobs.app, ["list"]).exit_code == 0


def test_releases_are_listed_and_downloaded(served: Served, tmp_path: Path) -> None:
    release(served.domain)

    assert "R-1" in served.run(releases.app, "dev", "list").output
    result = served.run(releases.app, "dev", "download", "R-1", "--to", str(tmp_path))

    assert result.exit_code == 0
    assert (tmp_path / "O3.csv").read_bytes() == TABLE


def test_a_plan_goes_through_its_seats_by_commands(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(json.dumps(plan()))
    sent = served.run(scenarios.app, "lead", "submit", str(file))
    digest = sent.output.split("plan: ")[1].split()[0]
    said = (ID, "--opinion", "同意", "--plan", digest)

    served.run(scenarios.app, "operator", "forward", *said)
    served.run(
        scenarios.app, "reviewer", "approve", *said, "--seat", "approve_scenario_implementer"
    )
    last = served.run(
        scenarios.app, "provider", "approve", *said, "--seat", "approve_scenario_provider"
    )

    assert f"grant: {ID}.v1" in last.output
    assert (
        "suspended" in served.run(scenarios.app, "officer", "suspend", ID, "--opinion", "查").output
    )
    assert "active" in served.run(scenarios.app, "chief", "lift", ID, "--opinion", "好").output
    assert "ended" in served.run(scenarios.app, "chief", "revoke", ID, "--opinion", "终").output
    assert ID in served.run(scenarios.app, "lead", "list").output
    assert "revoke" in served.run(scenarios.app, "lead", "show", ID).output


def test_a_plan_with_faults_is_refused_with_each_place(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({**plan(), "title_zh": "短"}))

    result = served.run(scenarios.app, "lead", "submit", str(file))

    assert result.exit_code == 3
    assert "$.title_zh" in result.output


@pytest.mark.parametrize("text", ["- a list", "{", "\x00"])
def test_a_file_that_is_no_plan_is_told_so(served: Served, tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.yaml").write_text(text)

    result = served.run(scenarios.app, "lead", "submit", str(tmp_path / "plan.yaml"))

    assert (result.exit_code, "plan.yaml" in result.output) == (1, True)
