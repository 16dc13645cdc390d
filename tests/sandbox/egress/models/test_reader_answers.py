"""What the reader container says of a model's file is judged like the file of a job: whatever the bytes, a model or a refusal."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.egress.inspection import Inspection, inspect
from sandbox.egress.malformed import UnreadableError
from sandbox.egress.models.form import model_of
from sandbox.egress.reading import Question
from sandbox.egress.terms import Read
from sandbox.egress.verdict import Blocked
from sandbox.order import Artifact
from tests.sandbox.egress.examples import CANARY, O1, InProcessReader, findings, told
from tests.sandbox.egress.models.containers import tensors
from tests.sandbox.egress.models.fitting import model_terms
from tests.sandbox.egress.models.spoilt import ARRAYS, BASES, TENSORS_TEXT, base, said_of

EXAMPLES = 2000 if os.environ.get("SHUYU_EGRESS") == "long" else 60


@dataclass(frozen=True)
class Turned:
    """A reader that its file has taken over."""

    answer: str

    def __call__(self, _artifact: Artifact, _question: Question) -> bytes:
        return self.answer.encode()


@pytest.fixture
def judged(inspection_of: Callable[..., Inspection]) -> Callable[..., Blocked]:
    def judge(suffix: str, content: bytes, read: Read) -> Blocked:
        inspection = replace(inspection_of(model_terms()), read=read)
        [verdict] = inspect([Artifact(O1, suffix, content)], inspection).verdicts
        assert isinstance(verdict, Blocked)
        assert CANARY not in told(verdict)
        return verdict

    return judge


def test_a_developer_reads_where_it_is_wrong_in_a_word(judged: Callable[..., Blocked]) -> None:
    spoilt = base("network")
    spoilt.metadata_props.add(key="rows", value=CANARY)

    blocked = judged("onnx", spoilt.SerializeToString(), InProcessReader())

    [finding] = [each for each in findings(blocked) if each.reason.rule == "egress.model_form"]
    assert finding.reason.place == "document"


def test_a_word_of_prose_in_the_document_is_refused_by_the_gate(
    judged: Callable[..., Blocked],
) -> None:
    text = json.dumps(json.loads(TENSORS_TEXT) | {"note": CANARY})

    blocked = judged("safetensors", tensors(text, ARRAYS), InProcessReader())

    assert "egress.model_form" in {each.reason.rule for each in findings(blocked)}


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps({"refused": CANARY}),
        json.dumps({"body": {"refused": CANARY}, "bomb": False, "layers": []}),
        json.dumps({"body": {"model": {}}, "bomb": False, "layers": [], "more": CANARY}),
        json.dumps({"body": {"model": {"form": CANARY}}, "bomb": False, "layers": []}),
        json.dumps(
            {"body": {"table": {"columns": [CANARY], "rows": [[1]]}}, "bomb": False, "layers": []}
        ),
        json.dumps({"body": {}, "bomb": False, "layers": [{"wrappings": [CANARY], "text": ""}]}),
        CANARY,
        "[" * 1000,
    ],
)
def test_a_reader_that_a_file_took_over_tells_nothing(
    answer: str, judged: Callable[..., Blocked]
) -> None:
    blocked = judged("onnx", b"\x08\x08\x12", Turned(answer))

    places = {each.reason.place for each in findings(blocked)}
    assert not any(CANARY in place for place in places)


SEEDS = {kind: base(kind).SerializeToString() for kind in BASES} | {
    "tensors": tensors(TENSORS_TEXT, ARRAYS)
}


@settings(
    deadline=None,
    max_examples=EXAMPLES,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.sampled_from(sorted(SEEDS)),
    spoils=st.lists(
        st.tuples(st.integers(0, 10_000), st.integers(0, 255), st.integers(0, 3)), max_size=6
    ),
    cut=st.none() | st.integers(0, 2000),
)
def test_a_model_of_which_some_bytes_are_others_is_a_model_or_refused(
    seed: str, spoils: list[tuple[int, int, int]], cut: int | None
) -> None:
    content = bytearray(SEEDS[seed])[:cut]
    for place, letter, times in spoils:
        at = place % max(1, len(content))
        content[at : at + 1] = bytes([letter]) * times

    body = said_of(bytes(content))

    assert set(body) in ({"model"}, {"refused"})
    with suppress(UnreadableError):
        model_of(body.get("model"), digits=3)
