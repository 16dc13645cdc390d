import math
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sandbox.data.codes import _halves, _hash, near_codes, number_codes, text_codes

KEY = bytes(range(16))
OTHER_KEY = bytes(range(1, 17))
REFERENCE = {
    0: 0x726FDB47DD0E0E31,
    1: 0x74F839C593DC67FD,
    7: 0xAB0200F58B01D137,
    8: 0x93F5F5799A932462,
    15: 0xA129CA6149BE45E5,
}
"""Of the messages 00, 00 01, … by the authors' own program (SipHash-2-4, appendix A and vectors.h)."""
sizes = st.floats(min_value=1e-20, max_value=1e20)
quickly = settings(deadline=None, max_examples=200, derandomize=True)


@pytest.mark.parametrize("length", REFERENCE)
def test_the_hash_is_the_reference_implementations(length: int) -> None:
    letters = np.arange(length + 1, dtype=np.uint8)

    assert int(_hash(letters, 0, length, *_halves(KEY))) == REFERENCE[length]


def halves(size: float) -> tuple[int, int]:
    [code] = number_codes(np.array([size]), KEY).tolist()
    return code >> 32, code & 0xFFFFFFFF


def rounded(size: float, digits: int) -> Decimal:
    exact = Decimal(size)
    return exact.quantize(Decimal(1).scaleb(exact.adjusted() + 1 - digits), ROUND_HALF_UP)


def is_clear(size: float, digits: int) -> bool:
    """Whether a size does not lie between two numbers of so many digits, where floats may go either way."""
    lead = Decimal(size).scaleb(digits - 1 - Decimal(size).adjusted())
    return abs(lead % 1 - Decimal("0.5")) > Decimal("1e-6")


@quickly
@given(size=sizes, other=st.floats(min_value=-0.01, max_value=0.01))
def test_two_numbers_share_a_half_exactly_where_they_share_three_or_six_digits(
    size: float, other: float
) -> None:
    near = size * (1 + other)
    assume(all(is_clear(each, digits) for each in (size, near) for digits in (3, 6)))

    coarse, fine = (a == b for a, b in zip(halves(size), halves(near), strict=True))

    assert coarse == (rounded(size, 3) == rounded(near, 3))
    assert fine == (rounded(size, 6) == rounded(near, 6))


@quickly
@given(size=sizes)
def test_a_number_that_was_rounded_to_two_digits_still_names_the_three_that_it_had(
    size: float,
) -> None:
    assume(is_clear(size, 3))
    assume(is_clear(size, 2))

    named = near_codes(np.array([float(f"{size:.1e}")]), KEY)[0].tolist()

    assert halves(size)[0] << 32 in named


def test_a_sign_does_not_matter_and_zero_and_what_is_not_finite_have_no_code() -> None:
    codes = number_codes(np.array([2.5, -2.5, 0.0, -0.0, math.nan, math.inf, 1e-300, 1e300]), KEY)

    assert codes[0] == codes[1] != 0
    assert not codes[2:].any()


def test_texts_are_equal_whatever_their_case_width_and_blanks() -> None:
    spelled = pa.array(["Acme  Ltd", " acme ltd ", "ＡＣＭＥ\u00a0ｌｔｄ", "acme ltd.", "沪", "滬"])

    codes = text_codes(spelled, KEY).tolist()

    assert len(set(codes[:3])) == 1
    assert len(set(codes[2:])) == 4


def test_of_a_long_text_its_first_words_count() -> None:
    one, two, three = text_codes(
        pa.array(["a b c d e", "a b c d, and more", "a b c d something else"]), KEY
    )

    assert one == three != two


def test_without_the_key_codes_say_nothing_of_equality() -> None:
    values, texts = np.arange(1.0, 500.0), pa.array([f"t{i}" for i in range(500)])

    here = {*number_codes(values, KEY).tolist(), *text_codes(texts, KEY).tolist()}
    there = {*number_codes(values, OTHER_KEY).tolist(), *text_codes(texts, OTHER_KEY).tolist()}

    assert len(here) == 999
    assert here & there == set()


def test_a_slice_of_texts_has_the_codes_of_its_own_texts() -> None:
    texts = pa.array(["x", "one", "two", "three"])

    assert text_codes(texts.slice(1), KEY).tolist() == text_codes(texts, KEY).tolist()[1:]
    assert len(text_codes(pa.array([], pa.string()), KEY)) == 0
