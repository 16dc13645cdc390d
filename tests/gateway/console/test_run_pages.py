"""The pages of runs: what a job said is read by security officers alone, and each look is in the log."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.job import Job, JobId, JobState
from jobs.proof import bodies
from jobs.proof.statement import Input
from jobs.record import documents, grants, jobs
from jobs.record.database import Reading
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.record.quarantine import Quarantine
from jobs.rules.crash import crash
from jobs.steps.carry import RUNS, RunNote
from sandbox.anonymity.judge import Known, evidence_of
from sandbox.anonymity.sealed import as_json, seal
from sandbox.asset import AssetId
from sandbox.order import Ended
from tests.gateway.console.desk import Desk, form_token, words
from tests.gateway.console.town import CANARY, Town

NOTE = f"""<script>alert(1)</script>\u202e{CANARY}
Traceback (most recent call last):
  File "/job/job.py", line 1, in <module>
KeyError: '{CANARY}'
"""


JUDGED = replace(
    evidence_of(
        pa.table({"a": ["x"] * 3, "unit": [1, 2, 3]}), (), unit="unit", known=Known(quasi=())
    ),
    linked_k=4711,
)
"""Made of nothing that a column could hold."""


def read_by(tx: Reading, job: Job) -> Input:
    (view,) = grants.get(tx, job.grant).signed.grant.assets
    return Input(asset=view.asset, snapshot=view.snapshot, view=view.snapshot)


@pytest.fixture
def failed(town: Town, tmp_path: Path) -> str:
    """Let a job have failed, and have said something on the way; return its id."""
    quarantine = Quarantine(tmp_path / "quarantine")
    town.app.state.rooms = replace(town.rooms, quarantine=quarantine)
    with town.record.writing() as tx:
        held = jobs.get(tx, town.jobs["held"])
        job = replace(
            held,
            id=JobId(f"{held.id[:-1]}7"),
            state=JobState.FAILED,
            ended=Ended.FAILED,
            seconds=4.125,
            reasons=(crash(NOTE),),
        )
        jobs.add(tx, job, Event("job.failed", job.id, "system"))
        note = RunNote(
            ended=Ended.FAILED,
            seconds=4.125,
            inputs=(read_by(tx, job),),
            conformity='{"ok": 60}',
            anonymity=as_json([seal(AssetId("BP-LOANS"), JUDGED)]),
        )
        paper = Document(kind=RUNS, id=f"{job.id}.1", body=bodies.dump(note), at=tx.now)
        documents.add(tx, paper, Event("run.ended", job.id, "system"))
    quarantine.note(job.id, 1, NOTE)
    return job.id


def test_an_officer_reads_all_that_a_run_said_and_the_look_is_in_the_log_first(
    desk: Desk, failed: str
) -> None:
    officer = desk.sit("u-sec")

    listed, page = officer.get("/console/runs"), officer.get(f"/console/runs/{failed}")

    assert failed in words(listed)
    assert CANARY not in words(listed)
    assert CANARY in words(page)
    assert "4.125" in words(page)
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text
    assert desk.town.events("run.viewed") == ["u-sec"]


@pytest.mark.req("G-04")
def test_an_officer_reads_how_anonymous_the_view_was_and_its_developer_does_not(
    desk: Desk, failed: str
) -> None:
    officer = words(desk.sit("u-sec").get(f"/console/runs/{failed}?lang=en"))
    developer = words(desk.sit("u-bank-dev").get(f"/console/jobs/{failed}?lang=en"))

    assert "BP-LOANS: GB/T 42460 level 2" in officer
    assert "pseudonymised is not anonymised" in officer
    assert '"linked_k": 4711' in officer
    assert "4711" not in developer
    assert "42460" not in developer


@pytest.mark.parametrize("person", ["u-bank-dev", "u-bank-lead", "u-op", "u-audit", "u-lead"])
def test_nobody_else_reads_it(desk: Desk, failed: str, person: str) -> None:
    answers = [desk.sit(person).get(f"/console/runs{rest}") for rest in ("", f"/{failed}")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert desk.town.events("run.viewed") == []


def test_its_developer_is_told_the_kind_of_error_and_nothing_of_the_note(
    desk: Desk, failed: str
) -> None:
    page = desk.sit("u-bank-dev").get(f"/console/jobs/{failed}?lang=en")

    assert "ended with KeyError" in words(page)
    assert "< 10 s" in words(page)
    assert not {CANARY, "job.py", "4.125"} & set(words(page).split())
    assert CANARY not in page.text


def test_a_place_is_told_on_request_and_what_it_cost_is_shown(desk: Desk, failed: str) -> None:
    developer = desk.sit("u-bank-dev")
    page = developer.get(f"/console/jobs/{failed}")

    form = {"csrf": form_token(page)}
    asked = developer.post(f"/console/jobs/{failed}/place?lang=en", data=form)
    again = developer.get(f"/console/jobs/{failed}?lang=en")

    for answer in (asked, again):
        assert "none that may be named" in words(answer)
        assert "512 are left" in words(answer)
    assert desk.town.events("job.place_told") == ["u-bank-dev"]


def test_a_gateway_apart_from_the_worker_says_where_the_words_are(desk: Desk, failed: str) -> None:
    desk.town.app.state.rooms = desk.town.rooms

    page = desk.sit("u-sec").get(f"/console/runs/{failed}?lang=en")

    assert "quarantine" in words(page)
    assert CANARY not in page.text


def test_a_job_that_is_not_there_is_not_found(desk: Desk, failed: str) -> None:
    assert desk.sit("u-sec").get(f"/console/runs/{failed}X").status_code == 404
