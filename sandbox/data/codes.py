"""Keyed codes of cells: equal values have equal 64 bits, which say nothing without the key.

A number's code has two halves: a hash of its three leading digits, then one of its six leading digits, so that all
numbers alike to three digits stand side by side once codes are sorted. A text's code is one hash. The hash is
SipHash-2-4 (Aumasson and Bernstein, 2012), a pseudo-random function for short inputs.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.data.compiled import compiled

KEY_BYTES = 16
SMALLEST, LARGEST = 1e-30, 1e30
"""Sizes of the numbers that have a code; zero and what is not finite have none."""
WORDS = 4
"""Of a text, only so many first words count: they are found again in the midst of prose."""
LONGEST = 64
"""Characters of a text that count, after its words were cut."""
NEAR = 11
"""Coarse halves that a number of two leading digits may have come from, at most."""

_FIRST_WORDS = rf"^(\S+(?: \S+){{{WORDS - 1}}}).*$"
_THREE = 100
"""The least number of three digits."""
_U = np.uint64


def number_codes(values: np.ndarray, key: bytes) -> np.ndarray:
    """Return the code of each number, whatever its sign; 0 where its size is out of bounds."""
    codes: np.ndarray = _numbers(np.ascontiguousarray(values, np.float64), *_halves(key))
    return codes


def near_codes(values: np.ndarray, key: bytes) -> np.ndarray:
    """Return the coarse halves of all that rounds to each number's two leading digits: (n, `NEAR`), blanks 0."""
    codes: np.ndarray = _near(np.ascontiguousarray(values, np.float64), *_halves(key))
    return codes


def text_codes(texts: pa.Array, key: bytes) -> np.ndarray:
    """Return the code of each text, none of which is missing; `folded` says what counts as equal."""
    plain = folded(texts).cast(pa.large_string())
    _, offsets, characters = plain.buffers()
    if not len(plain):
        return np.zeros(0, np.uint64)
    places = np.frombuffer(offsets, np.int64)[plain.offset : plain.offset + len(plain) + 1]
    letters = np.frombuffer(characters or b"\0", np.uint8)
    codes: np.ndarray = _texts(letters, places, *_halves(key))
    return codes


def folded(texts: pa.Array) -> pa.Array:
    """Return texts in one spelling: NFKC, lower case, single blanks, and the first words only."""
    plain = pc.utf8_lower(pc.utf8_normalize(texts, form="NFKC"))
    if pc.any(pc.match_substring_regex(plain, r"\s\s|[^\S ]|^ | $")).as_py():
        plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, r"\s+", " "))
    if pc.any(pc.greater_equal(pc.count_substring(plain, " "), WORDS)).as_py():
        plain = pc.replace_substring_regex(plain, _FIRST_WORDS, r"\1")
    return pc.utf8_slice_codeunits(plain, 0, LONGEST)


def _halves(key: bytes) -> np.ndarray:
    return np.frombuffer(key, "<u8", KEY_BYTES // 8)


@compiled
def _mixed(v0, v1, v2, v3):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    v0 += v1
    v2 += v3
    v1 = ((v1 << _U(13)) | (v1 >> _U(51))) ^ v0
    v3 = ((v3 << _U(16)) | (v3 >> _U(48))) ^ v2
    v0 = (v0 << _U(32)) | (v0 >> _U(32))
    v2 += v1
    v0 += v3
    v1 = ((v1 << _U(17)) | (v1 >> _U(47))) ^ v2
    v3 = ((v3 << _U(21)) | (v3 >> _U(43))) ^ v0
    v2 = (v2 << _U(32)) | (v2 >> _U(32))
    return v0, v1, v2, v3


@compiled
def _absorbed(v, block):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    v0, v1, v2, v3 = v
    v0, v1, v2, v3 = _mixed(v0, v1, v2, v3 ^ block)
    v0, v1, v2, v3 = _mixed(v0, v1, v2, v3)
    return v0 ^ block, v1, v2, v3


@compiled
def _begun(k0, k1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    """Return the state that a key begins with: the letters of `somepseudorandomlygeneratedbytes`."""
    return (
        k0 ^ _U(0x736F6D6570736575),
        k1 ^ _U(0x646F72616E646F6D),
        k0 ^ _U(0x6C7967656E657261),
        k1 ^ _U(0x7465646279746573),
    )


@compiled
def _ended(v, last):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    v0, v1, v2, v3 = _absorbed(v, last)
    v2 ^= _U(255)
    for _ in range(4):
        v0, v1, v2, v3 = _mixed(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@compiled
def _hash(letters, start, end, k0, k1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    v = _begun(k0, k1)
    place = start
    while place + 8 <= end:
        block = _U(0)
        for i in range(8):
            block |= _U(letters[place + i]) << _U(8 * i)
        v = _absorbed(v, block)
        place += 8
    last = _U((end - start) & 255) << _U(56)
    for i in range(end - place):
        last |= _U(letters[place + i]) << _U(8 * i)
    return _ended(v, last)


@compiled
def _hash_int(number, k0, k1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    return _ended(_absorbed(_begun(k0, k1), _U(number)), _U(8) << _U(56))


@compiled
def _leading(size, digits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    """Return (q, e) with size about q * 10^(e + 1 - digits), where q has so many digits."""
    exponent = int(np.floor(np.log10(size)))
    lead = int(np.floor(size * 10.0 ** (digits - 1 - exponent) + 0.5 + 1e-9))
    if lead >= 10**digits:
        return (lead + 5) // 10, exponent + 1
    if lead < 10 ** (digits - 1):
        return int(np.floor(size * 10.0 ** (digits - exponent) + 0.5 + 1e-9)), exponent - 1
    return lead, exponent


@compiled
def _coarse(lead, exponent, k0, k1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    return _hash_int((3 << 56) | ((exponent + 500) << 32) | lead, k0, k1) & _U(0xFFFFFFFF00000000)


@compiled
def _numbers(values, k0, k1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    codes = np.zeros(len(values), np.uint64)
    for i in range(len(values)):
        size = abs(values[i])
        if SMALLEST <= size <= LARGEST:
            lead, exponent = _leading(size, 3)
            high = _coarse(lead, exponent, k0, k1)
            lead, exponent = _leading(size, 6)
            low = _hash_int((6 << 56) | ((exponent + 500) << 32) | lead, k0, k1) >> _U(32)
            codes[i] = high | low | _U(1)
    return codes


@compiled
def _near(values, k0, k1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    codes = np.zeros((len(values), NEAR), np.uint64)
    for i in range(len(values)):
        size = abs(values[i])
        if SMALLEST <= size <= LARGEST:
            lead, exponent = _leading(size, 2)
            first = lead * 10 - 5
            for j in range(NEAR):
                each, at = first + j, exponent
                if each < _THREE:  # below 1.00 of this power of ten, digits are ten times as fine
                    each, at = each + 9 * _THREE, exponent - 1
                codes[i, j] = _coarse(each, at, k0, k1)
    return codes


@compiled
def _texts(letters, places, k0, k1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - numba infers them
    codes = np.zeros(len(places) - 1, np.uint64)
    for i in range(len(codes)):
        codes[i] = _hash(letters, places[i], places[i + 1], k0, k1) | _U(1)
    return codes
