import base64
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import RecordBrokenError
from jobs.proof import dsse, statement
from jobs.proof.bodies import dump
from jobs.proof.certificate import issue, verify
from jobs.proof.keys import SigningKey, Suite
from jobs.proof.statement import CertificateFacts, LogProof
from jobs.proof.trusted import PARTS, REVOKED, PutAway, TrustedFile
from jobs.record.database import Record
from tests.jobs.proof.lies import Liar
from tests.jobs.proof.office import CONTENTS, Office, made

SCRIPT = Path(__file__).parents[3] / "docs" / "verify_certificate.py"
STEPS = (
    *("keys", "envelope", "signature", "statement", "files", "grant"),
    *("terms", "approvals", "checks", "seats", "privacy", "log"),
)
CASES = 1000
SEED = 20260302


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a verifier is given."""

    certificate: bytes
    trusted: TrustedFile
    proof: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """Good certificates of one domain, with a fresh proof for each."""

    office: Office
    facts: tuple[CertificateFacts, CertificateFacts]
    certificates: tuple[bytes, bytes]
    proofs: tuple[LogProof, LogProof]
    next_log: SigningKey

    @property
    def trusted(self) -> TrustedFile:
        keys = {part: (getattr(self.office, part).public,) for part in PARTS}
        return TrustedFile(keys=keys)


@pytest.fixture
def town(office: Office, sqlite_record: Record) -> Town:
    facts = (office.facts, office.reviewed(sqlite_record))
    first, second = (issue(each, key=office.release) for each in facts)
    next_log = SigningKey.unsaved(office.log.public.name)
    proofs = (made(sqlite_record, office.log, first), made(sqlite_record, next_log, second))
    return Town(
        office=office, facts=facts, certificates=(first, second), proofs=proofs, next_log=next_log
    )


def script() -> Any:  # noqa: ANN401 - a page of documentation, not a module of ours
    spec = util.spec_from_file_location("verify_certificate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def theirs(page: Any, case: Case) -> str:  # noqa: ANN401 - as above
    """Return the step at which the page stops, or `verified`."""
    done = 0
    try:
        for _, _, holds in page.verify(case.certificate, case.trusted.text(), None, case.proof):
            if not holds:
                return STEPS[done]
            done += 1
    except Exception:  # noqa: BLE001 - as the page itself: whatever it chokes on is not verified
        return STEPS[done]
    return "verified"


def ours(case: Case) -> str:
    try:
        verify(case.certificate, keys=case.trusted.trusted, proof=case.proof)
    except RecordBrokenError as error:
        return str(error).partition("(")[2].partition(")")[0]
    return "verified"


def run(certificate: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(certificate), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def folder(town: Town, tmp_path: Path) -> Path:
    """Give a folder with the released files, the reviewed certificate, its proof and the keys."""
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "R-1.json").write_bytes(town.certificates[1])
    (tmp_path / "R-1.proof.json").write_text(dump(town.proofs[1]))
    (tmp_path / "trusted.toml").write_text(town.trusted.text())
    return tmp_path


def test_the_page_verifies_a_good_certificate_and_its_files_as_a_process(folder: Path) -> None:
    done = run(folder / "R-1.json", str(folder / "trusted.toml"), "--files", str(folder))

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()] == list(STEPS)


def test_the_page_says_at_which_step_it_stopped(folder: Path) -> None:
    (folder / "O2.txt").write_bytes(b"other")

    done = run(folder / "R-1.json", str(folder / "trusted.toml"), "--files", str(folder))

    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith(" 5 files      FAILED")


def test_the_page_takes_a_fresh_proof_where_a_key_was_revoked(town: Town, folder: Path) -> None:
    line = PutAway(key=town.office.release.id, size=town.proofs[1].size, at="", why="lost")
    keys = town.trusted.followed("log", town.next_log.public).put_away(REVOKED, line)
    (folder / "trusted.toml").write_text(keys.text())
    words = (str(folder / "trusted.toml"), "--proof", str(folder / "R-1.proof.json"))

    assert run(folder / "R-1.json", words[0]).returncode == 1
    assert run(folder / "R-1.json", *words).returncode == 0


def test_the_page_says_of_sm2_keys_that_it_does_not_know_them(town: Town, folder: Path) -> None:
    other = SigningKey.unsaved("shuyu.test/release", Suite.SM2)
    keys = town.trusted.followed("release", other.public)
    (folder / "trusted.toml").write_text(keys.text())

    done = run(folder / "R-1.json", str(folder / "trusted.toml"))

    assert (done.returncode, "not an Ed25519 key" in done.stdout) == (1, True)


def test_the_page_is_one_page_and_needs_one_library() -> None:
    text = SCRIPT.read_text("utf-8")
    imported = {line.split()[1].split(".")[0] for line in text.splitlines() if _imports(line)}

    assert len(text.splitlines()) < 150
    assert imported - sys.stdlib_module_names == {"cryptography"}


def test_the_page_says_what_we_say_of_a_thousand_bent_certificates(town: Town) -> None:
    page, dice = script(), random.Random(SEED)
    found: Counter[tuple[str, str]] = Counter()
    makers = list(_makers(town, dice))

    for number in range(CASES):
        name, make = makers[number % len(makers)]
        case = make()
        answer = ours(case)
        assert (theirs(page, case), name, number) == (answer, name, number)
        found[name, answer] += 1

    refused = {name: n for (name, answer), n in found.items() if answer != "verified"}
    good = sum(n for (_, answer), n in found.items() if answer == "verified")
    assert set(refused) == {name for name, _ in makers}
    assert (good > 100, sum(found.values()) - good > 500) == (True, True), found
    assert {answer for _, answer in found} >= {*STEPS, "verified"} - {"keys", "files"}, found


def _makers(town: Town, dice: random.Random) -> Iterator[tuple[str, Callable[[], Case]]]:
    """Give each way to bend a certificate, or what it is held against; the lies come most often."""
    liar, bent = Liar(dice, town.office), _Bent(town, dice)
    for _ in range(4):
        yield "lie", lambda: bent.sealed(liar.lie)
    yield "approvals", lambda: bent.sealed(liar.lie_about_approvals)
    yield "swap", lambda: bent.sealed(liar.swap)
    yield "bit", bent.bit
    yield "envelope", bent.envelope
    yield "subject", bent.subject
    yield "other key", bent.other_key
    yield "put away", bent.put_away
    yield "put away", bent.put_away
    yield "proof", lambda: bent.proof(liar)


@dataclass(frozen=True, slots=True)
class _Bent:
    town: Town
    dice: random.Random

    def sealed(self, lie: Callable[[CertificateFacts], CertificateFacts]) -> Case:
        told = lie(self.dice.choice(self.town.facts))
        return Case(certificate=self.town.office.sealed(told), trusted=self.town.trusted)

    def bit(self) -> Case:
        file = bytearray(self.dice.choice(self.town.certificates))
        cut = len(file) if self.dice.random() < 3 / 4 else self.dice.randrange(len(file))
        at = self.dice.randrange(len(file) * 8)
        file[at // 8] ^= 1 << at % 8
        return Case(certificate=bytes(file[:cut]), trusted=self.town.trusted)

    def envelope(self) -> Case:
        found = json.loads(self.dice.choice(self.town.certificates))
        mark = found["signatures"][0]
        changes: list[dict[str, Any]] = [
            {"payloadType": "text/plain"},
            {"signatures": []},
            {"signatures": [{**mark, "keyid": self.town.office.log.id}]},
            {"signatures": [{**mark, "keyid": self.town.office.log.id}, mark]},
            {"signatures": [{**mark, "sig": mark["sig"].rstrip("=")}]},
            {"signatures": [{**mark, "note": 1}], "more": {}},
            {"payload": found["payload"] + "AAAA"},
        ]
        found |= self.dice.choice(changes)
        return Case(certificate=json.dumps(found, indent=1).encode(), trusted=self.town.trusted)

    def subject(self) -> Case:
        found = json.loads(statement.write(self.dice.choice(self.town.facts)))
        subject = found["subject"]
        changes: list[dict[str, Any]] = [
            {"subject": subject[1:]},
            {"subject": [*subject, subject[0]]},
            {"subject": [{**subject[0], "name": "O9.csv"}, *subject[1:]]},
            {"subject": [{**subject[0], "digest": {"sha512": "00"}}, *subject[1:]]},
            {"_type": "https://in-toto.io/Statement/v0.1"},
            {"predicateType": "urn:shuyu:release:v2"},
            {},
        ]
        found |= self.dice.choice(changes)
        file = dsse.seal(dump(found).encode(), self.town.office.release)
        return Case(certificate=file, trusted=self.town.trusted)

    def other_key(self) -> Case:
        part, trusted = self.dice.choice(PARTS), self.town.trusted
        own: SigningKey = getattr(self.town.office, part)
        elsewhere = SigningKey.unsaved(own.public.name).public
        for_another = getattr(self.town.office, self.dice.choice(PARTS)).public
        keys = self.dice.choice(
            [(elsewhere,), (own.public, elsewhere), (elsewhere, own.public), (for_another,)]
        )
        lists = {**trusted.keys, part: keys}
        if keys == (for_another,) and for_another != own.public:
            lists = {each: (elsewhere,) if each != part else keys for each in PARTS}
        certificate = self.dice.choice(self.town.certificates)
        return Case(certificate=certificate, trusted=replace(trusted, keys=lists))

    def put_away(self) -> Case:
        """Put one or two keys away at a size near those that the certificate speaks of."""
        which = self.dice.randrange(2)
        told, proof = self.town.facts[which].log, self.town.proofs[which]
        trusted = self.town.trusted.followed("log", self.town.next_log.public)
        sizes = (told.seq, told.seq + 1, told.size, proof.seq, proof.seq + 1, proof.size + 9)
        for part in self.dice.sample(PARTS, self.dice.choice([1, 1, 2])):
            line = PutAway(
                key=getattr(self.town.office, part).id, size=self.dice.choice(sizes), at=""
            )
            for table in self.dice.choice([("retired",), ("revoked",), ("retired", "revoked")]):
                trusted = trusted.put_away(table, line)
        fresh = self.dice.choice([None, self.town.proofs[0], self.town.proofs[1]])
        return Case(
            certificate=self.town.certificates[which],
            trusted=trusted,
            proof=dump(fresh).encode() if fresh else None,
        )

    def proof(self, liar: Liar) -> Case:
        which = self.dice.randrange(2)
        told = liar.bent(self.town.proofs[which])
        text = dump(self.dice.choice([told, told, self.town.proofs[which]])).encode()
        cut = self.dice.choice([len(text)] * 5 + [self.dice.randrange(1, len(text))])
        trusted = self.town.trusted.followed("log", self.town.next_log.public)
        line = PutAway(key=self.town.office.release.id, size=self.town.proofs[which].size, at="")
        return Case(
            certificate=self.town.certificates[which],
            trusted=trusted.put_away(REVOKED, line),
            proof=text[:cut],
        )


def _imports(line: str) -> bool:
    return line.startswith(("import ", "from "))


def test_spare_bits_of_base64_are_told_by_both(town: Town) -> None:
    found = json.loads(town.certificates[0])
    sig = base64.b64decode(found["signatures"][0]["sig"])
    found["signatures"][0]["sig"] = base64.b64encode(sig).decode()[:-3] + "B=="
    case = Case(certificate=json.dumps(found).encode(), trusted=town.trusted)

    assert theirs(script(), case) == ours(case)
