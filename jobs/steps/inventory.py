"""Finds every copy of an asset, or of what a scenario made: the inventory that a destruction goes by (M-03)."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from jobs.backup.agekeys import BackupKeys, scope_of_asset, scope_of_scenario
from jobs.backup.making import hexed
from jobs.backup.sealing import digest_file
from jobs.grant import GrantId, ScenarioId
from jobs.job import JobId
from jobs.proof.bodies import digest_of, load
from jobs.proof.destruction import Copy, CopyKind, DestroyedKey, TargetKind
from jobs.record import blobs, documents, grants, jobs
from jobs.record.database import Reading
from jobs.record.erasure import is_kept, worded
from jobs.record.grants import Granted
from jobs.record.inside import look_inside, needed_files, releases_of
from jobs.release import Release
from jobs.steps.carry import RUNS, Hands, RunNote, views_of
from jobs.steps.facts import ASSETS
from sandbox.asset import Asset, Digest
from sandbox.data.snapshot import folder_of

KIND = "destruction"
"""The kind of document that the plan of a destruction is kept as."""
_MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be destroyed."""

    kind: TargetKind
    id: str

    def covers(self, granted: Granted) -> bool:
        """Say whether it ends this grant: it is the scenario's, or reads the asset."""
        grant = granted.signed.grant
        if self.kind is TargetKind.SCENARIO:
            return grant.scenario == self.id
        return any(terms.asset == self.id for terms in grant.assets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where copies lie: the record, and the folders of its home."""

    hands: Hands
    home: Path

    @classmethod
    def of(cls, hands: Hands) -> Self:
        """Return the site of a worker: the quarantine is one of the home's folders."""
        return cls(hands=hands, home=hands.quarantine.folder.parent)

    @property
    def keys(self) -> BackupKeys:
        """The keys of the domain's backups."""
        return BackupKeys(self.home / "keys" / "backup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a target covers, as the record has it."""

    grants: tuple[Granted, ...]
    jobs: frozenset[JobId]
    releases: tuple[Release, ...]
    files: frozenset[Digest]
    """Of the releases, but for what other releases need too."""
    codes: frozenset[Digest]
    """For a scenario: the code bundles that no other one uses."""
    snapshots: tuple[Digest, ...]
    """Of an asset: every version's."""
    others: frozenset[Digest]
    """For a scenario: the views that another one's jobs have read."""
    rows: tuple[Copy, ...]
    """What of it stands in the record's own rows."""

    @property
    def scenarios(self) -> tuple[ScenarioId, ...]:
        """The scenarios of the grants, by id."""
        return tuple(sorted({each.signed.grant.scenario for each in self.grants}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What there is of a target now."""

    reach: Reach
    copies: tuple[Copy, ...]
    """By kind and place."""
    keys: tuple[DestroyedKey, ...]
    """The backup keys that cover it: of the asset, and of each scenario that made things of it."""


def survey(site: Site, target: Target) -> Survey:
    """Look at everything that there is of the target; no transaction waits while files are hashed."""
    with site.hands.record.reading() as tx:
        found = reach(tx, target)
    files = (
        *_snapshots(site, found),
        *_views(site, target, found),
        *_left(site, found.jobs),
        *_shelved(site, found.files),
    )
    every = sorted((*files, *found.rows), key=lambda copy: (copy.kind, copy.place))
    return Survey(reach=found, copies=tuple(every), keys=_keys(site, target, found))


def reach(tx: Reading, target: Target) -> Reach:
    """Return which grants, jobs, releases and bytes the target covers."""
    covered = tuple(each for each in grants.listed(tx) if target.covers(each))
    mine = frozenset(job for each in covered for job in _jobs(tx, target, each))
    out = tuple(releases_of(tx, mine))
    needed = needed_files(tx, besides={release.id for release in out})
    named = frozenset(file.digest for release in out for file in release.files)
    codes = _codes(tx, target)
    of_asset = target.kind is TargetKind.ASSET
    return Reach(
        grants=covered,
        jobs=mine,
        releases=out,
        files=named - needed,
        codes=codes,
        snapshots=_versions(tx, target) if of_asset else (),
        others=frozenset() if of_asset else _read_by_others(tx, mine),
        rows=tuple(_in_record(tx, mine, codes)),
    )


def _keys(site: Site, target: Target, found: Reach) -> tuple[DestroyedKey, ...]:
    scopes = [scope_of_scenario(scenario) for scenario in found.scenarios]
    if target.kind is TargetKind.ASSET:
        scopes.append(scope_of_asset(target.id))
    known = ((scope, site.keys.known(scope)) for scope in scopes)
    return tuple(DestroyedKey(scope=scope, recipient=key) for scope, key in known if key)


def _versions(tx: Reading, target: Target) -> tuple[Digest, ...]:
    papers = documents.versions(tx, ASSETS, target.id)
    return tuple(load(Asset, paper.body).snapshot for paper in papers)


def _jobs(tx: Reading, target: Target, granted: Granted) -> Iterator[JobId]:
    grant = granted.signed.grant
    for job in jobs.listed(tx, grant=GrantId(grant.id), limit=_MANY):
        reads = {terms.asset for terms in views_of(job, grant)}
        if target.kind is TargetKind.SCENARIO or target.id in reads:
            yield job.id


def _codes(tx: Reading, target: Target) -> frozenset[Digest]:
    if target.kind is TargetKind.ASSET:
        return frozenset()  # what developers wrote is no copy of the asset
    scopes = look_inside(tx).scopes
    over = {target.id, *_begun(tx)}  # what was destroyed before needs nothing any more
    others = (scope.codes for name, scope in scopes.items() if name not in over)
    mine = scopes[target.id].codes if target.id in scopes else set()
    return frozenset(mine - {code for codes in others for code in codes})


def _snapshots(site: Site, found: Reach) -> Iterator[Copy]:
    for digest in found.snapshots:
        folder = folder_of(digest, data=site.home / "data")
        if folder.exists():
            yield _folder(CopyKind.SNAPSHOT, folder)


def _views(site: Site, target: Target, found: Reach) -> Iterator[Copy]:
    """Yield the target's views: of an asset, all; of a scenario, those that it alone can have read.

    A view is kept by its content, and says itself only which asset it is of.
    """
    of_grants = {terms.asset for each in found.grants for terms in each.signed.grant.assets}
    assets = {target.id} if target.kind is TargetKind.ASSET else of_grants
    for folder in sorted((site.home / "views").glob("[0-9a-f]*")):
        if f"sha256:{folder.name}" not in found.others and _asset_of(folder) in {*assets, None}:
            yield _folder(CopyKind.VIEW, folder)


def _folder(kind: CopyKind, folder: Path) -> Copy:
    """Return the copy that a folder is, which is called after the digest of its content."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    place = f"{folder.parent.name}/{folder.name}"
    return Copy(kind=kind, place=place, digest=Digest(f"sha256:{folder.name}"), size=size)


def _left(site: Site, mine: Collection[JobId]) -> Iterator[Copy]:
    quarantine = site.hands.quarantine
    for job in sorted(mine):
        for path in quarantine.of_job(job):
            place = f"quarantine/{path.relative_to(quarantine.folder)}"
            size = path.stat().st_size
            yield Copy(kind=CopyKind.QUARANTINE, place=place, digest=digest_file(path), size=size)


def _shelved(site: Site, files: Collection[Digest]) -> Iterator[Copy]:
    for digest in sorted(files):
        size = site.hands.shelf.size(digest)
        if size is not None:
            place = f"shelf/{hexed(digest)}"
            yield Copy(kind=CopyKind.SHELF, place=place, digest=digest, size=size)


def _begun(tx: Reading) -> Iterator[str]:
    """Yield everything whose destruction was begun, or is done."""
    for paper in documents.listed(tx, KIND):
        yield json.loads(paper.body)["target"]["id"]


def _in_record(tx: Reading, mine: Collection[JobId], codes: Collection[Digest]) -> Iterator[Copy]:
    for place, content in worded(tx, mine):
        digest, size = digest_of(content), len(content)
        yield Copy(kind=CopyKind.RECORD, place=place, digest=digest, size=size)
    for digest in sorted(codes):
        if is_kept(tx, digest):
            size = len(blobs.get(tx, digest))
            place = f"record/blob/{hexed(digest)}"
            yield Copy(kind=CopyKind.RECORD, place=place, digest=digest, size=size)


def _read_by_others(tx: Reading, mine: Collection[JobId]) -> frozenset[Digest]:
    papers = documents.listed(tx, RUNS)
    others = (paper for paper in papers if JobId(paper.id.rpartition(".")[0]) not in mine)
    return frozenset(read.view for paper in others for read in load(RunNote, paper.body).inputs)


def _asset_of(view: Path) -> str | None:
    """Return the asset that a view is of; nothing where it does not say so any more."""
    try:
        found = json.loads((view / "view.json").read_bytes())
    except (OSError, ValueError):
        return None
    return str(found["asset"]) if isinstance(found, dict) and "asset" in found else None
