from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from gateway.cli import releases
from gateway.cli.releases import verify_release
from gateway.governance.grants import sign
from jobs.grant import Approval, Grant, PartyId, PersonId, ViewEvidence
from jobs.job import JobId
from jobs.proof import statement
from jobs.proof.bodies import digest_of
from jobs.proof.certificate import issue
from jobs.proof.keys import SigningKey
from jobs.proof.statement import CertificateFacts, Check, Input, KeyIds, LogProof, PrivacyCost
from jobs.record import jobs, log
from jobs.record import releases as kept
from jobs.record.event import Event
from jobs.release import Release, ReleasedFile, ReleaseId
from sandbox.anonymity.judge import Known, evidence_of
from sandbox.anonymity.sealed import Sealed, as_json, seal
from sandbox.order import Generalise, OutputName, ReleaseClass
from tests.gateway.api.domain import GRANT, LOANS, NOON, SNAPSHOT, TERMS, Domain
from tests.gateway.api.released import JOB, TABLE
from tests.gateway.cli.conftest import Served

FILE = ReleasedFile(
    name=OutputName("O1"),
    file="O1.csv",
    media_type="text/csv",
    digest=digest_of(TABLE),
    size=len(TABLE),
)


@dataclass(frozen=True, slots=True)
class Certified:
    """A folder with a released file, its certificate and the keys to trust."""

    folder: Path

    def verify(self, *more: str) -> Result:
        app = Typer()
        app.command()(verify_release)
        words = [str(self.folder / "R-1.json"), "--keys", str(self.folder / "trusted.toml"), *more]
        return CliRunner().invoke(app, words)


def logged(domain: Domain, key: SigningKey) -> LogProof:
    told = statement.decision((FILE,), epoch=1)
    with domain.record.writing() as tx:
        seq = tx.note(Event("job.approved", "J-1", "system", told))
    with domain.record.writing() as tx:
        signed = log.checkpoint(tx, key)
        return LogProof(
            leaf=log.leaf_bytes(tx, seq).decode(),
            seq=seq,
            size=signed.head.size,
            hashes=log.inclusion(tx, seq, signed.head.size),
            checkpoint=signed.note,
        )


def facts_of(
    domain: Domain, release: SigningKey, grant: SigningKey, *, terms: Grant = TERMS
) -> CertificateFacts:
    seats = [("approve_scenario_implementer", "reviewer", "P-IMPL"), ("approve_scenario_provider", "provider", "P-PROV")]  # fmt: skip
    approvals = tuple(
        Approval(seat=seat, person=PersonId(who), party=PartyId(party), at=NOON)
        for seat, who, party in seats
    )
    return CertificateFacts(
        release=ReleaseId("R-1"),
        job=JobId("J-1"),
        epoch=1,
        developer=TERMS.developer,
        release_class=ReleaseClass.DP,
        files=(FILE,),
        at=NOON,
        grant=sign(replace(terms, approvals=approvals), grant),
        inputs=(Input(asset=LOANS, snapshot=SNAPSHOT, view=SNAPSHOT),),
        checks=(Check(output=FILE.name, verdict="cleared"),),
        privacy=PrivacyCost(
            events="[]", rho=55, scopes=(f"asset:{LOANS}",), epsilon="1/3", delta="0"
        ),
        log=logged(domain, domain.log_key),
        keys=KeyIds(release=release.id, grant=grant.id, log=domain.log_key.id),
    )


def written(
    folder: Path, certificate: bytes, domain: Domain, release: SigningKey, grant: SigningKey
) -> Path:
    """Write the certificate, the file that it is about and the keys to trust into `folder`."""
    folder.mkdir()
    (folder / "R-1.json").write_bytes(certificate)
    (folder / "O1.csv").write_bytes(TABLE)
    parts = {"release": release, "grant": grant, "log": domain.log_key}
    lines = (f'{part} = ["{key.public.text()}"]\n' for part, key in parts.items())
    (folder / "trusted.toml").write_text("".join(lines))
    return folder


def in_the_record(domain: Domain, certificate: bytes) -> None:
    """Write the release down as the worker does."""
    out = Release(
        id=ReleaseId("R-1"),
        job=JobId("J-1"),
        grant=GRANT,
        developer=TERMS.developer,
        release_class=ReleaseClass.DP,
        files=(FILE,),
        certificate=digest_of(certificate),
        at=NOON,
    )
    told = {"release": out.id, "certificate": out.certificate}
    with domain.record.writing() as tx:
        jobs.add(tx, replace(JOB, id=out.job), Event("job.submitted", out.job, "test"))
        kept.add(tx, out, Event("release.made", out.job, "system", told))


@pytest.fixture
def certified(domain: Domain, tmp_path: Path) -> Certified:
    release, grant = SigningKey.unsaved("d/release"), SigningKey.unsaved("d/grant")
    certificate = issue(facts_of(domain, release, grant), key=release)
    return Certified(written(tmp_path / "release", certificate, domain, release, grant))


def test_a_release_is_verified_offline_step_by_step(certified: Certified) -> None:
    result = certified.verify()

    assert result.exit_code == 0, result.output
    assert "1. keys" in result.output
    assert "files compared" in result.output


@pytest.mark.req("G-04")
def test_a_verifier_reads_what_anonymity_the_signed_terms_of_a_view_promise(
    domain: Domain, tmp_path: Path
) -> None:
    release, grant = SigningKey.unsaved("d/release"), SigningKey.unsaved("d/grant")
    (view,) = TERMS.assets
    aim = Generalise(quasi=("state",), sensitive=("grade",), k=5, l=2, t=Fraction(1, 3))
    terms = replace(TERMS, assets=(replace(view, generalise=aim),))
    certificate = issue(facts_of(domain, release, grant, terms=terms), key=release)

    told = Certified(written(tmp_path / "r", certificate, domain, release, grant)).verify()

    assert told.exit_code == 0, told.output
    assert "k ≥ 5 (state), l ≥ 2, t ≤ 1/3 (grade), GB/T 42460 level 3" in told.output


@pytest.fixture
def sealed() -> Sealed:
    """Return evidence of a view of five people."""
    found = evidence_of(pa.table({"unit": range(5)}), (), unit="unit", known=Known(quasi=()))
    return seal(LOANS, found, level=3)


@pytest.mark.req("G-04")
def test_evidence_that_a_verifier_was_given_is_held_against_its_seal(
    domain: Domain, tmp_path: Path, sealed: Sealed
) -> None:
    release, grant = SigningKey.unsaved("d/release"), SigningKey.unsaved("d/grant")
    terms = replace(TERMS, evidence=(ViewEvidence(asset=LOANS, sealed=sealed.digest),))
    facts = facts_of(domain, release, grant, terms=terms)
    run = seal(LOANS, sealed.evidence)
    facts = replace(facts, inputs=(replace(facts.inputs[0], evidence=run.digest),))
    certificate = issue(facts, key=release)
    certified = Certified(written(tmp_path / "r", certificate, domain, release, grant))
    given = tmp_path / "evidence.json"

    given.write_text(as_json([sealed, run], indent=2))
    told = certified.verify("--evidence", str(given))
    given.write_text(as_json([replace(run, salt="0" * 64)]))
    altered = certified.verify("--evidence", str(given))

    assert told.exit_code == 0, told.output
    assert "k 5, 5 units, risk 0.2000, GB/T 42460 level 3" in told.output
    assert sealed.salt not in certificate.decode()
    assert sealed.digest in certified.verify().output
    assert (altered.exit_code, "not what was sealed" in altered.output) == (1, True)


@pytest.mark.parametrize("text", ["", "no evidence"])
def test_a_file_that_is_no_evidence_is_not_taken_for_any(
    certified: Certified, tmp_path: Path, text: str, sealed: Sealed
) -> None:
    given = tmp_path / "evidence.json"
    given.write_text(text or as_json([sealed]))

    assert certified.verify("--evidence", str(given)).exit_code == 1


def test_a_certificate_of_plain_views_promises_no_anonymity(certified: Certified) -> None:
    assert "42460" not in certified.verify().output


def test_a_certificate_alone_says_that_no_file_was_compared(certified: Certified) -> None:
    (certified.folder / "O1.csv").unlink()

    assert "NOT at hand" in certified.verify().output
    assert certified.verify("--files", str(certified.folder)).exit_code == 1


def test_a_file_that_was_altered_fails_at_its_step(certified: Certified) -> None:
    (certified.folder / "O1.csv").write_bytes(TABLE + b"C,1\n")

    result = certified.verify()

    assert result.exit_code == 1
    assert "(files)" in result.output


@pytest.mark.parametrize("part", ["release", "grant", "log"])
def test_without_the_keys_of_each_part_nothing_is_believed(certified: Certified, part: str) -> None:
    trusted = certified.folder / "trusted.toml"
    lines = trusted.read_text().splitlines()

    trusted.write_text("\n".join(line for line in lines if not line.startswith(part)))
    assert certified.verify().exit_code == 1
    trusted.write_text(
        "\n".join(f"{part} = []" if line.startswith(part) else line for line in lines)
    )
    assert certified.verify().exit_code == 1


def test_after_a_revocation_a_fresh_proof_is_asked_for_and_taken(
    served: Served, tmp_path: Path
) -> None:
    domain = served.domain
    release, grant = SigningKey.unsaved("d/release"), SigningKey.unsaved("d/grant")
    certificate = issue(facts_of(domain, release, grant), key=release)
    folder = written(tmp_path / "release", certificate, domain, release, grant)
    in_the_record(domain, certificate)
    with (folder / "trusted.toml").open("a") as file:
        file.write(f'[[revoked]]\nkey = "{release.id}"\nsize = 9999\nat = ""\nwhy = "lost"\n')
    certified = Certified(folder)

    waiting = served.run(releases.app, "dev", "proof", "R-1", "--to", str(folder))
    with domain.record.writing() as tx:
        log.checkpoint(tx, domain.log_key)
    given = served.run(releases.app, "dev", "proof", "R-1", "--to", str(folder))

    assert (waiting.exit_code, "ask again" in waiting.output) == (1, True)
    assert given.exit_code == 0, given.output
    assert "fresh proof" in certified.verify().output
    done = certified.verify("--proof", str(folder / "R-1.proof.json"))
    assert done.exit_code == 0, done.output
    stranger = served.run(releases.app, "rival", "proof", "R-1", "--to", str(folder))
    assert stranger.exit_code == 1


def test_a_file_larger_than_any_certificate_is_not_read_to_its_end(certified: Certified) -> None:
    with (certified.folder / "R-1.json").open("wb") as file:
        file.truncate(2**33)  # a hole: it takes no room on the disk, and would take it in memory

    result = certified.verify()

    assert (result.exit_code, "larger than" in result.output) == (1, True)


@pytest.mark.parametrize(
    "line", ['[[revokd]]\nkey = "x"', '[[revoked]]\nkey = "00000000"\nsize = 1\nat = ""', "x ="]
)
def test_keys_with_a_line_that_nobody_understands_are_not_used(
    certified: Certified, line: str
) -> None:
    with (certified.folder / "trusted.toml").open("a") as file:
        file.write(line + "\n")

    result = certified.verify()

    assert (result.exit_code, "trusted.toml" in result.output) == (1, True)


def test_a_file_that_is_no_certificate_is_told_so(certified: Certified) -> None:
    (certified.folder / "R-1.json").write_bytes(b"\xff{}")

    result = certified.verify()

    assert (result.exit_code, "not verified" in result.output) == (1, True)
