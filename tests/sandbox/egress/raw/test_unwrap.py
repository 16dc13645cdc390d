import base64
import bz2
import gzip
import hashlib
import io
import lzma
import struct
import tarfile
import time
import uuid
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shuyu_reader.unwrap import MAX_BYTES, MAX_DEPTH, Unwrapped, unwrap
from shuyu_reader.unwrapping.encodings import MAX_RUNS
from shuyu_reader.unwrapping.plain import numbers_in, tensors_in, unmasked

from tests.sandbox.egress.examples import CANARY

TEXT = f"state,income\nNY,{CANARY}\nCA,52817.25\n".encode() * 8
SECONDS = 20
"""Of processor time for what takes longest; the tests' machine is shared."""
quickly = settings(deadline=None, max_examples=80, derandomize=True)


def zipped(content: bytes, name: str = "rows.csv") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def tarred(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("rows.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def arrow(codec: str) -> Callable[[bytes], bytes]:
    def pack(content: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(content)
        return bytes(sink.getvalue().to_pybytes())

    return pack


def masked(content: bytes) -> bytes:
    return bytes(letter ^ 0xA7 for letter in content)


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda c: lzma.compress(c, lzma.FORMAT_ALONE),
    "zstd": arrow("zstd"),
    "lz4": arrow("lz4"),
    "zip": zipped,
    "tar": tarred,
    "base64": base64.b64encode,
    "url-safe base64": base64.urlsafe_b64encode,
    "base64 in lines": base64.encodebytes,
    "base32": base64.b32encode,
    "base85": base64.b85encode,
    "ascii85": base64.a85encode,
    "hex": lambda c: c.hex().encode(),
    "hex pairs": lambda c: c.hex(" ").encode(),
    "percent": lambda c: "".join(f"%{x:02X}" for x in c).encode(),
    "quoted-printable": lambda c: "".join(f"={x:02X}" for x in c).encode(),
    "unicode escapes": lambda c: "".join(f"\\u{x:04x}" for x in c).encode(),
    "entities": lambda c: "".join(f"&#{x};" for x in c).encode(),
    "mask": masked,
}


def finds(found: Unwrapped, text: bytes) -> bool:
    return any(text in layer.content for layer in found.layers)


@pytest.mark.parametrize("how", PACKINGS)
def test_every_packing_is_opened(how: str) -> None:
    found = unwrap(PACKINGS[how](TEXT))

    assert finds(found, CANARY.encode())
    assert not found.bomb


@quickly
@given(hows=st.lists(st.sampled_from(sorted(PACKINGS)), min_size=1, max_size=6))
def test_any_six_packings_inside_each_other_are_opened_or_refused(hows: list[str]) -> None:
    content = TEXT
    for how in hows:
        content = PACKINGS[how](content)

    found = unwrap(content)

    is_told = any(layer.wrappings for layer in found.layers) or found.bomb
    assert is_told or how_reads(content) or CANARY.encode() in content


def how_reads(content: bytes) -> bool:
    """Whether a file is refused by its type anyway: its bytes are no text."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def test_six_archives_inside_each_other_are_opened_to_the_last() -> None:
    content = TEXT
    for pack in (gzip.compress, bz2.compress, lzma.compress, zlib.compress, zipped, tarred):
        content = pack(content)

    assert finds(unwrap(content), CANARY.encode())


def test_more_wrappings_than_are_opened_are_a_bomb() -> None:
    content = TEXT
    for _ in range(MAX_DEPTH + 1):
        content = gzip.compress(content)

    assert unwrap(content).bomb


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zipped])
def test_what_unpacks_to_too_much_is_a_bomb_and_takes_bounded_time(
    pack: Callable[[bytes], bytes],
) -> None:
    content = pack(b"\0" * (MAX_BYTES + 1))
    begun = time.process_time()

    found = unwrap(content)

    assert found.bomb
    assert sum(len(layer.content) for layer in found.layers) <= MAX_BYTES
    assert time.process_time() - begun < SECONDS


def test_a_zip_that_lies_about_its_sizes_is_a_bomb_or_unreadable() -> None:
    content = zipped(b"\0" * (MAX_BYTES + 1))
    content = content.replace(struct.pack("<I", MAX_BYTES + 1), struct.pack("<I", 100))

    found = unwrap(content)

    assert sum(len(layer.content) for layer in found.layers) <= MAX_BYTES


def test_words_that_are_too_many_to_decode_are_a_bomb() -> None:
    dice = np.random.default_rng(2)
    words = (base64.b64encode(dice.bytes(24)) for _ in range(MAX_RUNS + 1))

    assert unwrap(b" ".join(words)).bomb


PROSE = (
    "The scorecard was trained on 8,000 loans and reached an AUC of 0.712 on the rest; "
    "see https://example.org/a/very/long/path/of/a/report-about-2018/and_its_annex?version=12 for more. "
)


@pytest.mark.parametrize(
    "text",
    [
        PROSE * 40,
        "| grade | mean |\n|" + "-" * 300 + "|" + "-" * 300 + "|\n| A | 1.25 |\n" * 20,
        "普惠金融评分卡说明:训练样本 8000 笔,测试集 AUC 为 0.7124。" * 40,
        "\n".join(f"{i},{i * 1.37:.4f},{i**2}" for i in range(2000)),
        f'{{"digest": "sha256:{hashlib.sha256(TEXT).hexdigest()}", "run": "{uuid.uuid5(uuid.NAMESPACE_URL, "x")}"}}',
        "=" * 500 + "\nTitle\n" + "#" * 500,
        "GRADE_A_36_MONTHS " * 50,
    ],
)
def test_plain_text_is_no_wrapping(text: str) -> None:
    found = unwrap(text.encode())

    assert [layer.wrappings for layer in found.layers] == [()]
    assert not found.bomb


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", ">f4", "<i8", ">i8", "<i4", ">i4"])
def test_an_array_of_numbers_is_read_whatever_its_bytes_and_their_order(kind: str) -> None:
    values = (np.random.default_rng(1).lognormal(8, 1, 64) // 1).astype(kind)

    told = numbers_in(values.tobytes()).split()

    assert [float(word) for word in told] == values.astype(float).tolist()


def test_random_bytes_are_no_array_and_no_masked_text() -> None:
    dice = np.random.default_rng(5)
    tried = [dice.bytes(512) for _ in range(200)]

    assert sum(bool(numbers_in(each) or unmasked(each)) for each in tried) <= 2


@quickly
@given(content=st.binary(max_size=400))
def test_any_bytes_are_unwrapped_without_an_exception(content: bytes) -> None:
    found = unwrap(content)

    assert found.bomb or found.layers[0].content == content


@quickly
@given(
    how=st.sampled_from(sorted(PACKINGS)),
    place=st.integers(min_value=0, max_value=10_000),
    letter=st.integers(min_value=0, max_value=255),
    cut=st.integers(min_value=0, max_value=60),
)
def test_a_packing_that_was_spoilt_is_unwrapped_without_an_exception(
    how: str, place: int, letter: int, cut: int
) -> None:
    content = bytearray(PACKINGS[how](TEXT))
    content[place % len(content)] = letter

    unwrap(bytes(content[: len(content) - cut]))


@quickly
@given(
    header=st.binary(max_size=200), body=st.binary(max_size=64), length=st.integers(0, 2**64 - 1)
)
def test_any_safetensors_header_is_read_without_an_exception(
    header: bytes, body: bytes, length: int
) -> None:
    tensors_in(struct.pack("<Q", length) + header + body)
    tensors_in(struct.pack("<Q", len(header)) + header + body)


def test_a_safetensors_file_tells_its_header_and_its_numbers() -> None:
    numbers = np.arange(1, 25, dtype="<f4")
    header = (
        b'{"w":{"dtype":"F32","shape":[24],"data_offsets":[0,96]},"__metadata__":{"note":"mine"}}'
    )

    told = tensors_in(struct.pack("<Q", len(header)) + header + numbers.tobytes())

    assert b"mine" in told
    assert told.split()[-24:] == [str(n).encode() for n in range(1, 25)]
