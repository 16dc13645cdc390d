"""Puts a held job and its output into the record, as the worker would."""

import json
from dataclasses import replace

from gateway.governance.grants import sign
from jobs.grant import GrantId
from jobs.job import Job, JobId, JobState
from jobs.record import grants, holds, jobs
from jobs.record.event import Event
from jobs.record.holds import Hold
from sandbox.order import OutputName
from tests.gateway.api.domain import TERMS, Domain
from tests.gateway.api.released import JOB, TABLE, digest

CANARY = "CANARY-7f3a"
HELD = replace(JOB, id=JobId("J-HELD"), state=JobState.HELD)


def hold(domain: Domain, job: Job = HELD) -> Job:
    """Hold a report whose preview bears a canary."""
    one = Hold(
        job=job.id,
        epoch=job.epoch,
        output=OutputName("O3"),
        digest=digest(TABLE),
        file="O3.txt",
        media_type="text/plain",
        preview=f"AUC 0.71 {CANARY}",
        findings_json=json.dumps([{"reason": {"rule": "egress.free_text"}, "exact": None}]),
    )
    with domain.record.writing() as tx:
        jobs.add(tx, job, Event("job.submitted", job.id, "test"))
        holds.add_holds(tx, [one], Event("egress.held", job.id, "test"))
    return job


def hold_important(domain: Domain) -> Job:
    """Hold a report under another grant, which asks for two security officers."""
    grant = replace(TERMS, id=GrantId("SC-SH-2026-0001.v2"), security_officers=2)
    with domain.record.writing() as tx:
        signed = sign(grant, domain.rooms.office.key)
        grants.add(tx, signed, Event("grant.issued", grant.id, "test"))
    return hold(domain, replace(HELD, grant=grant.id))
