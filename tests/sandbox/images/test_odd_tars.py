"""Tar files that are oddly written: whatever two readers could read differently is refused."""

import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.errors import ImageError
from tests.sandbox.images.forge import Image, brought, examined, special, tarred

QUICK = settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
SPOTS = st.lists(
    st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4
)


def extended(records: bytes, kind: bytes = b"x") -> bytes:
    """A file with an extended header of our own making before it."""
    first = tarfile.TarInfo("PaxHeader")
    first.type, first.size = kind, len(records)
    head = first.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512)
    return head + tarred({"x": b"x"})


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (extended(b"12 path=abc\n"), None),  # control
        (extended(b"13 comment=a\n", b"g"), None),  # control: what git archive writes
        (extended(b"12 path=a\0c\n"), "control"),
        (extended(b"12 path=\xff\xff\xff\n"), "UTF-8"),
        (extended(b"99 path=abc\n"), "damaged"),
        (extended(b"11 path=abc\n"), "damaged"),
        (extended(b"12 path=abc\n" * 2), "damaged"),
        (extended(b"12 size=abc\n"), "number"),
        (extended(b"22 GNU.sparse.major=1\n"), "sparse"),
        (extended(b"23 SCHILY.realsize=999\n"), "not taken"),
        (extended(b"12 path=abc\n", b"g"), "all its members"),
        (extended(b"12 path=abc\n") + b"x", "behind its end"),
        (extended(b"abc\0", b"L") + extended(b"def\0", b"L"), "behind its end"),
        (extended(b"abc\0", b"L")[:1024] + extended(b"12 path=abc\n"), "twice"),
        (extended(b"12 path=abc\n")[:1024] + extended(b"12 path=abc\n"), "twice"),
        (extended(b"12 path=abc\n")[:1024] + bytes(1024), "belongs to nothing"),
        (tarred({"x": b"x" * 1000})[:1024], "cut short"),
        (tarred({"x": b"x"})[:700], "cut short"),
    ],
)
def test_an_extended_header_says_only_what_every_reader_understands(
    tmp_path: Path, layer: bytes, why: str | None
) -> None:
    source = brought(tmp_path / "a", Image(layers=(layer,)).saved())

    if why is None:
        examined(tmp_path, source)
    else:
        with pytest.raises(ImageError, match=why):
            examined(tmp_path, source)


@pytest.mark.parametrize("field", [b"-0000001", b"0x000001", b"\xff" * 8, b"99999999"])
def test_a_number_that_readers_differ_on_is_refused(tmp_path: Path, field: bytes) -> None:
    raw = bytearray(tarred({"x": b""}))
    raw[108:116] = field

    with pytest.raises(ImageError, match="number"):
        examined(tmp_path, brought(tmp_path / "a", Image(layers=(summed(raw),)).saved()))


def summed(raw: bytearray) -> bytes:
    """Put the first header's checksum right."""
    raw[148:156] = b"%06o\0 " % (sum(raw[:148]) + 8 * 32 + sum(raw[156:512]))
    return bytes(raw)


def changed(raw: bytes, spots: list[tuple[float, bytes]]) -> bytearray:
    odd = bytearray(raw)
    for share, piece in spots:
        at = int(share * (len(odd) - len(piece)))
        odd[at : at + len(piece)] = piece
    return odd


@QUICK
@given(spots=SPOTS)
def test_a_header_of_any_bytes_gives_an_image_or_a_refusal(
    tmp_path: Path, spots: list[tuple[float, bytes]]
) -> None:
    whole = tarred({"x": b"x", "y": b"y"})
    layer = summed(changed(whole[:512], spots)) + whole[512:]

    with suppress(ImageError):
        examined(tmp_path, brought(tmp_path / "a", Image(layers=(layer,)).saved()))


@QUICK
@given(records=st.binary(max_size=60), kind=st.sampled_from([b"x", b"g", b"L", b"K"]))
def test_an_extended_header_of_any_bytes_gives_an_image_or_a_refusal(
    tmp_path: Path, records: bytes, kind: bytes
) -> None:
    with suppress(ImageError):
        image = Image(layers=(extended(records, kind),))
        examined(tmp_path, brought(tmp_path / "a", image.saved()))


@QUICK
@given(spots=SPOTS, form=st.booleans())
def test_whatever_bytes_of_an_archive_are_changed_gives_an_image_or_a_refusal(
    tmp_path: Path, spots: list[tuple[float, bytes]], *, form: bool
) -> None:
    link = special(tarfile.SYMTYPE, "l", target="x")
    image = Image().with_layer(tarred({".wh.hello": b"", "l": link}))
    raw = changed(image.saved() if form else tarred(image.layout()), spots)

    with suppress(ImageError):
        examined(tmp_path, brought(tmp_path / "a", bytes(raw)))
