from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from jobs.errors import NotFoundError, OutOfOrderError, RecordBrokenError
from jobs.job import Job, JobState
from jobs.proof import dsse, statement
from jobs.proof.bodies import dump
from jobs.proof.certificate import verify
from jobs.proof.folder import KeyFolder
from jobs.proof.keys import KeyFileError, SigningKey, Suite
from jobs.proof.trusted import PARTS, TrustedFile
from jobs.record import log, signers
from jobs.record.database import Record
from jobs.record.signers import KeyPutAwayError
from jobs.release import Release
from jobs.rules.runtimes import Runtimes
from jobs.steps.prove import prove
from jobs.steps.release import Seals
from jobs.steps.rotate import complete, revoke, rotate
from jobs.steps.start import Domain, start
from sandbox.egress.inspection import Inspected
from tests.jobs.steps.town import COUNTING, Clock, Keys, Town, clear, name_of

BY, WHY = "admin:root", "yearly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """A town whose keys lie in a folder; it reads them anew each time, as a process that is started."""

    bare: Town
    folder: KeyFolder

    @property
    def town(self) -> Town:
        return replace(self.bare, keys=Keys(**{part: self.folder.signing(part) for part in PARTS}))

    @property
    def record(self) -> Record:
        return self.bare.record

    @property
    def seals(self) -> Seals:
        ring = self.folder.trusted().ring("log")
        return Seals(release=self.town.keys.release, log=self.town.keys.log, ring=ring)

    @property
    def domain(self) -> Domain:
        return Domain(
            images=None, runtimes=Runtimes(), grant_keys=self.folder.trusted().ring("grant")
        )

    def start(self, job: Job, domain: Domain) -> Job:
        return start(job, record=self.record, clock=self.bare.clock, domain=domain)[0]

    def approved(self) -> Job:
        """Return a job that was run under the keys that there are now, and that the filter cleared."""
        job = self.town.ran(self.start(self.town.submit(COUNTING), self.domain))
        return self.town.decided(job, Inspected((clear(name_of(COUNTING)),)))

    def released(self) -> Release:
        return self.town.release(self.approved())

    def rotate(self, part: str, folder: KeyFolder | None = None) -> int:
        using = folder or self.folder
        return rotate(part, folder=using, record=self.record, why=WHY, by=BY).size

    def revoke(self, key: str, folder: KeyFolder | None = None) -> int:
        using = folder or self.folder
        return revoke(key, folder=using, record=self.record, why="lost", by=BY).size

    def verified(self, out: Release, *, proof: bytes | None = None) -> tuple[str, ...]:
        certificate = self.bare.hands.shelf.fetch(out.certificate)
        return verify(certificate, keys=self.folder.trusted().trusted, proof=proof).steps

    def proof(self, out: Release) -> bytes:
        with self.record.reading() as tx:
            return dump(prove(tx, out.id, keys=self.folder.trusted().ring("log"))).encode()


@pytest.fixture
def keyed(sqlite_url: str, tmp_path: Path) -> Iterator[Keyed]:
    """Give a settled town where the database makes no difference to what is shown."""
    yield from _settled(sqlite_url, tmp_path)


@pytest.fixture
def either(url: str, tmp_path: Path) -> Iterator[Keyed]:
    """Give a settled town, once on SQLite and once on PostgreSQL."""
    yield from _settled(url, tmp_path)


def _settled(url: str, path: Path) -> Iterator[Keyed]:
    clock = Clock()
    record = Record.open(url, clock=clock)
    folder = KeyFolder(path=path / "keys", name="shuyu.test", suite=Suite.ED25519)
    folder.path.mkdir()
    folder.make()
    bare = Town(record=record, folder=path, clock=clock, keys=Keys.fresh())
    made = Keyed(bare=bare, folder=folder)
    made.town.settle()
    yield made
    record.close()


@pytest.mark.parametrize("part", PARTS)
def test_what_was_released_before_a_key_was_followed_verifies_as_ever(
    either: Keyed, part: str
) -> None:
    first = either.released()
    old = either.folder.signing(part)

    either.rotate(part)
    second = either.released()

    assert either.folder.signing(part).id != old.id
    assert either.folder.signing(part).public.name == old.public.name
    assert either.verified(first) == either.verified(second)
    log.verify_log(either.record, either.folder.trusted().ring("log"))


def test_the_log_tells_which_key_followed_which_and_why(either: Keyed) -> None:
    old = either.folder.signing("release")
    size = either.rotate("release")

    with either.record.reading() as tx:
        (entry,) = log.entries(tx, after=size - 1, limit=1)
        (change,) = signers.changes(tx)

    new = either.folder.signing("release").public
    assert (entry.seq, entry.event.kind, entry.event.subject) == (size, "key.rotated", "release")
    assert entry.event.actor == BY
    assert entry.event.facts == {"old": old.id, "new": new.text(), "size": size, "why": WHY}
    (line,) = either.folder.trusted().retired
    assert (line.key, line.size, line.at, line.why) == (old.id, size, change.at, WHY)


def test_the_logs_old_key_signs_its_end_and_the_new_one_what_follows(keyed: Keyed) -> None:
    old = keyed.folder.signing("log").public
    size = keyed.rotate("log")

    with keyed.record.reading() as tx:
        rows = [log.last_checkpoint(tx, keyed.folder.trusted().ring("log"))]
        kept = keyed.folder.trusted().ring("log")
    signed, by = kept.read(rows[0].note if rows[0] else "")

    assert by.public == keyed.folder.signing("log").public
    assert (signed.head.size, signed.origin) == (size + 1, old.name)
    assert kept.keys[0].until == size
    report = log.verify_log(keyed.record, kept)
    assert (report.checkpoints, report.signed) == (2, size + 1)


def test_a_grant_of_a_retired_key_still_admits_jobs_and_one_of_a_revoked_key_none(
    keyed: Keyed,
) -> None:
    old = keyed.folder.signing("grant")
    keyed.rotate("grant")
    assert keyed.start(keyed.town.submit(), keyed.domain).state is JobState.RUNNING

    keyed.revoke(old.id)

    refused = keyed.start(keyed.town.submit(), keyed.domain)
    assert refused.state is JobState.REFUSED
    assert [reason.rule for reason in refused.reasons] == ["admit.grant"]


@pytest.mark.parametrize("part", PARTS)
def test_after_a_revocation_an_old_certificate_needs_a_fresh_proof_and_a_new_one_none(
    either: Keyed, part: str
) -> None:
    first = either.released()

    either.revoke(either.folder.signing(part).id)

    with pytest.raises(RecordBrokenError, match=r"step 12 .*ask the domain for a fresh proof"):
        either.verified(first)
    assert len(either.verified(first, proof=either.proof(first))) == 12
    log.verify_log(either.record, either.folder.trusted().ring("log"))
    if part != "grant":  # the grant itself is of the revoked key, and admits nothing any more
        assert either.verified(either.released())


def test_what_a_thief_signs_with_a_revoked_key_has_no_proof(keyed: Keyed) -> None:
    stolen = keyed.folder.signing("release")
    out = keyed.released()
    envelope = dsse.read(keyed.bare.hands.shelf.fetch(out.certificate))
    facts = statement.read(envelope.payload).facts
    forged = dsse.seal(statement.write(replace(facts, at=facts.at + timedelta(1))), stolen)
    assert verify(forged, keys=keyed.folder.trusted().trusted).steps  # while nobody knows of it

    keyed.revoke(stolen.id)

    with pytest.raises(RecordBrokenError, match="another certificate"):
        verify(forged, keys=keyed.folder.trusted().trusted, proof=keyed.proof(out))


@pytest.mark.parametrize("part", ["release", "log"])
def test_a_process_with_a_key_that_was_put_away_releases_nothing(keyed: Keyed, part: str) -> None:
    started_before, job = keyed.town, keyed.approved()
    keyed.rotate(part)
    size = keyed.bare.log_size()

    with pytest.raises(KeyPutAwayError, match="start this process again"):
        started_before.release(job)

    assert (keyed.bare.log_size(), keyed.bare.on_shelf()) == (size, set())
    assert keyed.bare.now(job).state is JobState.APPROVED
    assert keyed.verified(keyed.town.release(job))


def test_a_process_with_the_logs_old_key_signs_no_checkpoint(keyed: Keyed) -> None:
    old = keyed.folder.signing("log")
    keyed.rotate("log")
    keyed.rotate("log")

    with pytest.raises(KeyPutAwayError), keyed.record.writing() as tx:
        log.checkpoint(tx, old)


def test_a_process_that_knows_the_old_grant_keys_only_judges_no_job(keyed: Keyed) -> None:
    before_rotation, old = keyed.domain, keyed.folder.signing("grant")
    keyed.rotate("grant")
    before_revocation = keyed.domain
    keyed.revoke(old.id)
    job = keyed.town.submit()

    for stale in (before_rotation, before_revocation):
        with pytest.raises(KeyPutAwayError):
            keyed.start(job, stale)

    assert keyed.bare.now(job).state is JobState.QUEUED


class PowerCutError(Exception):
    """The power fails while keys change."""


class CutBeforeLog(KeyFolder):
    """A folder in which the power fails when the next key was made."""

    @override
    def following(self, part: str) -> SigningKey:
        KeyFolder.following(self, part)
        raise PowerCutError


class CutBeforeFiles(KeyFolder):
    """A folder in which the power fails before the files change that the log told of."""

    @override
    def settle(self, trusted: TrustedFile) -> None:
        if trusted != self.trusted():
            raise PowerCutError
        KeyFolder.settle(self, trusted)


class CutBetweenFiles(KeyFolder):
    """A folder in which the power fails between the public keys and the private one."""

    @override
    def settle(self, trusted: TrustedFile) -> None:
        changed = trusted != self.trusted()
        self.trusted_path.write_text(trusted.text(), "utf-8")
        if changed:
            raise PowerCutError
        KeyFolder.settle(self, trusted)


@pytest.mark.parametrize("cut", [CutBeforeLog, CutBeforeFiles, CutBetweenFiles])
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("change", ["rotate", "revoke"])
def test_a_change_of_keys_that_was_cut_short_is_completed_or_never_was(
    keyed: Keyed, cut: type[KeyFolder], part: str, change: str
) -> None:
    out, old = keyed.released(), keyed.folder.signing(part)
    dying = cut(path=keyed.folder.path, name="shuyu.test", suite=Suite.ED25519)
    told = part if change == "rotate" else old.id
    with pytest.raises(PowerCutError):
        getattr(keyed, change)(told, dying)

    complete(keyed.folder, keyed.record)

    with keyed.record.reading() as tx:
        changes = signers.changes(tx)
    now = keyed.folder.signing(part)
    assert len(changes) == (cut is not CutBeforeLog)
    assert (now.id == old.id) == (cut is CutBeforeLog)
    keyed.rotate(part)
    assert keyed.folder.signing(part).id not in {old.id, now.id}
    assert [*keyed.folder.path.glob("*.next"), *keyed.folder.path.glob("*.half")] == []
    proof = keyed.proof(out) if change == "revoke" else None
    assert keyed.verified(out, proof=proof)
    log.verify_log(keyed.record, keyed.folder.trusted().ring("log"))


def test_what_cannot_be_put_away_is_told_so_and_nothing_changes(keyed: Keyed) -> None:
    revoked = keyed.folder.signing("log").id
    keyed.revoke(revoked)
    before, size = keyed.folder.trusted(), keyed.bare.log_size()

    with pytest.raises(NotFoundError, match="shuyu key list"):
        keyed.revoke("00000000")
    with pytest.raises(OutOfOrderError, match="was revoked before"):
        keyed.revoke(revoked)
    for why in ("", "two\nlines", "x" * 201):
        with pytest.raises(KeyFileError, match="give a reason"):
            rotate("log", folder=keyed.folder, record=keyed.record, why=why, by=BY)

    assert (keyed.folder.trusted(), keyed.bare.log_size()) == (before, size)


def test_public_keys_of_another_domain_are_not_completed(keyed: Keyed) -> None:
    keyed.rotate("log")
    other = KeyFolder(path=keyed.folder.path / "other", name="shuyu.test", suite=Suite.ED25519)
    other.path.mkdir()
    other.make()

    with pytest.raises(KeyFileError, match="put the domain's own file back"):
        complete(other, keyed.record)
