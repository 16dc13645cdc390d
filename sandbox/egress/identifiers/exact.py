"""Finds the domain's own sensitive values in texts, as they are and as they are usually disguised.

Each eight bytes of a text are looked up in a table of the secrets' first eight (numpy: some 400 MB
a processor-second for a million secrets; an Aho-Corasick automaton of as many takes 18 seconds and
760 MB to build); what agrees is held against fingerprints of whole secrets.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.egress.identifiers.plain import plain
from sandbox.egress.identifiers.prefilter import one_of, places
from sandbox.egress.identifiers.readings import DISGUISES, NEEDS_PLAIN, readings

SHORTEST = 8
"""Bytes of UTF-8; shorter values are too common to be looked for."""
_UNBOUND = 12
"""From so many bytes on a secret is found inside longer words, too."""
_MOST_BITS = 26
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_OTHER_SPREAD = np.uint64(0xC2B2AE3D27D4EB4F)
_BLOCK = 1 << 16
_DIGESTS = {16: {"md5"}, 20: {"sha1"}, 32: {"sha256", "sm3"}}
"""By the number of bytes."""
_HASH = "[0-9A-Fa-f]{32}|[A-Za-z0-9+/_-]{22}(?:==|[A-Za-z0-9+/_-]{5}=|[A-Za-z0-9+/_-]{21}=)"
"""In hexadecimal, or 16, 20 or 32 bytes in base64."""
_DIGEST = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9a-f])")
_DIGEST_64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{43}=|[A-Za-z0-9+/_-]{27}=|[A-Za-z0-9+/_-]{22}==)"
)
_SEPARATORS = r"[ \t\-_.,;:|/*]"
_SPREAD_OUT = rf"(?:[0-9A-Za-z]{_SEPARATORS}{{1,2}}){{7}}"
_SPACED = rf"{_SPREAD_OUT}|(?:[0-9]{_SEPARATORS}{{0,2}}){{8}}|(?:[0-9A-Za-z]*[0-9][0-9A-Za-z]*[ \t\-_,;:|/*]){{2}}"
_NO_SEPARATORS = b" \t-_.,;:|/*"
_HIDING = one_of((_HASH, _SPREAD_OUT, NEEDS_PLAIN, *DISGUISES))
_ODD = one_of((_HIDING, _SPACED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Sensitive values of `SHORTEST` bytes and more, ready to be looked for in any case."""

    values: pa.Array = field(repr=False)
    tables: tuple[np.ndarray, np.ndarray] = field(repr=False)
    """Which hashes of eight bytes any secret begins with, by two hashes; some 32 times as long as there are secrets."""
    starts: np.ndarray = field(repr=False)
    """Those eight bytes themselves, sorted."""
    prints: Mapping[tuple[str, int], np.ndarray] = field(repr=False)
    """By way (`exact`, `reversed`, `joined`) and length in bytes, the sorted fingerprints of the whole secrets."""

    @classmethod
    def of(cls, values: Iterable[str | None] | pa.Array) -> "Secrets":
        """Prepare `values`."""
        kept = _plain(pa.array(values, pa.large_string()).drop_null())
        joined = pc.replace_substring_regex(kept, _SEPARATORS, "")
        ways = {
            "exact": kept,
            "reversed": pc.utf8_reverse(kept),
            "joined": joined.filter(pc.not_equal(joined, kept)),
        }
        begun, prints = [np.zeros(0, np.uint64)], {}
        for way, some in ways.items():
            for length, rows in _by_length(pc.ascii_lower(some)):
                begun.append(np.ascontiguousarray(rows[:, :8]).view(np.uint64)[:, 0])
                prints[way, length] = np.sort(_prints(rows))
        starts = np.unique(np.concatenate(begun))
        tables = (_table(starts, _SPREAD), _table(starts, _OTHER_SPREAD))
        return cls(values=kept, tables=tables, starts=starts, prints=prints)


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """Texts, laid out once for however many secrets."""

    whole: bytes = field(repr=False)
    """In lower case, as the others."""
    spaced: bytes = field(repr=False)
    """The lines that hold separators where a secret might have none."""
    read: Mapping[str, bytes] = field(repr=False)
    """What other readings make of the lines that look like it, by the last step of each."""
    digests: frozenset[bytes] = field(repr=False)
    """All that may be a hash."""
    hides: bool
    """Whether any line looks as if it could be read in another way, or holds a hash."""

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Searched":
        """Lay out `texts`."""
        text = "\n".join(texts)
        lines = pc.split_pattern(pa.array([text], pa.large_string()), "\n").values
        odd = lines.take(pa.array(places(lines, _ODD), pa.int64()))
        hiding, spaced = _held(odd, _HIDING), "\n".join(_held(odd, _SPACED))
        return cls(
            whole=_raw(text),
            spaced=_raw(spaced),
            read=_read(hiding),
            digests=frozenset(digest for line in hiding for digest in _digests(line)),
            hides=bool(hiding),
        )


def exact_match(texts: Sequence[str], secrets: Secrets) -> Mapping[str, int]:
    """Count the secrets in `texts` by the way in which they stand there; never says which.

    Keys are `exact`, `reversed`, `joined` (without separators), names of hashes (`md5`, `sha1`,
    `sha256`, `sm3`) and of readings (`base64`, `hex`, `escaped`, `folded`, …).
    """
    return match(Searched.of(texts), secrets)


def match(searched: Searched, secrets: Secrets) -> Mapping[str, int]:
    """Count the secrets in texts as `exact_match` does."""
    if not len(secrets.values):
        return {}
    counted = _count(searched.whole, secrets)
    squeezed = searched.spaced.translate(None, _NO_SEPARATORS)
    more = _count(squeezed, secrets).total() - _count(searched.spaced, secrets).total()
    counted["joined"] += max(0, more)
    for how, read in searched.read.items():
        counted[how] += _count(read, secrets)["exact"]
    counted.update(_hashed(searched.digests, secrets))
    return {how: number for how, number in counted.items() if number}


def _plain(values: pa.Array) -> pa.Array:
    """Return the different values of `SHORTEST` bytes and more in plain form."""
    odd = places(values, NEEDS_PLAIN)
    mended = pa.array([plain(text) for text in _texts(values, odd)], pa.large_string())
    mask = np.zeros(len(values), bool)
    mask[odd] = True
    values = pc.unique(
        pc.utf8_trim_whitespace(pc.replace_with_mask(values, pa.array(mask), mended))
    )
    return values.filter(pc.greater_equal(pc.binary_length(values), SHORTEST))


def _by_length(values: pa.Array) -> Iterator[tuple[int, np.ndarray]]:
    """Yield, for each length in bytes from `SHORTEST` on, the texts of it as rows of bytes."""
    lengths = pc.binary_length(values)
    for length in pc.unique(lengths).to_pylist():
        if length >= SHORTEST:
            some = values.filter(pc.equal(lengths, length))
            raw = np.frombuffer(some.buffers()[2], np.uint8, count=len(some) * length)
            yield length, raw.reshape(-1, length)


def _table(starts: np.ndarray, spread: np.uint64) -> np.ndarray:
    table = np.zeros(1 << min(_MOST_BITS, len(starts).bit_length() + 5), bool)
    table[(starts * spread) >> _shift(table)] = True
    return table


def _shift(table: np.ndarray) -> np.uint64:
    """Return how far a hash is shifted to be a place in `table`."""
    return np.uint64(65 - len(table).bit_length())


def _raw(text: str) -> bytes:
    return text.encode("utf-8").lower()


def _held(lines: pa.Array, pattern: str) -> list[str]:
    return _texts(lines, places(lines, pattern))


def _texts(values: pa.Array, where: Sequence[int]) -> list[str]:
    found: list[str] = values.take(pa.array(where, pa.int64())).to_pylist()
    return found


def _read(lines: Sequence[str]) -> Mapping[str, bytes]:
    read: dict[str, list[str]] = {}
    for line in lines:
        for how, what in readings(line):
            read.setdefault(how.split()[-1], []).append(what)
    read.pop("reversed", None)  # every secret is looked for from its end, too
    return {how: _raw("\n".join(some)) for how, some in read.items()}


def _count(text: bytes, secrets: Secrets) -> Counter[str]:
    """Return how many places of `text` hold a secret, by way."""
    raw = np.frombuffer(text + b"\0" * 8, np.uint8)
    begun = _starts(raw[: len(text)], secrets)
    found: Counter[str] = Counter()
    for (way, length), prints in secrets.prints.items():
        some = begun[begun + length <= len(text)]
        if length < _UNBOUND:
            some = some[_is_bound(raw, some, length)]
        found[way] += _holding(raw, some, length, prints)
    return found


def _starts(raw: np.ndarray, secrets: Secrets) -> np.ndarray:
    """Return the places at which eight bytes are those that some secret begins with."""
    first_table, second_table = secrets.tables
    first_shift, second_shift = map(_shift, secrets.tables)
    found = [np.zeros(0, np.int64)]
    for shift in range(8):
        words = raw[shift : shift + (len(raw) - shift) // 8 * 8]
        for first in range(0, len(words) // 8, _BLOCK):
            some = words[first * 8 : (first + _BLOCK) * 8].view(np.uint64)
            maybe = np.flatnonzero(
                first_table.take(((some * _SPREAD) >> first_shift).view(np.int64))
            )
            maybe = maybe[second_table.take((some[maybe] * _OTHER_SPREAD) >> second_shift)]
            sure: np.ndarray = maybe[_among(some[maybe], secrets.starts)]
            found.append((sure + first) * 8 + shift)
    return np.concatenate(found)


def _among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Say of each value whether it is in `known`, which is sorted and not empty."""
    at = np.searchsorted(known, values)
    at[at == len(known)] = 0
    found: np.ndarray = known[at] == values
    return found


def _is_bound(raw: np.ndarray, places: np.ndarray, length: int) -> np.ndarray:
    before = _is_word(raw[np.maximum(places - 1, 0)]) & (places > 0)
    found: np.ndarray = ~(before | _is_word(raw[places + length]))
    return found


def _is_word(characters: np.ndarray) -> np.ndarray:
    digit = (characters >= ord("0")) & (characters <= ord("9"))
    found: np.ndarray = digit | ((characters >= ord("a")) & (characters <= ord("z")))
    return found


def _holding(raw: np.ndarray, places: np.ndarray, length: int, prints: np.ndarray) -> int:
    if not len(places):
        return 0
    window = np.lib.stride_tricks.sliding_window_view(raw, length)[places]
    return int(_among(_prints(window), prints).sum())


def _prints(rows: np.ndarray) -> np.ndarray:
    """Return a 64-bit fingerprint of each row of bytes, over all of them."""
    length = rows.shape[1]
    found = np.zeros(len(rows), np.uint64)
    for start in (*range(0, length - 8, 8), length - 8):
        words = np.ascontiguousarray(rows[:, start : start + 8]).view(np.uint64)[:, 0]
        found = (found ^ words) * _SPREAD
        found ^= found >> np.uint64(29)
    return found


def _hashed(digests: frozenset[bytes], secrets: Secrets) -> Iterator[str]:
    """Yield the name of the hash for each secret whose hash is among `digests`.

    A hash is of the very characters: a secret is hashed as it is, and in lower and upper case.
    """
    if not digests:
        return
    values = secrets.values.to_pylist()
    forms = (form for value in values for form in {value, value.lower(), value.upper()})
    raws = [form.encode("utf-8") for form in forms]
    for length in {len(digest) for digest in digests}:
        for name in _DIGESTS[length] & hashlib.algorithms_available:
            yield from (name for raw in raws if hashlib.new(name, raw).digest() in digests)


def _digests(line: str) -> Iterator[bytes]:
    yield from (bytes.fromhex(token) for token in _DIGEST.findall(line.lower()))
    for token in _DIGEST_64.findall(line):
        yield base64.b64decode(token.replace("-", "+").replace("_", "/"))
