import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import RecordBrokenError
from jobs.proof.keys import SigningKey, Suite
from jobs.proof.ring import KnownKey
from jobs.proof.trusted import PARTS, RETIRED, REVOKED, PutAway, TrustedFile

KEYS = {part: SigningKey.unsaved(f"shuyu.test/{part}").public for part in PARTS}
NEXT = SigningKey.unsaved("shuyu.test/log").public
FIRST = TrustedFile(keys={part: (key,) for part, key in KEYS.items()})
OLD_FORM = "".join(f'{part} = ["{key.text()}"]\n' for part, key in KEYS.items())


def away(size: int = 41, why: str = "") -> PutAway:
    return PutAway(key=KEYS["log"].id, size=size, at="2026-03-02T04:00:00.000000Z", why=why)


def test_a_file_of_before_the_tables_is_read_and_all_its_keys_are_in_use() -> None:
    read = TrustedFile.parse(OLD_FORM)

    assert read == FIRST
    assert read.ring("log").keys == (KnownKey(public=KEYS["log"]),)


def test_what_is_written_is_read_as_it_was() -> None:
    file = FIRST.followed("log", NEXT).put_away(RETIRED, away()).put_away(REVOKED, away(57, "lost"))

    read = TrustedFile.parse(file.text())

    assert read == file
    assert read.trusted.log.keys == (
        KnownKey(public=KEYS["log"], until=41, revoked=57),
        KnownKey(public=NEXT),
    )
    assert read.trusted.grant.public == (KEYS["grant"],)


def test_keys_of_both_suites_are_listed() -> None:
    other = SigningKey.unsaved("shuyu.test/log", Suite.SM2).public

    assert TrustedFile.parse(FIRST.followed("log", other).text()).ring("log").current == other


@given(why=st.text(st.characters(codec="utf-8"), max_size=40))
def test_whatever_reason_is_given_is_quoted(why: str) -> None:
    text = FIRST.put_away(REVOKED, away(why=why)).text()

    assert tomllib.loads(text)[REVOKED][0].get("why", "") == why
    assert TrustedFile.parse(text).revoked[0].why == why


def test_a_revoked_key_that_was_not_retired_ends_with_its_revocation() -> None:
    ring = FIRST.put_away(REVOKED, away()).ring("log")

    assert (ring.keys[0].until, ring.keys[0].revoked) == (41, 41)


def test_the_same_change_twice_is_one() -> None:
    once = FIRST.followed("log", NEXT).put_away(RETIRED, away())

    assert once.followed("log", NEXT).put_away(RETIRED, away(99)) == once


@pytest.mark.parametrize(
    "more",
    [
        "revokd = []",
        '[[revokd]]\nkey = "00000000"\nsize = 1\nat = ""',
        '[[revoked]]\nkey = "00000000"\nsize = 1\nat = ""',
        '[[revoked]]\nkey = "LOG"\nsize = "1"\nat = ""',
        '[[revoked]]\nkey = "LOG"\nsize = -1\nat = ""',
        '[[revoked]]\nkey = "LOG"\nsize = true\nat = ""',
        '[[revoked]]\nkey = "LOG"\nat = ""',
        '[[revoked]]\nkey = "LOG"\nsize = 1\nat = 2026-03-02',
        '[[revoked]]\nkey = "LOG"\nsize = 1\nat = ""\nmore = 1',
        '[[revoked]]\nkey = "LOG"\nsize = 1\nat = ""\n' * 2,
        'revoked = "LOG"',
        "revoked = 1",
        "#" * 2**20,
        "\x00",
    ],
)
def test_a_file_with_anything_that_is_not_understood_is_not_used(more: str) -> None:
    with pytest.raises(RecordBrokenError):
        TrustedFile.parse(f"{OLD_FORM}\n{more.replace('LOG', KEYS['log'].id)}\n")


@pytest.mark.parametrize("part", PARTS)
def test_a_file_without_a_list_or_with_one_that_holds_no_keys_is_not_used(part: str) -> None:
    lines = [line for line in OLD_FORM.splitlines() if not line.startswith(part)]
    twice = f'{part} = ["{KEYS[part].text()}", "{KEYS[part].text()}"]'

    for line in ("", f"{part} = 1", f"{part} = [1]", f'{part} = ["key"]', twice):
        with pytest.raises(RecordBrokenError):
            TrustedFile.parse("\n".join([*lines, line]))
