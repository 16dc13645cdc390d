"""The drill's own scenario: a signed grant without any data, under which one harmless job runs until it is stopped."""

import math
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from gateway.governance.grants import sign
from gateway.governance.office import day_of
from jobs.errors import OutOfOrderError
from jobs.grant import Grant, GrantId, PartyId, PersonId, ScenarioId
from jobs.job import ContainerWork, Job
from jobs.proof import bodies
from jobs.proof.keys import SigningKey
from jobs.record import documents, grants
from jobs.record.database import Record
from jobs.record.documents import Document
from jobs.record.event import Event
from jobs.steps import revoke, stop
from jobs.steps.facts import Clock
from jobs.steps.stop import Halt, Stopper
from jobs.steps.submit import Bundle, Submission, Submitter, submit
from sandbox.asset import ImageDigest
from sandbox.order import (
    EgressPolicy,
    Limits,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
)

REPORTS = "drill"
"""The kind of document that a drill's report is kept as."""
_PARTY, _PERSON, _OUTPUT = PartyId("drill"), PersonId("drill"), OutputName("O1")
_CODE = b"import time\n\nwhile True:\n    time.sleep(1)\n"
_LIMITS = Limits(
    seconds=120,
    memory_bytes=256 << 20,
    cpus=0.5,
    processes=16,
    output_bytes=1 << 20,
    output_files=1,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One stop of the drill, in milliseconds from the decision; nothing where it was not seen in time."""

    record: float
    """Until the record held it: from then on nothing of the job could start again or leave."""
    processes: float | None
    """Until the host saw no process in the container's control group."""
    container: float | None
    """Until the engine had no such container."""
    confirmed: int | None
    """What the log says, measured by the worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a drill has measured."""

    id: str
    by: str
    rounds: tuple[Round, ...]


def open_scenario(record: Record, image: ImageDigest, *, key: SigningKey, by: str) -> Grant:
    """Issue the grant of a new drill: it reads no asset, and ends with the drill."""
    scenario = ScenarioId(f"SC-DRILL-{os.urandom(6).hex()}")
    with record.writing() as tx:
        today = day_of(tx.now)
        grant = Grant(
            id=GrantId(f"{scenario}.v1"),
            scenario=scenario,
            version=1,
            title_zh="紧急停止演练",
            title_en="Drill of the emergency stop",
            purpose="drill",
            developer=_PARTY,
            operator=_PARTY,
            people=(_PERSON,),
            recipients=(),
            assets=(),
            outputs=(
                OutputTerms(
                    name=_OUTPUT,
                    form=OutputForm.REPORT,
                    release=ReleaseClass.REVIEWED,
                    max_rows=1,
                    max_bytes=1,
                ),
            ),
            images=(image,),
            limits=_LIMITS,
            policy=EgressPolicy(min_units=1, dominance_percent=100),
            epsilon_total=Fraction(0),
            delta=Fraction(0),
            epsilon_per_release=Fraction(0),
            max_uses=1000,
            valid_from=today,
            valid_to=today + timedelta(days=1),
            rulebook="drill",
            plan=bodies.digest_of(scenario.encode()),
            security_officers=1,
            approvals=(),
        )
        event = Event("drill.opened", grant.id, by, {"image": image})
        grants.add(tx, sign(grant, key), event)
    return grant


def submit_job(record: Record, grant: Grant, *, clock: Clock) -> Job:
    """Submit the job that does nothing until it is stopped."""
    work = ContainerWork(
        image=grant.images[0], command=("python3", "/job/main.py"), outputs=(_OUTPUT,)
    )
    asked = Submission(
        scenario=grant.scenario, work=work, bundle=Bundle(files=(("main.py", _CODE),))
    )
    by = Submitter(person=_PERSON, party=_PARTY)
    return submit(asked, by=by, record=record, clock=clock)


def stop_scenario(record: Record, grant: Grant, *, by: str) -> Halt:
    """Suspend the drill's grant, as the stop of any scenario does."""
    who = Stopper(person=PersonId(by), party=_PARTY, opinion="drill")
    with record.writing() as tx:
        stopped = revoke.suspend(tx, grant.id, actor=by)
        return stop.begin(tx, scope="scenario", target=grant.scenario, stopped=stopped, by=who)


def lift(record: Record, grant: Grant, *, by: str) -> None:
    """Let the drill's grant go on for the next round."""
    with record.writing() as tx:
        revoke.lift(tx, grant.id, actor=by)


def close_scenario(record: Record, grant: Grant, *, by: str) -> None:
    """End the drill's grant for good, and whatever is left of it."""
    with record.writing() as tx, suppress(OutOfOrderError):
        revoke.end(tx, grant.id, actor=by)


def keep(record: Record, report: Report) -> None:
    """Keep the report, with the worst of its figures in the log, in milliseconds."""
    told: dict[str, str | int] = {"rounds": len(report.rounds), **worst(report)}
    with record.writing() as tx:
        paper = Document(kind=REPORTS, id=report.id, body=bodies.dump(report), at=tx.now)
        documents.add(tx, paper, Event("drill.held", report.id, report.by, told))


def worst(report: Report) -> dict[str, int | str]:
    """Return the worst of each figure in whole milliseconds, or that one was not seen."""
    found: dict[str, int | str] = {}
    for name in ("record", "processes", "container", "confirmed"):
        figures = [getattr(each, name) for each in report.rounds]
        unseen = not figures or None in figures
        found[name] = "not seen" if unseen else math.ceil(max(figures))
    return found
