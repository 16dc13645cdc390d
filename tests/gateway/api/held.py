"""Puts a held job and its output into the record, as the worker would."""

import json
from dataclasses import replace

from jobs.job import Job, JobId, JobState
from jobs.record import holds, jobs
from jobs.record.event import Event
from jobs.record.holds import Hold
from sandbox.order import OutputName
from tests.gateway.api.domain import Domain
from tests.gateway.api.released import JOB, TABLE, digest

CANARY = "CANARY-7f3a"
HELD = replace(JOB, id=JobId("J-HELD"), state=JobState.HELD)


def hold(domain: Domain) -> Job:
    """Hold a report whose preview bears a canary."""
    one = Hold(
        job=HELD.id,
        epoch=HELD.epoch,
        output=OutputName("O3"),
        digest=digest(TABLE),
        file="O3.txt",
        media_type="text/plain",
        preview=f"AUC 0.71 {CANARY}",
        findings_json=json.dumps([{"reason": {"rule": "egress.free_text"}, "exact": None}]),
    )
    with domain.record.writing() as tx:
        jobs.add(tx, HELD, Event("job.submitted", HELD.id, "test"))
        holds.add_holds(tx, [one], Event("egress.held", HELD.id, "test"))
    return HELD
