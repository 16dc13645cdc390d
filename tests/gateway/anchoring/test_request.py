import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.anchoring.request import MAX_BODY, AddCheckpoint, MalformedError

NOTE = "shuyu.test/log\n3\nAAAA\n\n\u2014 shuyu.test/log AAAA\n"
HASH = bytes(range(32))
LINE = base64.b64encode(HASH).decode()
plain = st.characters(exclude_categories=["C"])
notes = st.builds(
    lambda text, lines: f"{text}\n\n{lines}\n", st.text(plain, min_size=1), st.text(plain)
)


@given(
    old=st.integers(0, 10**18 - 1),
    proof=st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    note=notes,
)
def test_a_request_is_read_as_it_was_written(old: int, proof: tuple[bytes, ...], note: str) -> None:
    asked = AddCheckpoint(old=old, proof=proof, note=note)

    assert AddCheckpoint.read(asked.written()) == asked


def test_the_body_has_the_form_of_the_specification() -> None:
    body = AddCheckpoint(old=20, proof=(HASH,), note=NOTE).written()

    assert body == f"old 20\n{LINE}\n\n{NOTE}".encode()


@given(body=st.binary(max_size=300))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    with pytest.raises(MalformedError):
        AddCheckpoint.read(body)


@given(place=st.integers(0, 7), sign=st.binary(min_size=1, max_size=1))
def test_an_altered_head_is_read_as_what_it_says_or_not_at_all(place: int, sign: bytes) -> None:
    body = bytearray(f"old 20\n\n{NOTE}".encode())
    body[place : place + 1] = sign

    try:
        found = AddCheckpoint.read(bytes(body))
    except MalformedError:
        return

    assert found.written() == bytes(body)


@pytest.mark.parametrize(
    "body",
    [
        f"old 020\n\n{NOTE}",
        f"old -1\n\n{NOTE}",
        f"old \u0661\n\n{NOTE}",
        f"old 9999999999999999999\n\n{NOTE}",
        f"old 20 \n\n{NOTE}",
        f"Old 20\n\n{NOTE}",
        f"old 20\r\n\n{NOTE}",
        f"old 20\n{NOTE}",
        f"old 20\n{LINE[:-4]}\n\n{NOTE}",
        f"old 20\n {LINE}\n\n{NOTE}",
        f"old 20\n{LINE[:-2]}9=\n\n{NOTE}",
        "old 20\n" + f"{LINE}\n" * 64 + f"\n{NOTE}",
        "old 20\n\n",
        "old 20\n\nno note\n",
        f"old 20\n\n{NOTE}".rstrip("\n"),
        f"old 20\n\n{NOTE}\x00\n",
        f"old 20\n\n{NOTE}" + "x" * 9000 + "\n",
    ],
)
def test_what_is_not_a_request_is_malformed(body: str) -> None:
    with pytest.raises(MalformedError):
        AddCheckpoint.read(body.encode())


def test_a_body_without_an_end_is_not_even_decoded() -> None:
    with pytest.raises(MalformedError, match="bytes"):
        AddCheckpoint.read(b"\xff" * (MAX_BODY + 1))
