import base64
import hashlib
import struct
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import RecordBrokenError
from jobs.proof.checkpoint import open_checkpoint, sign_checkpoint
from jobs.proof.cosignature import Voucher, WitnessKey, cosign, cosigned, vouchers
from jobs.proof.keys import KeyFileError, SigningKey
from jobs.proof.merkle import Head

LOG = SigningKey.unsaved("shuyu.test/log")
W1, W2 = SigningKey.unsaved("witness.test/w1"), SigningKey.unsaved("witness.test/w2")
KEYS = (WitnessKey.of(W1), WitnessKey.of(W2))
AT = datetime(2026, 3, 2, 4, 0, 7, tzinfo=UTC)
NOTE = sign_checkpoint(Head(size=3, root=bytes(range(32))), LOG).note
LINE = cosign(NOTE, W1, at=AT)


def test_a_cosignature_is_what_c2sp_says_to_the_byte() -> None:
    dash, name, encoded = LINE.rstrip("\n").split(" ")
    body = base64.b64decode(encoded)
    text = NOTE[: NOTE.index("\n\n") + 1]
    raw = W1.public.raw

    assert (dash, name) == ("\u2014", "witness.test/w1")
    assert body[:4] == hashlib.sha256(b"witness.test/w1\n\x04" + raw).digest()[:4]
    assert struct.unpack(">Q", body[4:12]) == (int(AT.timestamp()),)
    said = f"cosignature/v1\ntime {int(AT.timestamp())}\n{text}".encode()
    Ed25519PublicKey.from_public_bytes(raw).verify(body[12:], said)


def test_a_note_says_who_vouched_and_when() -> None:
    note = cosigned(NOTE, LINE + cosign(NOTE, W2, at=AT), KEYS)

    assert vouchers(note, KEYS) == (
        Voucher(witness="witness.test/w1", at=AT),
        Voucher(witness="witness.test/w2", at=AT),
    )


def test_a_cosigned_checkpoint_opens_as_before() -> None:
    note = cosigned(NOTE, LINE, KEYS)

    assert open_checkpoint(note, LOG.public).head.size == 3


def test_nobody_vouches_in_a_note_of_the_log_alone() -> None:
    assert vouchers(NOTE, KEYS) == ()


def test_lines_of_strangers_are_neither_believed_nor_added() -> None:
    stranger = SigningKey.unsaved("witness.test/w1")  # the name alone is no key

    assert cosigned(NOTE, cosign(NOTE, stranger, at=AT) + "chatter\n", KEYS) == NOTE


def test_a_line_is_not_added_twice() -> None:
    once = cosigned(NOTE, LINE, KEYS)

    assert cosigned(once, LINE, KEYS) == once


def test_a_cosignature_over_another_checkpoint_is_refused() -> None:
    other = sign_checkpoint(Head(size=4, root=bytes(32)), LOG).note

    with pytest.raises(RecordBrokenError):
        cosigned(other, LINE, KEYS)


def test_a_plain_signature_of_the_witness_is_no_cosignature() -> None:
    text = NOTE[: NOTE.index("\n\n") + 1].encode()
    body = base64.b64encode(KEYS[0].id_bytes + W1.sign(text)).decode()

    with pytest.raises(RecordBrokenError):
        vouchers(f"{NOTE}\u2014 witness.test/w1 {body}\n", KEYS)


@pytest.mark.parametrize("seconds", [2**63, 2**64 - 1])
def test_a_time_that_is_none_is_refused(seconds: int) -> None:
    text = NOTE[: NOTE.index("\n\n") + 1]
    signature = W1.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
    body = KEYS[0].id_bytes + struct.pack(">Q", seconds) + signature
    line = f"\u2014 witness.test/w1 {base64.b64encode(body).decode()}\n"

    with pytest.raises(RecordBrokenError):
        vouchers(NOTE + line, KEYS)


@given(place=st.integers(32, 8 * 76 - 1))
def test_a_bit_that_is_turned_in_time_or_signature_is_found(place: int) -> None:
    body = bytearray(base64.b64decode(LINE.split(" ")[2]))
    body[place // 8] ^= 1 << place % 8
    line = f"\u2014 witness.test/w1 {base64.b64encode(body).decode()}\n"

    with pytest.raises(RecordBrokenError):
        vouchers(NOTE + line, KEYS)


@given(text=st.text())
def test_no_text_makes_a_voucher_or_breaks_the_reader(text: str) -> None:
    try:
        found = vouchers(text, KEYS)
    except RecordBrokenError:
        found = ()

    assert found == ()


def test_a_key_is_read_as_it_was_written() -> None:
    assert WitnessKey.parse(f"  {KEYS[0].text()}\n") == KEYS[0]
    assert base64.b64decode(KEYS[0].text().split("+", 2)[2])[:1] == b"\x04"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "w+00000000",
        LOG.public.text(),
        KEYS[0].text().replace(KEYS[0].id, "00000000"),
        KEYS[0].text()[:-4],
        KEYS[0].text().replace("witness.test", "witness test"),
    ],
)
def test_a_text_that_is_no_witness_key_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError):
        WitnessKey.parse(text)


@given(text=st.text())
def test_no_text_breaks_the_reader_of_keys(text: str) -> None:
    with pytest.raises(KeyFileError):
        WitnessKey.parse(text)
