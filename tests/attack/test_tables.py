"""The tables of attempts: how many there are, that each is told in two languages and has a control, what the card says."""

from collections import Counter
from dataclasses import replace

import pytest

from gateway.attack import suite as whole
from gateway.cli.attack import UNPROVEN, _line, verdict
from sandbox.attack import suite
from sandbox.attack.attempt import Attempt, Control, Family, Inside, Left, Proof, Score
from sandbox.attack.crossing import CROSSING
from sandbox.attack.outputs import OUTPUTS
from sandbox.attack.trial import program
from sandbox.reason import Said

ALL: tuple[Attempt, ...] = (*suite.ATTEMPTS, *whole.ATTEMPTS)
HELD = Score(
    attempt=Attempt(name="x", family=Family.NETWORK, does=Said(zh="试", en="tries")),
    runtime="runc",
    expected="blocked",
    seen="blocked: EPERM",
    held=True,
    control=Control(proof=Proof.WORKED, seen="done"),
    evidence="silence",
)


def test_there_are_more_than_a_hundred_and_twenty_attempts_of_our_own_beside_the_probe() -> None:
    assert len(ALL) >= 120
    assert Family.PROBE not in {one.family for one in ALL}
    assert len([line for line in program("probe.py").splitlines() if line.startswith(b"A(")]) > 20


def test_every_family_has_attempts_of_its_own() -> None:
    counts = Counter(one.family for one in ALL)

    assert set(counts) == set(Family) - {Family.PROBE}
    assert min(counts.values()) >= 9


def test_no_two_attempts_bear_one_name() -> None:
    names = [one.name for one in ALL]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("attempt", ALL, ids=lambda one: one.name)
def test_every_attempt_says_what_it_does_in_both_languages(attempt: Attempt) -> None:
    assert attempt.does.en.isascii()
    assert any(ord(letter) > 0x3000 for letter in attempt.does.zh)


def test_few_attempts_have_no_control_and_each_of_them_says_why() -> None:
    without = [one for one in ALL if one.uncontrolled]

    assert len(without) < 10
    assert all(one.trait or one.uncontrolled for one in OUTPUTS)


def test_every_attempt_inside_a_container_is_a_program() -> None:
    codes = [one.code for one in ALL if isinstance(one, (Inside, Left))]
    codes += [code for one in CROSSING for code in (one.leave, one.look)]

    for code in codes:
        compile(code, "attempt", "exec")


def test_the_card_as_json_has_these_fields_and_no_others() -> None:
    assert _line(HELD) == {
        "attack": "x",
        "family": "network",
        "runtime": "runc",
        "expected": "blocked",
        "seen": "blocked: EPERM",
        "held": True,
    }


@pytest.mark.parametrize(
    ("scores", "code"),
    [
        ((HELD,), 0),
        ((HELD, replace(HELD, held=False)), 1),
        ((HELD, replace(HELD, control=Control(proof=Proof.FAILED, seen="blocked"))), UNPROVEN),
        ((replace(HELD, held=False, control=Control(proof=Proof.FAILED, seen="")),), 1),
        ((replace(HELD, control=Control(proof=Proof.NONE, seen="why")),), 0),
    ],
)
def test_the_command_fails_where_one_did_not_hold_or_a_control_failed(
    scores: tuple[Score, ...], code: int
) -> None:
    assert verdict(scores) == code
