"""The register of images: what was signed stays as it was signed."""

import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.asset import ImageDigest
from sandbox.errors import ImageError
from sandbox.runner.register import (
    Belief,
    Entry,
    Line,
    believed,
    dumped,
    parsed,
    signed,
)

KEY, OLD = b"the institution's", b"a revoked one"


def signs(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def trust(key: str, signature: bytes, message: bytes) -> Belief:
    worth = {"new": (KEY, Belief.GOOD), "old": (OLD, Belief.DISOWNED)}
    secret, belief = worth.get(key, (b"nobody's", Belief.FORGED))
    return belief if hmac.compare_digest(signs(secret, message), signature) else Belief.FORGED


def image(number: int) -> ImageDigest:
    return ImageDigest(f"sha256:{number:064x}")


def register(count: int, *, key: str = "new") -> tuple[Line, ...]:
    lines: tuple[Line, ...] = ()
    secret = KEY if key == "new" else OLD
    for number in range(count):
        after = lines[-1].digest if lines else ""
        entry = Entry(name=f"image{number}", digest=image(number), after=after)
        lines += (signed(entry, lambda message: (key, signs(secret, message))),)
    return lines


def test_what_was_signed_in_a_row_is_believed_the_newest_first() -> None:
    lines = parsed(dumped(register(3)))

    assert [entry.digest for entry in believed(lines, trust)] == [image(2), image(1), image(0)]


@given(at=st.integers(0, 3), how=st.sampled_from(["lose", "swap", "rename", "resign", "insert"]))
def test_whatever_is_done_to_a_line_that_another_follows_is_seen(at: int, how: str) -> None:
    lines = list(register(5))
    line = lines[at]
    if how == "lose":
        del lines[at]
    elif how == "swap":
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    elif how == "rename":
        lines[at] = replace(line, entry=replace(line.entry, name="reader"))
    elif how == "resign":
        lines[at] = replace(line, signature="")
    else:
        lines.insert(at, Line(entry=Entry(name="x", digest=image(9), after=line.entry.after)))

    with pytest.raises(ImageError, match="altered"):
        believed(tuple(lines), trust)


@pytest.mark.parametrize("signature", ["", "AAAA", "no base64", "é"])
def test_a_line_that_the_institution_did_not_sign_is_not_believed(signature: str) -> None:
    line = Line(entry=Entry(name="x", digest=image(1)), key="new", signature=signature)

    with pytest.raises(ImageError, match="altered"):
        believed((line,), trust)


def test_what_a_revoked_key_signed_stands_and_runs_no_more() -> None:
    lines = register(2, key="old")
    again = Entry(name="x", digest=image(7), after=lines[-1].digest)
    lines += (signed(again, lambda message: ("new", signs(KEY, message))),)

    assert [entry.digest for entry in believed(lines, trust)] == [image(7)]


@pytest.mark.parametrize("text", [b"", b"{}", b"[{}]", b'[{"name": "x", "digest": "sha256:0"}]'])
def test_a_register_that_does_not_read_says_what_to_do(text: bytes) -> None:
    with pytest.raises(ImageError, match="register the images again"):
        parsed(text)
