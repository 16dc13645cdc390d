"""Rows of those who consent, and of nobody else: from the channel's counter to the files, and what a withdrawal keeps in."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.client import Job, ProblemError
from sandbox.order import ReleaseClass
from tests.line.consenting import (
    ROWS,
    SCENARIO,
    SCORES,
    Channel,
    consented_scenario,
    own,
    said,
)
from tests.line.domain import Domain, loan_book
from tests.line.reviewing import at_console, sign_at_console

pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]
CONSENTING = (17, 105, 230, 444, 613, 890, 1002, 1375)
STRANGER = 1999
PROGRAM = """\
import pandas as pd
loans = pd.read_parquet("/data/BP-LOANS/BP-LOANS.parquet")
rows = pd.DataFrame({{
    "subject": loans["loan_id"],
    "income": loans["annual_income"] // 1000,
    "grade": loans["grade"],
}})
rows.to_csv("/out/{}.csv", index=False)
"""


@pytest.fixture(scope="module")
def channel(town: Domain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Channel]:
    """Open a channel at a domain whose second scenario reads by consents."""
    opened = Channel.opened(town, tmp_path_factory.mktemp("channel"))
    with consented_scenario(town):
        yield opened


@pytest.fixture(scope="module")
def given(channel: Channel) -> dict[int, str]:
    """Have the subjects consent; return the consents' ids by loan."""
    return {unit: channel.give(unit) for unit in CONSENTING}


def submitted(domain: Domain, folder: Path) -> Job:
    """Run the job that writes all the rows that it sees, to its rest."""
    folder.mkdir()
    (folder / "main.py").write_text(PROGRAM.format(ROWS), "utf-8")
    with domain.as_("u-bank-dev") as bank:
        job = bank.submit_container(
            SCENARIO,
            image=domain.image,
            command=["python3", "/job/main.py"],
            outputs=[ROWS],
            code=folder,
        )
    return domain.rest(job.id)


@contextmanager
def stopped(domain: Domain) -> Iterator[None]:
    """Let nothing leave the domain meanwhile."""
    with domain.as_("u-sec") as officer:
        officer.stop("all", "", opinion="暂缓放行")
    try:
        yield
    finally:
        with domain.as_("u-lead") as lead:
            lead.resume(opinion="已核对")


def of(*units: int) -> list[tuple[float, str]]:
    """Return what the loan book itself says of these loans: thousands of income, and grade."""
    book = loan_book()
    incomes, grades = book.column("annual_income").to_pylist(), book.column("grade").to_pylist()
    return [(incomes[unit - 1] // 1000, grades[unit - 1]) for unit in units]


def told(content: bytes) -> list[tuple[float, str]]:
    found = csv.DictReader(io.StringIO(content.decode()))
    return [(float(row["income"]), row["grade"]) for row in found]


@pytest.mark.req("G-01")
def test_a_job_about_named_subjects_answers_about_those_who_consent_and_nobody_else(
    domain: Domain, given: dict[int, str], tmp_path: Path
) -> None:
    assert STRANGER not in given
    code, subjects = tmp_path / "code", tmp_path / "subjects.txt"
    code.mkdir()
    (code / "main.py").write_text(PROGRAM.format(SCORES), "utf-8")
    asked = (CONSENTING[3], STRANGER, CONSENTING[1], CONSENTING[5])
    subjects.write_text("\n".join(map(str, asked)), "utf-8")

    words = ["submit", "--scenario", SCENARIO, "--output", SCORES, "--image", domain.image]
    words += ["--code", str(code), "--command", "python3 /job/main.py", "--wait"]
    shown = said("job", *words, "--subjects", str(subjects), env=domain.env("u-bank-dev"))

    domain.overheard.answers.append(shown.encode())
    with domain.as_("u-bank-dev") as bank:
        [job, *_] = bank.jobs(limit=1)
    facts, files = domain.fetched(job, tmp_path / "out")
    assert job.state == "released"
    assert facts.release_class is ReleaseClass.CONSENTED
    assert facts.seats == ()
    assert [file.media_type for file in facts.files] == ["text/csv; charset=utf-8"]
    places = [line.split(",")[0] for line in files["O2.csv"].decode().splitlines()[1:]]
    assert places == ["000001", "000003", "000004"], "places among the asked: the second is unknown"
    assert told(files["O2.csv"]) == of(asked[0], asked[2], asked[3])
    keys = ("--keys", str(domain.home.trusted), "--files", str(tmp_path / "out"))
    assert "核验通过" in said("verify", str(tmp_path / "out" / f"{job.release}.json"), *keys)


@pytest.mark.req("G-03")
def test_a_withdrawal_after_both_signed_keeps_all_of_it_in_and_the_next_job_has_one_row_less(
    domain: Domain, channel: Channel, given: dict[int, str], tmp_path: Path
) -> None:
    gone, *staying = CONSENTING
    job = submitted(domain, tmp_path / "code")
    assert job.state == "held", (job.ended, job.reasons)
    with domain.as_("u-op") as operator:
        [held] = operator.held(job.id)["outputs"]
    with stopped(domain):  # so that it is signed and not yet released
        sign_at_console(domain, job.id)
        assert domain.rest(job.id, "approved", "released").state == "approved"
        channel.said("withdraw", given[gone])

    ended = domain.rest(job.id, "blocked", "released", "failed")
    assert (ended.state, ended.release) == ("blocked", None)
    assert [reason.rule for reason in ended.reasons] == ["egress.consent_withdrawn"]
    assert sorted(told(held["preview"].encode())) == sorted(of(*CONSENTING))

    again = submitted(domain, tmp_path / "again")
    signed = sign_at_console(domain, again.id)
    released = domain.rest(again.id, "released", "blocked")
    facts, files = domain.fetched(released, tmp_path / "out")
    assert facts.release_class is ReleaseClass.CONSENTED
    assert [file.digest for file in facts.files] == list(signed)
    assert sorted(told(files["O1.csv"])) == sorted(of(*staying))
    with domain.as_("u-clerk") as clerk:
        [left] = own(clerk, staying[0])
        [withdrawn] = own(clerk, gone)
    assert released.release in {use["release"] for use in left["uses"]}
    assert released.release not in {use["release"] for use in withdrawn["uses"]}
    assert withdrawn["state"] == "withdrawn"


def test_the_console_counts_the_consents_and_names_no_subject(
    domain: Domain, given: dict[int, str]
) -> None:
    with at_console(domain, "u-sec") as officer:
        page = officer.page("consents")

    assert SCENARIO in page
    assert not any(consent in page for consent in given.values())


def test_a_walk_through_all_keys_is_refused_before_anything_runs(
    domain: Domain, channel: Channel
) -> None:
    # the last of these tests: whom it asks about counts against the developer for the rest of the day
    assert channel.key.exists()
    with domain.as_("u-bank-dev") as bank, pytest.raises(ProblemError) as refused:
        bank.submit_container(
            SCENARIO,
            image=domain.image,
            command=["python3", "/job/main.py"],
            outputs=[SCORES],
            subjects=[str(unit) for unit in range(1, 41)],
        )

    assert "ask.sequential" in {reason.rule for reason in refused.value.problem.reasons}
