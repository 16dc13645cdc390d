"""The straight line from end to end, with real processes, Ray, containers and people."""

from pathlib import Path

import pytest

from gateway.cli.demo_town import EXAMPLES, SCENARIO
from gateway.cli.domain import opened
from gateway.cli.releases import trusted_keys
from gateway.client.works import sample_work
from jobs.errors import RecordBrokenError
from jobs.proof.certificate import verify
from jobs.record.audit import verify_log
from tests.line.domain import CANARY, Domain

pytestmark = pytest.mark.engine
REPORT = "open('/out/O3.md', 'w').write('# 报告\\n\\n模型的 AUC 为 0.71。\\n')"
BY_GRADE = 'SELECT state, grade, COUNT(*) AS n FROM "BP-LOANS" GROUP BY state, grade'


@pytest.mark.req("H-04")
def test_a_private_query_is_released_without_a_person_and_its_certificate_holds(
    domain: Domain, tmp_path: Path
) -> None:
    job = domain.query(BY_GRADE)

    assert job.state == "released"
    assert job.release is not None
    with domain.as_("u-bank-dev") as bank:
        bank.download(job.release, tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    certificate = files.pop(f"{job.release}.json")
    found = verify(certificate, keys=trusted_keys(domain.home.trusted), files=files)
    assert found.facts.job == job.id
    assert found.facts.privacy is not None
    assert len(files["O1.csv"].splitlines()) == 1 + 51 * 7
    with pytest.raises(RecordBrokenError):
        verify(certificate, keys=trusted_keys(domain.home.trusted), files={"O1.csv": b"other"})


def test_synthetic_rows_are_released_without_a_person_and_hold_nobodys_values(
    domain: Domain, tmp_path: Path
) -> None:
    job = domain.answered(sample_work("BP-LOANS", rows=100, epsilon="0.2", output="O4"))

    assert job.state == "released", job.reasons
    assert job.release is not None
    assert job.duration is None
    with domain.as_("u-bank-dev") as bank:
        bank.download(job.release, tmp_path)
        made_up = bank.rows(SCENARIO, "BP-LOANS", rows=5)
    content = (tmp_path / "O4.csv").read_text("utf-8")
    assert len(content.splitlines()) == 101
    assert content.splitlines()[0] == made_up.decode().splitlines()[0].replace('"', "")
    assert CANARY not in content


def test_a_declared_table_is_recomputed_by_the_gate_and_released(domain: Domain) -> None:
    job = domain.run(
        (EXAMPLES / "scorecard" / "main.py").read_text("utf-8").replace("0.55", "0.0"), "O2"
    )

    assert job.state == "released"


@pytest.mark.req("H-06")
@pytest.mark.req("H-07")
def test_a_report_waits_for_both_seats_in_their_order(domain: Domain) -> None:
    job = domain.run(REPORT)

    assert job.state == "held"
    domain.judge(job.id, "u-op", "verdict_operator")
    assert domain.rest(job.id, "held", "released").state == "held"
    domain.judge(job.id, "u-sec", "verdict_security")
    assert domain.rest(job.id, "released", "blocked").state == "released"


def test_one_seats_block_ends_it(domain: Domain) -> None:
    job = domain.run(REPORT)

    domain.judge(job.id, "u-op", "verdict_operator", vote="block")

    ended = domain.rest(job.id)
    assert ended.state == "blocked"
    assert [reason.rule for reason in ended.reasons] == ["review.blocked"]


@pytest.mark.req("H-02")
def test_raw_rows_are_blocked_and_the_refusal_quotes_none(domain: Domain) -> None:
    program = (EXAMPLES / "hostile" / "main.py").read_text("utf-8")
    control = program.replace('"/out/O3.txt", "w"', '"/tmp/x.txt", "w+"') + (
        f"    out.seek(0)\n    assert {CANARY!r} in out.read()\n"
        "open('/out/O3.md', 'w').write('done\\n')\n"
    )

    # the control shows that the program does hold the canary, and could have written it
    assert domain.run(control).state == "held"
    assert domain.run(program).state == "blocked"


def test_a_column_that_was_not_granted_is_refused_before_anything_runs(domain: Domain) -> None:
    asked = domain.query('SELECT grade, COUNT(emp_title) AS n FROM "BP-LOANS" GROUP BY grade')
    ran = domain.rest(domain.submit(REPORT, columns=["emp_title"]))

    assert (asked.state, asked.reasons[0].rule) == ("refused", "query.column")
    assert (ran.state, ran.reasons[0].rule) == ("refused", "admit.column")
    assert ran.reasons[0].place == "emp_title"


def test_the_log_is_whole_after_all_of_it(domain: Domain) -> None:
    with opened(domain.home) as record:
        report = verify_log(record, domain.home.ring("log"))

    assert report.head.size > 0


def test_another_partys_token_sees_no_job(domain: Domain) -> None:
    job = domain.submit(REPORT)

    with domain.as_("u-sec") as officer, pytest.raises(Exception, match=r"40[34]"):
        officer.job(job)
    with domain.as_("u-bank-dev") as bank:
        assert bank.job(job).scenario == SCENARIO
