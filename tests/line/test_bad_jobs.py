"""Every bad thing that a job can do ends cleanly: its own state, its own reason, and nothing left behind."""

import time

import pytest

from gateway.cli.intake import enter
from gateway.client import ProblemError
from jobs.record.quarantine import Quarantine
from sandbox.asset import ImageDigest
from tests.line.domain import IMAGES, MISSING_IMAGE, Domain, until

pytestmark = pytest.mark.engine
TABLE = "open('/out/O2.csv', 'wb').write({!r})"
HEAD = b"grade,n,units,avg_rate,total_amount\n"


@pytest.mark.parametrize(
    ("program", "output", "state", "why"),
    [
        ("raise SystemExit(3)", "O3", "failed", "failed"),
        ("1/0", "O3", "failed", "failed"),
        ("while True: pass", "O3", "failed", "timed_out"),
        ("x = []\nwhile True: x.append(bytes(10_000_000))", "O3", "failed", "out_of_memory"),
        ("import os\nwhile True: os.fork()", "O3", "failed", None),
        (
            "f = open('/out/O3.txt', 'wb')\nwhile True: f.write(bytes(1_000_000))",
            "O3",
            "failed",
            None,
        ),
        ("for i in range(100_000): open(f'/out/{i}', 'w')", "O3", "failed", None),
        (
            "import sys\nfor i in range(300): sys.stdout.write('x' * 1_000_000)",
            "O3",
            "blocked",
            None,
        ),
        ("open('/out/other.txt', 'w').write('x')", "O3", "failed", "output_refused"),
        ("import os\nos.symlink('/etc/passwd', '/out/O3.txt')", "O3", "failed", None),
        ("import os\nos.mkdir('/out/O3.txt')", "O3", "failed", "output_refused"),
    ],
)
def test_a_job_that_misbehaves_ends_with_a_state(
    domain: Domain, program: str, output: str, state: str, why: str | None
) -> None:
    job = domain.run(program, output)

    assert job.state == state
    assert why is None or job.ended == why


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (TABLE.format(b""), "egress.empty"),
        (TABLE.format(HEAD), "egress.empty"),
        (TABLE.format(HEAD + b"A,\xff,1,1,1\n"), "egress.encoding"),
        (TABLE.format(HEAD + b"A,1,1,nan,1\n"), "egress.not_finite"),
        (TABLE.format(HEAD + b"A,1,1,inf,1\n"), "egress.not_finite"),
        (
            "open('/out/O2.parquet', 'wb').write(b'PAR1' + bytes(100) + b'PAR1')",
            "egress.arrow",
        ),
        ("open('/out/O2.csv', 'wb').write(b'x' * 70_000)", "egress.size"),
    ],
)
def test_a_bad_output_is_blocked_under_its_own_rule(
    domain: Domain, content: str, rule: str
) -> None:
    job = domain.run(content, "O2")

    assert job.state == "blocked"
    assert rule in {reason.rule for reason in job.reasons}
    assert all(reason.fix.zh and reason.fix.en for reason in job.reasons)


def test_an_archive_in_an_archive_is_blocked(domain: Domain) -> None:
    job = domain.run(
        "import io, zipfile\nb = b'hello'\nfor name in ('a.txt', 'b.zip'):\n"
        "    f = io.BytesIO()\n    z = zipfile.ZipFile(f, 'w')\n    z.writestr(name, b)\n    z.close()\n"
        "    b = f.getvalue()\nopen('/out/O3.zip', 'wb').write(b)"
    )

    assert job.state == "blocked"


def test_an_output_that_was_not_declared_is_refused(domain: Domain) -> None:
    job = domain.rest(domain.submit("pass", "O9"))

    assert [reason.rule for reason in job.reasons] == ["admit.output"]


@pytest.mark.parametrize(
    ("image", "rule"), [("python:3.11", "admit.image"), (MISSING_IMAGE, "admit.image_missing")]
)
def test_an_image_by_tag_or_not_imported_is_refused(domain: Domain, image: str, rule: str) -> None:
    job = domain.rest(domain.submit("pass", image=image))

    assert job.state == "refused"
    assert [reason.rule for reason in job.reasons] == [rule]


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELEC state", "line 1"),
        ('SELECT MAX(loan_amount) AS m FROM "BP-LOANS"', "line 1, column 8"),
        ("SELECT * FROM read_parquet('/etc/passwd')", "line 1"),
    ],
)
def test_sql_outside_the_grammar_is_refused_with_its_place(
    domain: Domain, sql: str, place: str
) -> None:
    job = domain.query(sql)

    assert job.state == "refused"
    assert job.reasons[0].place.startswith(place)
    assert job.reasons[0].fix.zh


def test_an_exhausted_budget_refuses_and_charges_nothing(domain: Domain) -> None:
    with domain.as_("u-bank-dev") as bank:
        left = {each.scope: each.left for each in bank.budgets()}
    job = domain.query('SELECT COUNT(*) AS n FROM "BP-LOANS"', epsilon="2.5")

    assert job.state == "refused"
    with domain.as_("u-bank-dev") as bank:
        assert {each.scope: each.left for each in bank.budgets()} == left


@pytest.mark.parametrize("token", ["shuyu_x_y", "", "Bearer"])
def test_a_wrong_token_opens_nothing(domain: Domain, token: str) -> None:
    domain.tokens["u-nobody"] = token or "none"

    with domain.as_("u-nobody") as nobody, pytest.raises(ProblemError, match="401"):
        nobody.jobs()


def test_an_unknown_scenario_is_not_found(domain: Domain) -> None:
    with domain.as_("u-bank-dev") as bank, pytest.raises(ProblemError, match="404"):
        bank.submit_query("SC-SH-2026-9999", "SELECT 1", epsilon="0.1", output="O1")


def test_nothing_is_left_behind(domain: Domain) -> None:
    until(lambda: not list((domain.home.path / "run" / "rooms").glob("*")), seconds=10)
    until(lambda: not Quarantine(domain.home.path / "quarantine").attempts())


def test_what_a_job_left_waits_while_the_reader_is_of_another_version(domain: Domain) -> None:
    def was_tried() -> bool:
        return any(b"failed: ImageError" in text for text in domain.told().values())

    enter(domain.home, ImageDigest(IMAGES["python"]), name="reader")
    try:
        job = domain.submit("open('/out/O3.txt', 'w').write('Done.\\n')", "O3")
        until(was_tried)
        time.sleep(5)  # in which a second try would have given it up
        waits = domain.rest(job, "quarantined", "blocked", "held").state
    finally:
        enter(domain.home, ImageDigest(IMAGES["reader"]), name="reader")

    assert waits == "quarantined"
    assert domain.rest(job).state == "held"
