"""The gate of models: just the arrays that the terms imply leave, written anew with a card of our own."""

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.client.model import ModelError, load
from sandbox.reason import Reason
from sandbox.training.gate import Model, expected, read_model
from sandbox.training.plan import Training
from sandbox.training.terms import Metrics
from tests.sandbox.training.book import CANARY, SCORECARD, TERMS, planned

Trainer = Callable[[str], Any]
PLAIN = planned()
CARD = planned(SCORECARD)
TUNED = planned(replace(TERMS, tries=TERMS.tries * 2, metrics=Metrics()))


def arrays(training: Training) -> dict[str, Any]:
    """Arrays such as the trainer leaves: falling weights, small counts, the first try."""
    made: dict[str, Any] = {}
    for name, (kind, tensor) in expected(training).items():
        numbers = np.arange(prod(tensor.shape)).reshape(tensor.shape)
        made[name] = np.float32(-numbers / 8) if kind == "F32" else numbers
    return made


@pytest.fixture
def left(trainer: Trainer) -> Callable[[Training], bytes]:
    return lambda training: bytes(trainer("leave").packed(arrays(training)))


@pytest.mark.parametrize("training", [PLAIN, CARD, TUNED], ids=["plain", "scorecard", "tuned"])
def test_what_the_trainer_leaves_goes_out_with_a_card(
    left: Callable[[Training], bytes], training: Training
) -> None:
    model = read_model(left(training), training)

    assert isinstance(model, Model)
    released = load(model.content)
    assert json.loads(model.card) == released.card
    privacy = released.card["privacy"]
    assert Fraction(privacy["epsilon"]) == training.epsilon
    assert Fraction(privacy["rho"]) * 10**12 == training.rho
    assert set(released.arrays) == {each.name for each in training.tensors}


def test_the_card_has_no_number_from_the_data_but_charged_counts(
    left: Callable[[Training], bytes],
) -> None:
    plain, tuned = (read_model(left(each), each) for each in (PLAIN, TUNED))
    assert isinstance(plain, Model)
    assert isinstance(tuned, Model)
    other = {name: array * 3 for name, array in arrays(PLAIN).items()}

    again = read_model(_packed(other), PLAIN)

    assert isinstance(again, Model)
    assert again.card == plain.card
    assert "metrics" not in json.loads(plain.card)
    assert len(json.loads(tuned.card)["metrics"]) == 2


def _packed(made: dict[str, Any]) -> bytes:
    """A second writer of the format, for files that the trainer would not leave."""
    header, body = {}, b""
    for name, array in made.items():
        kind = {np.dtype("f4"): "F32", np.dtype("f8"): "F64"}.get(array.dtype, "I64")
        ends = [len(body), len(body) + array.nbytes]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": ends}
        body += array.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def with_canary(content: bytes) -> bytes:
    [size] = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = {"note": CANARY}
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + size :]


def changed(**more: Any) -> bytes:  # noqa: ANN401 - arrays of any kind
    return _packed(dict(sorted((arrays(PLAIN) | more).items())))


BIAS = np.zeros(1, np.float32)
WRONG = {
    "nothing": b"",
    "text": CANARY.encode(),
    "one byte more": changed() + b"\0",
    "one byte less": changed()[:-1],
    "metadata": with_canary(changed()),
    "another name": changed(extra=BIAS),
    "another shape": changed(**{"layer1.bias": np.zeros(2, np.float32)}),
    "another type": changed(**{"layer1.bias": np.zeros(1, np.float64)}),
    "not a number": changed(**{"layer1.bias": BIAS + np.nan}),
    "infinite": changed(**{"layer1.bias": BIAS - np.inf}),
    "another order": _packed(dict(sorted(arrays(PLAIN).items(), reverse=True))),
    "another model": _packed(arrays(CARD)),
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_any_other_file_is_refused_and_nothing_is_said_of_it(content: bytes) -> None:
    found = read_model(content, PLAIN)

    assert isinstance(found, Reason)
    assert found.rule == "training.model"
    assert CANARY not in repr(found)


def test_the_control_for_the_refusals_is_a_file_that_goes_out() -> None:
    assert isinstance(read_model(changed(), PLAIN), Model)


def test_a_scorecard_whose_bins_run_the_wrong_way_does_not_leave() -> None:
    made = arrays(CARD)
    made["layer1.weight"][0, :4] = [0, 1, 2, 3]

    assert isinstance(read_model(_packed(made), CARD), Reason)


@pytest.mark.parametrize("name", ["chosen", "metrics"])
def test_a_choice_or_a_count_that_cannot_be_does_not_leave(name: str) -> None:
    made = arrays(TUNED)
    made[name] += 1 << 60

    assert isinstance(read_model(_packed(made), TUNED), Reason)


def test_a_model_is_written_in_one_way_only() -> None:
    """Neither the sign of a zero nor anything else but numbers comes through."""
    made = arrays(PLAIN)
    minus = {name: np.where(array == 0, np.float32(-0.0), array) for name, array in made.items()}

    assert read_model(_packed(made), PLAIN) == read_model(_packed(minus), PLAIN)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_bytes_make_the_gate_fail(data: st.DataObject) -> None:
    """Cut, flip and splice a right file, and read plain noise: an answer each time, and all that leaves is finite."""
    right = changed()
    place = data.draw(st.integers(0, len(right) - 1))
    end = data.draw(st.integers(place, len(right)))
    content = right[:place] + data.draw(st.binary(max_size=16)) + right[end:]

    found = read_model(content, PLAIN)

    if isinstance(found, Model):
        assert all(np.isfinite(each).all() for each in load(found.content).arrays.values())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_outside_fail_but_as_no_model(content: bytes) -> None:
    with pytest.raises(ModelError):
        load(content)


def test_a_scorecard_is_told_as_points(left: Callable[[Training], bytes]) -> None:
    model = read_model(left(CARD), CARD)
    assert isinstance(model, Model)
    card = load(model.content)

    lines = card.points().splitlines()
    points = {tuple(line.split(",")[:2]): float(line.split(",")[-1]) for line in lines[1:]}
    row: dict[str, list[Any]] = {"income": [50.0, None], "sector": [3, 77]}
    odds = card.scores(row) / (1 - card.scores(row))

    told = [
        points["base", ""] + points["income", "< 100"] + points["sector", "3"],
        points["base", ""] + points["income", "缺失 missing"] + points["sector", "缺失 missing"],
    ]
    assert len(lines) == 2 + 5 + 5
    assert told == pytest.approx(600 - 20 * np.log2(odds * 50), abs=0.2)
