import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jobs.proof import keys
from jobs.proof.keys import KeyFileError, PublicKey, SigningKey

# The example of C2SP signed-note: this verifier key signed this note.
NOTE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE_SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "release.key"

    made = keys.make(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.load(path).public == made.public
    assert made.public.name == "release"
    with pytest.raises(KeyFileError, match="File exists"):
        keys.make(path)


def test_a_signature_is_of_one_key_and_one_message(tmp_path: Path) -> None:
    key = keys.make(tmp_path / "log.key", name="shuyu.test/log")

    signature = keys.load(tmp_path / "log.key", name="shuyu.test/log").sign(b"text")

    assert key.public.verifies(signature, b"text")
    assert not key.public.verifies(signature, b"texts")
    assert not key.public.verifies(signature[:-1], b"text")
    assert not SigningKey.unsaved("other").public.verifies(signature, b"text")


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    keys.make(tmp_path / "log.key")
    (tmp_path / "log.key").chmod(0o640)

    with pytest.raises(KeyFileError, match="chmod 600"):
        keys.load(tmp_path / "log.key")


def test_what_is_no_ed25519_key_is_named_and_not_quoted(tmp_path: Path) -> None:
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
