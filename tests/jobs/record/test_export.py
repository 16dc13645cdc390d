import json
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from jobs.errors import ConflictError, NotFoundError, RecordBrokenError
from jobs.proof.checkpoint import sign_checkpoint
from jobs.proof.keys import SigningKey, Suite
from jobs.proof.merkle import Head, Peaks, leaf_hash
from jobs.proof.ring import KeyRing
from jobs.record import log
from jobs.record.database import Reading, Record
from jobs.record.event import Event
from jobs.record.export import ExportError, export_log, read_note, verify_export
from jobs.record.schema import log_entry
from tests.jobs.conftest import Ticking

SIZE, LATER = 530, 7
PATHS = [
    "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/18", "tile/1/000.p/2",
    "tile/entries/000", "tile/entries/001", "tile/entries/002.p/18",
]  # fmt: skip
GO = Path(sys.executable).with_name("go")
CACHE = Path.home() / ".cache" / "shuyu" / "go"


@dataclass(frozen=True, slots=True)
class Exported:
    """A log, its key, and the folder that it was exported to."""

    record: Record
    key: SigningKey
    folder: Path

    @property
    def ring(self) -> KeyRing:
        return KeyRing.of(self.key.public)

    def copied(self, to: Path) -> Path:
        return shutil.copytree(self.folder, to)


@pytest.fixture(scope="module")
def exported(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    """Give a log of 530 entries under a checkpoint, and 7 after it."""
    folder = tmp_path_factory.mktemp("exported")
    shutil.copy(migrated, folder / "record.db")
    record = Record.open(f"sqlite:///{folder / 'record.db'}", clock=Ticking())
    key = SigningKey.unsaved("shuyu.test/log")
    fill(record, SIZE)
    with record.writing() as tx:
        log.checkpoint(tx, key)
    fill(record, LATER)
    export_log(record, folder / "export", KeyRing.of(key.public))
    yield Exported(record, key, folder / "export")
    record.close()


def fill(record: Record, size: int) -> None:
    with record.writing() as tx:
        for number in range(size):
            tx.note(Event("job.queued", f"J-{number}", "系统", {"n": number, "why": 'a "quote"'}))


def files_of(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def test_an_export_is_one_checkpoint_and_all_its_tiles(exported: Exported) -> None:
    assert files_of(exported.folder) == PATHS
    with exported.record.reading() as tx:
        signed = log.last_checkpoint(tx, exported.ring)

    assert signed is not None
    assert read_note(exported.folder / "checkpoint") == signed.note


def test_an_export_verifies_without_the_database(exported: Exported) -> None:
    seen: list[tuple[int, int]] = []

    report = verify_export(
        exported.folder, exported.ring, progress=lambda done, of: seen.append((done, of))
    )

    assert (report.head.size, report.signed, report.checkpoints) == (SIZE, SIZE, 1)
    assert report.signed_at == Ticking()()
    assert seen == [(256, SIZE), (512, SIZE), (SIZE, SIZE)]


@pytest.mark.parametrize("suite", list(Suite))
def test_a_log_of_either_suite_is_exported_from_either_database(
    record: Record, tmp_path: Path, suite: Suite
) -> None:
    key = SigningKey.unsaved("shuyu.test/log", suite)
    record.found(domain="shuyu.test", hashing=suite.hashing)
    with record.writing() as tx:
        log.checkpoint(tx, key)

    report = export_log(record, tmp_path / "new" / "export", KeyRing.of(key.public))

    assert report.head.hashing is suite.hashing
    assert files_of(tmp_path / "new" / "export") == [
        "checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1",
    ]  # fmt: skip


def test_an_empty_log_is_exported_as_its_checkpoint(record: Record, tmp_path: Path) -> None:
    key = SigningKey.unsaved("shuyu.test/log")
    with pytest.raises(NotFoundError, match="no checkpoint"):
        export_log(record, tmp_path / "export", KeyRing.of(key.public))
    with record.writing() as tx:
        log.checkpoint(tx, key)

    report = export_log(record, tmp_path / "export", KeyRing.of(key.public))

    assert (report.head.size, report.signed_at) == (0, None)
    assert files_of(tmp_path / "export") == ["checkpoint"]


def test_an_export_is_made_whole_in_a_new_folder_or_not_at_all(
    exported: Exported, tmp_path: Path
) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine").write_text("mine")
    with pytest.raises(ConflictError):
        export_log(exported.record, taken, exported.ring)
    with pytest.raises(ExportError, match="cannot be written"):
        export_log(exported.record, taken / "mine" / "export", exported.ring)
    with exported.record._writers.begin() as connection:
        bent = update(log_entry).where(log_entry.c.seq == 500)
        kept = log.leaf_bytes(Reading(connection, now=Ticking()()), 500)
        connection.execute(bent.values(subject="J-bent"))

    with pytest.raises(RecordBrokenError, match=r"tile/0/001|entries do not give"):
        export_log(exported.record, tmp_path / "export", exported.ring)

    with exported.record._writers.begin() as connection:
        connection.execute(bent.values(subject=json.loads(kept)["subject"]))
    assert files_of(tmp_path) == ["taken/mine"]
    assert export_log(exported.record, tmp_path / "export", exported.ring).signed == SIZE


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_bit_of_any_file_that_is_flipped_is_found(
    exported: Exported, data: st.DataObject
) -> None:
    path = exported.folder / data.draw(st.sampled_from(PATHS))
    kept = path.read_bytes()
    bit = data.draw(st.integers(0, len(kept) * 8 - 1))
    bent = bytearray(kept)
    bent[bit // 8] ^= 1 << bit % 8

    try:
        path.write_bytes(bent)
        assert found_out(exported) or says_nothing(kept, bytes(bent))
    finally:
        path.write_bytes(kept)
    assert verify_export(exported.folder, exported.ring).head.size == SIZE


def found_out(exported: Exported) -> bool:
    try:
        verify_export(exported.folder, exported.ring)
    except RecordBrokenError:
        return True
    return False


def says_nothing(kept: bytes, bent: bytes) -> bool:
    """Say whether only the last character of the signature differs.

    Two of its six bits are padding, which no verifier of notes reads (RFC 4648 section 3.5).
    """
    return kept.endswith(b"=\n") and kept[:-3] + kept[-2:] == bent[:-3] + bent[-2:]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cut", [0, 1, -1])
def test_a_file_that_is_cut_or_gone_is_told(
    exported: Exported, tmp_path: Path, path: str, cut: int
) -> None:
    folder = exported.copied(tmp_path / "export")
    content = (folder / path).read_bytes()
    (folder / path).write_bytes(content[:cut])
    with pytest.raises(RecordBrokenError):
        verify_export(folder, exported.ring)

    (folder / path).unlink()
    with pytest.raises(RecordBrokenError, match="missing"):
        verify_export(folder, exported.ring)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("path", PATHS)
def test_a_file_without_end_is_read_no_further_than_it_may_be(
    exported: Exported, tmp_path: Path, path: str
) -> None:
    folder = exported.copied(tmp_path / "export")
    with (folder / path).open("r+b") as file:
        file.truncate(1 << 40)  # sparse: a terabyte of nothing
    with pytest.raises(RecordBrokenError, match="longer"):
        verify_export(folder, exported.ring)

    (folder / path).unlink()
    os.mkfifo(folder / path)
    with pytest.raises(RecordBrokenError, match="missing"):
        verify_export(folder, exported.ring)


def test_files_too_many_and_files_in_each_others_place_are_told(
    exported: Exported, tmp_path: Path
) -> None:
    folder = exported.copied(tmp_path / "export")
    (folder / "tile" / "0" / "003").write_bytes(b"")
    with pytest.raises(RecordBrokenError, match="no part of it"):
        verify_export(folder, exported.ring)
    (folder / "tile" / "0" / "003").unlink()

    for level in ("0", "entries"):
        first, second = (folder / "tile" / level / name for name in ("000", "001"))
        swapped = second.read_bytes(), first.read_bytes()
        for path, content in zip((first, second), swapped, strict=True):
            path.write_bytes(content)
    with pytest.raises(RecordBrokenError, match=r"tile/1/000\.p/2: not the hashes"):
        verify_export(folder, exported.ring)


def test_a_checkpoint_of_another_key_or_another_log_is_not_believed(
    exported: Exported, tmp_path: Path
) -> None:
    folder = exported.copied(tmp_path / "export")
    with pytest.raises(RecordBrokenError, match="no key"):
        verify_export(folder, KeyRing.of(SigningKey.unsaved("shuyu.test/log").public))

    for head in (Head(size=2**60, root=bytes(32)), Head(size=SIZE, root=bytes(32))):
        (folder / "checkpoint").write_text(sign_checkpoint(head, exported.key).note)
        with pytest.raises(RecordBrokenError):
            verify_export(folder, exported.ring)


@dataclass(frozen=True, slots=True)
class Sumdb:
    """The code of the Go checksum database, built into a program that checks an export."""

    program: Path

    def says(self, vkey: str, folder: Path, proofs: Path) -> "subprocess.CompletedProcess[str]":
        command = [str(self.program), vkey, str(folder), str(proofs)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def sumdb(tmp_path_factory: pytest.TempPathFactory) -> Sumdb:
    """Build the check from the sources that the Go toolchain carries; nothing is fetched."""
    folder = tmp_path_factory.mktemp("sumdb")
    offline = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    go = {**os.environ, **offline, "GOCACHE": str(CACHE), "CGO_ENABLED": "0"}
    root = subprocess.run(
        [GO, "env", "GOROOT"], env=go, capture_output=True, text=True, check=True
    ).stdout.strip()
    shutil.copytree(Path(root, "src/cmd/vendor/golang.org/x/mod"), folder / "mod")
    (folder / "mod" / "go.mod").write_text("module golang.org/x/mod\n\ngo 1.24\n")
    shutil.copy(Path(__file__).parent / "tlog" / "main.go", folder)
    (folder / "go.mod").write_text(
        "module shuyu.test/tlog\n\ngo 1.24\n\nrequire golang.org/x/mod v0.0.0\n\n"
        "replace golang.org/x/mod => ./mod\n"
    )
    subprocess.run([GO, "build", "-o", "tlog", "."], cwd=folder, env=go, check=True, timeout=300)
    return Sumdb(folder / "tlog")


def proofs_of(exported: Exported, *, bent: str = "") -> dict[str, list[dict[str, object]]]:
    """Prove some entries, and that some earlier logs begin this one; flip a bit of the `bent` ones."""
    flip = {"inclusion": b"", "consistency": b""} | {bent: bytes(31) + b"\x01"}
    with exported.record.reading() as tx:
        return {
            "inclusion": [
                {"seq": seq, "hashes": texts(log.inclusion(tx, seq, SIZE), flip["inclusion"])}
                for seq in (0, 1, 255, 256, 511, 512, SIZE - 1)
            ],
            "consistency": [
                {
                    "old": old,
                    "root": texts((root_of(tx, old),))[0],
                    "hashes": texts(log.consistency(tx, old, SIZE), flip["consistency"]),
                }
                for old in (1, 2, 255, 256, 257, 512, 529, SIZE)
            ],
        }


def root_of(tx: Reading, size: int) -> bytes:
    peaks = Peaks()
    for seq in range(size):
        peaks, _ = peaks.grown(leaf_hash(log.leaf_bytes(tx, seq)))
    return peaks.root()


def texts(hashes: tuple[bytes, ...], flip: bytes = b"") -> list[str]:
    bent = [bytes(a ^ b for a, b in zip(each, flip or bytes(32), strict=True)) for each in hashes]
    return [b64encode(each).decode() for each in bent]


@pytest.mark.timeout(300)
@pytest.mark.req("J-02")
def test_the_code_of_the_go_checksum_database_accepts_what_we_sign_prove_and_export(
    exported: Exported, sumdb: Sumdb, tmp_path: Path
) -> None:
    (tmp_path / "proofs").write_text(json.dumps(proofs_of(exported)))

    said = sumdb.says(exported.key.public.text(), exported.folder, tmp_path / "proofs")

    root = b64encode(verify_export(exported.folder, exported.ring).head.root).decode()
    assert (said.returncode, said.stderr, said.stdout.split()) == (0, "", [str(SIZE), root])


@pytest.mark.timeout(300)
def test_it_refuses_one_bit_more_or_less_in_note_tile_bundle_and_proof(
    exported: Exported, sumdb: Sumdb, tmp_path: Path
) -> None:
    vkey, proofs = exported.key.public.text(), tmp_path / "proofs"
    proofs.write_text(json.dumps(proofs_of(exported)))
    refused = {}
    for path in PATHS:
        folder = exported.copied(tmp_path / path.replace("/", "-"))
        content = bytearray((folder / path).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / path).write_bytes(content)
        refused[path] = sumdb.says(vkey, folder, proofs).returncode
    for kind in ("inclusion", "consistency"):
        proofs.write_text(json.dumps(proofs_of(exported, bent=kind)))
        refused[kind] = sumdb.says(vkey, exported.folder, proofs).returncode
    proofs.write_text(json.dumps(proofs_of(exported)))
    other = SigningKey.unsaved("shuyu.test/log").public.text()
    refused["key"] = sumdb.says(other, exported.folder, proofs).returncode

    assert set(refused.values()) == {1}
    assert len(refused) == len(PATHS) + 3
