"""The domain's own sensitive values are found exactly, and in the forms that they are usually written in."""

import base64
import hashlib
import html
import random
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.egress.identifiers.exact import SHORTEST, Secrets, exact_match
from tests.sandbox.egress.examples import quickly

KEYS = tuple(f"CANARY-7f3a{random.Random(seed).getrandbits(48):012x}" for seed in range(3000))
SECRETS = Secrets.of(KEYS)


def digest(name: str) -> Callable[[str], str]:
    return lambda key: hashlib.new(name, key.encode()).hexdigest()


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "md5": digest("md5"),
    "md5 of the upper case": lambda key: digest("md5")(key.upper()),
    "sha1": digest("sha1"),
    "sha256": digest("sha256"),
    "sha256 in upper case": lambda key: digest("sha256")(key).upper(),
    "sha256 in base64": lambda key: base64.b64encode(
        hashlib.sha256(key.encode()).digest()
    ).decode(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 twice": lambda key: base64.b64encode(base64.b64encode(key.encode())).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
    "reversed": lambda key: key[::-1],
    "percent": lambda key: "".join(f"%{byte:02x}" for byte in key.encode()),
    "full-width": lambda key: "".join(chr(ord(c) + 0xFEE0) for c in key),
    "spaced": " ".join,
    "spaced twice": "  ".join,
    "hyphens": "-".join,
    "without its hyphen": lambda key: key.replace("-", ""),
    "entities": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "zero-width": "\u200b".join,
    "quoted for an address": lambda key: quote(html.escape(key)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_in_a_form(form: str) -> None:
    for key in KEYS[:20]:
        assert exact_match([f"结果见 {FORMS[form](key)} 一栏"], SECRETS), form


@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_secret_is_found_in_no_form(form: str) -> None:
    others = [f"CANARY-7f3b{seed:012x}" for seed in range(20)]

    assert exact_match([FORMS[form](other) for other in others], SECRETS) == {}


def test_every_secret_of_a_text_is_counted_and_none_is_told() -> None:
    found = exact_match(["\n".join(f"a,{key},b" for key in KEYS)], SECRETS)

    assert found == {"exact": len(KEYS)}
    assert "CANARY" not in repr(SECRETS)


def test_a_joined_secret_beside_plain_ones_is_counted_too() -> None:
    plain = "\n".join(KEYS[:5])

    assert exact_match([f"{plain}\n{' '.join(KEYS[7])}"], SECRETS)["joined"] == 1


def test_hashes_of_values_that_are_written_in_both_cases_are_found() -> None:
    secrets = Secrets.of(["Zhang San Feng"])

    assert exact_match([digest("sha256")("Zhang San Feng")], secrets) == {"sha256": 1}


def test_short_values_and_pieces_of_words_are_not_looked_for() -> None:
    secrets = Secrets.of(["1234567", "12345678", None, ""])

    assert exact_match(["1234567"], secrets) == {}
    assert exact_match(["no. 12345678."], secrets) == {"exact": 1}
    assert exact_match(["no. 912345678."], secrets) == {}
    assert exact_match(["anything"], Secrets.of([])) == {}


@quickly
@given(st.lists(st.text(min_size=1, max_size=30), max_size=20), st.text(max_size=40))
def test_it_agrees_with_looking_for_each_value_alone(values: list[str], around: str) -> None:
    values = [v.strip() for v in values if v.isascii() and v.isprintable() and v.strip().isalnum()]
    long = [value for value in values if len(value) >= SHORTEST]

    text = " ".join([around.replace("\n", " "), *long, around])
    found = exact_match([text], Secrets.of(values))

    assert bool(found.get("exact")) == any(value.lower() in text.lower() for value in long)
