"""What the record says that there is: of each scenario its jobs and files, of each asset its snapshots."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from jobs.grant import GrantId
from jobs.job import JobId, JobState
from jobs.proof.bodies import load, unstamp
from jobs.record import documents
from jobs.record.database import Reading
from jobs.record.erasure import paged
from jobs.record.gone import gone
from jobs.record.schema import job as job_table
from jobs.record.schema import release as release_table
from jobs.release import Release, ReleaseId
from sandbox.asset import Asset, Digest

ASSETS = "asset"
"""The kind of document that the catalogue of assets is kept as."""
_NOT_OVER = (JobState.QUARANTINED, JobState.HELD, JobState.APPROVED)


@dataclass(frozen=True, slots=True)
class Scope:
    """What one scenario has."""

    waiting: list[tuple[str, int]] = field(default_factory=list)
    """Job and epoch of every attempt that waits for its verdict."""
    jobs: set[str] = field(default_factory=set)
    files: set[Digest] = field(default_factory=set)
    codes: set[Digest] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Inside:
    """What the record says that there is."""

    scopes: dict[str, Scope] = field(default_factory=dict)
    certificates: set[Digest] = field(default_factory=set)

    @property
    def codes(self) -> set[Digest]:
        """Every code bundle of every job."""
        return {code for scope in self.scopes.values() for code in scope.codes}


def look_inside(tx: Reading) -> Inside:
    """Find out what each scenario has, from its jobs and its releases."""
    inside = Inside()
    for row in paged(tx, job_table):
        scope = inside.scopes.setdefault(scenario_of(row["grant_id"]), Scope())
        scope.jobs.add(row["id"])
        if row["state"] in _NOT_OVER:
            scope.waiting.append((row["id"], row["epoch"]))
        code = json.loads(row["body"])["work"].get("code")
        if code:
            scope.codes.add(Digest(code))
    lost = gone(tx)
    for out in every_release(tx):
        inside.certificates.add(out.certificate)
        if out.id not in lost:
            scope = inside.scopes[scenario_of(out.grant)]
            scope.files.update(file.digest for file in out.files)
    return inside


def scenario_of(grant: str) -> str:
    """Return the scenario of a grant: its id is `<scenario>.v<version>`."""
    return grant.rpartition(".v")[0] or grant


def snapshots(tx: Reading) -> dict[str, set[Digest]]:
    """Return the snapshots of every registered asset, by the asset's id."""
    found: dict[str, set[Digest]] = {}
    for paper in documents.listed(tx, ASSETS, state="registered"):
        asset = load(Asset, paper.body)
        found.setdefault(asset.id, set()).add(asset.snapshot)
    return found


def needed_files(tx: Reading, *, besides: Collection[ReleaseId]) -> set[Digest]:
    """Return the digests of the files that some release still needs, those of `besides` apart."""
    lost = gone(tx)
    found: set[Digest] = set()
    for out in every_release(tx):
        found.add(out.certificate)
        if out.id not in lost and out.id not in besides:
            found.update(file.digest for file in out.files)
    return found


def releases_of(tx: Reading, jobs: Collection[JobId]) -> list[Release]:
    """Return every release of these jobs, by id."""
    return [out for out in every_release(tx) if out.job in jobs]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeUse:
    """A code bundle, and the jobs that brought it."""

    digest: Digest
    grants: frozenset[GrantId]
    last: datetime
    """When the last of them was submitted."""


def code_uses(tx: Reading) -> list[CodeUse]:
    """Return every code bundle that some job brought, by digest."""
    uses: dict[Digest, list[tuple[GrantId, datetime]]] = {}
    for row in paged(tx, job_table):
        body = json.loads(row["body"])
        if code := body["work"].get("code"):
            use = (GrantId(row["grant_id"]), unstamp(body["submitted_at"]))
            uses.setdefault(Digest(code), []).append(use)
    return [
        CodeUse(
            digest=digest,
            grants=frozenset(grant for grant, _ in each),
            last=max(at for _, at in each),
        )
        for digest, each in sorted(uses.items())
    ]


def every_release(tx: Reading) -> Iterator[Release]:
    """Yield every release, by id."""
    for row in paged(tx, release_table):
        yield load(Release, row["body"])
