"""A domain's three keys, one record, and the facts of good releases: what certificates are made of."""

import base64
from dataclasses import dataclass, replace
from typing import Self

from jobs.grant import Grant, SignedGrant
from jobs.proof import dsse, statement
from jobs.proof.bodies import digest_of, dump
from jobs.proof.keys import PublicKey, SigningKey, Suite
from jobs.proof.merkle import Hashing
from jobs.proof.ring import KeyRing, KnownKey
from jobs.proof.statement import (
    CertificateFacts,
    Check,
    Input,
    KeyIds,
    LogProof,
    PrivacyCost,
    SeatSigned,
)
from jobs.proof.trusted import TrustedKeys
from jobs.record import jobs, log
from jobs.record.database import Record
from jobs.record.event import Event
from jobs.release import ReleasedFile, Seat
from sandbox.asset import AssetId
from sandbox.order import OutputName, ReleaseClass
from tests.jobs.record.examples import (
    BYTES,
    FILE,
    GRANT,
    IMAGE,
    JOB,
    NOON,
    RELEASE,
    SNAPSHOT,
    event,
    verdict,
)

REPORT = b"The scorecard separates well.\n"
REPORT_FILE = ReleasedFile(
    name=OutputName("O2"),
    file="O2.txt",
    media_type="text/plain",
    digest=digest_of(REPORT),
    size=len(REPORT),
)
CONTENTS = {FILE.file: BYTES, REPORT_FILE.file: REPORT}
SEATS = (
    SeatSigned.of(verdict(Seat.OPERATOR, "operator", digest=REPORT_FILE.digest)),
    SeatSigned.of(verdict(Seat.SECURITY, "bureau", digest=REPORT_FILE.digest)),
)


@dataclass(frozen=True)
class Office:
    """The domain's three keys, and the facts of one good release."""

    release: SigningKey
    grant: SigningKey
    log: SigningKey
    facts: CertificateFacts

    @classmethod
    def opened(cls, record: Record, suite: Suite = Suite.ED25519) -> Self:
        """Make the keys, and note the release of one table in the log."""
        release, grant, key = (
            SigningKey.unsaved(f"shuyu.test/{part}", suite) for part in ("release", "grant", "log")
        )
        proof = logged(record, key, (FILE,))
        facts = _facts(release, grant, key, log=proof)
        return cls(release=release, grant=grant, log=key, facts=facts)

    @property
    def trusted(self) -> TrustedKeys:
        return TrustedKeys(
            release=KeyRing.of(self.release.public),
            grant=KeyRing.of(self.grant.public),
            log=KeyRing.of(self.log.public),
        )

    def signed(self, grant: Grant) -> SignedGrant:
        return _signed(grant, self.grant)

    def sealed(self, facts: CertificateFacts) -> bytes:
        """Return a certificate as a dishonest holder of the release key would sign it."""
        return dsse.seal(statement.write(facts, sm3=sm3(facts, self.release)), self.release)

    def reviewed(self, record: Record) -> CertificateFacts:
        """Note the release of a held report beside the table, and return its facts."""
        files = (FILE, REPORT_FILE)
        return replace(
            self.facts,
            release_class=ReleaseClass.REVIEWED,
            files=files,
            image=IMAGE,
            code=digest_of(b"code"),
            checks=(
                Check(output=FILE.name, verdict="cleared"),
                Check(
                    output=REPORT_FILE.name,
                    verdict="held",
                    rules=("egress.free_text",),
                    card='{"units":2000}',
                ),
            ),
            seats=SEATS,
            log=logged(record, self.log, files),
        )


def known(key: PublicKey, *, until: int | None = None, revoked: int | None = None) -> KeyRing:
    """Return a ring of one key that was put away."""
    return KeyRing(keys=(KnownKey(public=key, until=until, revoked=revoked),))


def sm3(facts: CertificateFacts, key: SigningKey) -> tuple[str, ...]:
    if key.public.suite is not Suite.SM2:
        return ()
    return tuple(Hashing.SM3.digest(CONTENTS[file.file]).hex() for file in facts.files)


def logged(record: Record, key: SigningKey, files: tuple[ReleasedFile, ...]) -> LogProof:
    """Note the decision to release `files`, and prove it."""
    told = statement.decision(files, epoch=1)
    with record.writing() as tx:
        tx.note(event())
        if not jobs.listed(tx):
            jobs.add(tx, JOB, event())
        seq = tx.note(Event("job.approved", JOB.id, "system", {**told, "verdicts": "O1:Cleared"}))
    with record.writing() as tx:
        return log.prove_entry(tx, seq, key)


def made(
    record: Record, key: SigningKey, certificate: bytes, kind: str = "release.made"
) -> LogProof:
    """Note a certificate in the log as a release does, and prove it under `key`."""
    with record.writing() as tx:
        told = {"release": RELEASE.id, "certificate": digest_of(certificate)}
        seq = tx.note(Event(kind, JOB.id, "system", told))
    with record.writing() as tx:
        return log.prove_entry(tx, seq, key)


def _signed(grant: Grant, key: SigningKey) -> SignedGrant:
    signature = base64.b64encode(key.sign(dump(grant).encode())).decode()
    return SignedGrant(grant=grant, key=key.id, signature=signature)


def _facts(
    release: SigningKey, grant: SigningKey, log_key: SigningKey, *, log: LogProof
) -> CertificateFacts:
    return CertificateFacts(
        release=RELEASE.id,
        job=JOB.id,
        epoch=1,
        developer=GRANT.developer,
        release_class=ReleaseClass.DP,
        files=(FILE,),
        at=NOON,
        grant=_signed(GRANT, grant),
        inputs=(
            Input(asset=AssetId("LOANS"), snapshot=SNAPSHOT, view=SNAPSHOT, evidence=SNAPSHOT),
        ),
        checks=(Check(output=FILE.name, verdict="cleared"),),
        privacy=PrivacyCost(events="[]", rho=55, scopes=("asset:LOANS",), epsilon="1/3", delta="0"),
        log=log,
        keys=KeyIds(release=release.id, grant=grant.id, log=log_key.id),
    )
