import base64
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jobs.errors import RecordBrokenError
from jobs.proof import keys, sm2
from jobs.proof.checkpoint import open_checkpoint, sign_checkpoint
from jobs.proof.keys import KeyFileError, PublicKey, SigningKey, Suite
from jobs.proof.merkle import Hashing, Head

# The example of C2SP signed-note: this verifier key signed this note.
NOTE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE_SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
# GB/T 32918.5-2017, annex A: the public key, and the signature (r, s) of `message digest`.
GB_POINT = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
GB_SIGNATURE = bytes.fromhex(
    "3046"
    "022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
OPENSSL = shutil.which("openssl") or "openssl"


@pytest.mark.parametrize("suite", Suite)
def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path, suite: Suite) -> None:
    path = tmp_path / "release.key"

    made = keys.make(path, suite=suite)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.load(path).public == made.public
    assert made.public.name == "release"
    with pytest.raises(KeyFileError, match="File exists"):
        keys.make(path)


@pytest.mark.parametrize("suite", Suite)
def test_a_signature_is_of_one_key_and_one_message(tmp_path: Path, suite: Suite) -> None:
    key = keys.make(tmp_path / "log.key", name="shuyu.test/log", suite=suite)

    signature = keys.load(tmp_path / "log.key", name="shuyu.test/log").sign(b"text")

    assert key.public.verifies(signature, b"text")
    assert not key.public.verifies(signature, b"texts")
    assert not key.public.verifies(signature[:-1], b"text")
    for bent in (b"", b"\x30", signature + b"\0", bytes(64), bytes(200)):
        assert not key.public.verifies(bent, b"text")
    for other in Suite:
        assert not SigningKey.unsaved("other", other).public.verifies(signature, b"text")


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    keys.make(tmp_path / "log.key")
    (tmp_path / "log.key").chmod(0o640)

    with pytest.raises(KeyFileError, match="chmod 600"):
        keys.load(tmp_path / "log.key")


def test_what_is_no_key_of_a_suite_is_named_and_not_quoted(tmp_path: Path) -> None:
    other = X25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for name, content in (("a.key", b"CANARY-7f3a91"), ("b.key", other)):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
        with pytest.raises(KeyFileError) as caught:
            keys.load(tmp_path / name)
        assert "CANARY" not in str(caught.value)
    with pytest.raises(KeyFileError, match="No such file"):
        keys.load(tmp_path / "none.key")


def test_the_published_key_has_its_published_id_and_signature() -> None:
    key = PublicKey.parse(NOTE_KEY)
    signature = base64.b64decode(NOTE_SIGNATURE)

    assert key.id == "c74f20a3" == signature[:4].hex()
    assert key.verifies(signature[4:], NOTE_TEXT.encode())
    assert key.text() == NOTE_KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+!!!!",
        NOTE_KEY.replace("c74f20a3", "c74f20a4"),
        NOTE_KEY.replace("PeterNeumann", "Peter"),
        NOTE_KEY[:-4],
    ],
)
def test_a_text_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError):
        PublicKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_that_no_note_can_bear_is_refused(name: str) -> None:
    with pytest.raises(KeyFileError):
        PublicKey(name=name, raw=bytes(32))


def test_the_standards_own_sm2_signature_verifies() -> None:
    key = PublicKey(name="gb", raw=GB_POINT, suite=Suite.SM2)

    assert key.verifies(GB_SIGNATURE, b"message digest")
    assert not key.verifies(GB_SIGNATURE, b"message digests")


def test_openssl_reads_an_sm2_key_file_and_verifies_its_signature(tmp_path: Path) -> None:
    key = keys.make(tmp_path / "log.key", suite=Suite.SM2)
    (tmp_path / "signature").write_bytes(key.sign(b"text"))
    (tmp_path / "text").write_bytes(b"text")

    _openssl("pkey", "-in", "log.key", "-pubout", "-out", "log.pub", at=tmp_path)
    verifying = ("-verify", "log.pub", "-sigopt", "distid:1234567812345678", "-signature")
    told = _openssl("dgst", "-sm3", *verifying, "signature", "text", at=tmp_path)

    assert told.strip() == "Verified OK"


def test_an_sm2_key_that_openssl_made_is_read(tmp_path: Path) -> None:
    _openssl("genpkey", "-algorithm", "SM2", "-out", "log.key", at=tmp_path)
    (tmp_path / "log.key").chmod(0o600)

    key = keys.load(tmp_path / "log.key")

    assert key.public.suite is Suite.SM2
    assert key.public.verifies(key.sign(b"text"), b"text")


def test_an_sm2_key_whose_halves_do_not_belong_together_is_no_key(tmp_path: Path) -> None:
    one, other = (sm2.Sm2Key.generate() for _ in range(2))
    path = tmp_path / "log.key"
    path.write_bytes(sm2.Sm2Key(private=one.private, public=other.public).pem())
    path.chmod(0o600)

    with pytest.raises(KeyFileError, match="holds no key"):
        keys.load(path)
    assert one.private.hex() not in repr(one)


def test_an_sm2_key_signs_notes_under_its_object_identifier_over_an_sm3_tree() -> None:
    key = SigningKey.unsaved("shuyu.test/log", Suite.SM2)
    head = Head(size=3, root=bytes(32), hashing=Hashing.SM3)

    note = sign_checkpoint(head, key).note

    assert base64.b64decode(key.public.text().split("+", 2)[2])[:20] == b"\xff1.2.156.10197.1.501"
    assert PublicKey.parse(key.public.text()) == key.public
    assert open_checkpoint(note, key.public).head == head
    for hashing, other in ((Hashing.SHA256, key), (Hashing.SM3, SigningKey.unsaved("log"))):
        with pytest.raises(RecordBrokenError, match="is not signed by"):
            sign_checkpoint(Head(size=3, root=bytes(32), hashing=hashing), other)


def test_without_its_library_an_sm2_key_says_which_extra_to_install() -> None:
    # A process of its own, where the library cannot be imported: Ed25519 works there all the same.
    program = (
        "import sys; sys.modules['gmssl_pyx'] = None\n"
        "from jobs.proof.keys import SigningKey, Suite\n"
        "SigningKey.unsaved('a').sign(b'')\n"
        "try: SigningKey.unsaved('a', Suite.SM2)\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    root = Path(__file__).parents[3]

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )

    assert done.stdout.startswith("SuiteMissingError")
    assert "shuyu[sm]" in done.stdout


def _openssl(*words: str, at: Path) -> str:
    done = subprocess.run([OPENSSL, *words], capture_output=True, text=True, check=True, cwd=at)
    return done.stdout
