from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from gateway.cli.releases import verify_release
from gateway.governance.grants import sign
from jobs.grant import Approval, PartyId, PersonId
from jobs.job import JobId
from jobs.proof import statement
from jobs.proof.bodies import digest_of
from jobs.proof.certificate import issue
from jobs.proof.keys import SigningKey
from jobs.proof.statement import CertificateFacts, Check, Input, KeyIds, LogProof, PrivacyCost
from jobs.record import log
from jobs.record.event import Event
from jobs.release import ReleasedFile, ReleaseId
from sandbox.order import OutputName, ReleaseClass
from tests.gateway.api.domain import LOANS, NOON, SNAPSHOT, TERMS, Domain
from tests.gateway.api.released import TABLE

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


@pytest.fixture
def certified(domain: Domain, tmp_path: Path) -> Certified:
    release, grant = SigningKey.unsaved("d/release"), SigningKey.unsaved("d/grant")
    seats = [("approve_scenario_implementer", "reviewer", "P-IMPL"), ("approve_scenario_provider", "provider", "P-PROV")]  # fmt: skip
    approvals = tuple(
        Approval(seat=seat, person=PersonId(who), party=PartyId(party), at=NOON)
        for seat, who, party in seats
    )
    facts = CertificateFacts(
        release=ReleaseId("R-1"),
        job=JobId("J-1"),
        epoch=1,
        developer=TERMS.developer,
        release_class=ReleaseClass.DP,
        files=(FILE,),
        at=NOON,
        grant=sign(replace(TERMS, approvals=approvals), grant),
        inputs=(Input(asset=LOANS, snapshot=SNAPSHOT, view=SNAPSHOT),),
        checks=(Check(output=FILE.name, verdict="cleared"),),
        privacy=PrivacyCost(
            events="[]", rho=55, scopes=(f"asset:{LOANS}",), epsilon="1/3", delta="0"
        ),
        log=logged(domain, domain.log_key),
        keys=KeyIds(release=release.id, grant=grant.id, log=domain.log_key.id),
    )
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "R-1.json").write_bytes(issue(facts, key=release))
    (folder / "O1.csv").write_bytes(TABLE)
    parts = {"release": release, "grant": grant, "log": domain.log_key}
    lines = (f'{part} = ["{key.public.text()}"]\n' for part, key in parts.items())
    (folder / "trusted.toml").write_text("".join(lines))
    return Certified(folder)


def test_a_release_is_verified_offline_step_by_step(certified: Certified) -> None:
    result = certified.verify()

    assert result.exit_code == 0, result.output
    assert "1. keys" in result.output
    assert "files compared" in result.output


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


def test_a_file_that_is_no_certificate_is_told_so(certified: Certified) -> None:
    (certified.folder / "R-1.json").write_bytes(b"\xff{}")

    result = certified.verify()

    assert (result.exit_code, "not verified" in result.output) == (1, True)
