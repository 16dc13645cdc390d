"""Model files of a job, read by the real reader container: it says what its program says here, and refuses what that refuses."""

import json

import pytest

from sandbox.egress.reading import Form, Question
from sandbox.order import Artifact, OutputName
from tests.sandbox.egress.examples import InProcessReader
from tests.sandbox.egress.models.containers import tensors
from tests.sandbox.egress.models.spoilt import ARRAYS, BASES, TENSORS_TEXT, base
from tests.sandbox.runner.conftest import LIMITS, Node

QUESTION = Question(form=Form.MODEL, rows=1)
pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


def artifact(content: bytes) -> Artifact:
    return Artifact(OutputName("O1"), "onnx", content)


def test_the_container_reads_a_model_as_its_program_does_here(node: Node) -> None:
    files = [base(kind).SerializeToString() for kind in BASES]
    for content in (*files, tensors(TENSORS_TEXT, ARRAYS)):
        read = node.client.read(artifact(content), asked=QUESTION.written(), limits=LIMITS)

        assert set(json.loads(read)["body"]) == {"model"}
        assert read == InProcessReader()(artifact(content), QUESTION)


def test_a_file_of_millions_of_empty_nodes_is_refused_within_the_containers_memory(
    node: Node,
) -> None:
    nodes = b"\x0a\x00" * 2**22
    graph = b"\x08\x08\x3a" + bytes([0x80, 0x80, 0x80, 0x04]) + nodes  # its length, 2^23

    read = node.client.read(artifact(graph), asked=QUESTION.written(), limits=LIMITS)

    assert set(json.loads(read).get("body", {"refused"})) == {"refused"}


def test_a_file_that_is_more_than_a_model_is_refused_in_the_container(node: Node) -> None:
    spoilt = base("network")
    spoilt.metadata_props.add(key="rows", value="CANARY-7f3a9c")

    content = artifact(spoilt.SerializeToString())
    read = node.client.read(content, asked=QUESTION.written(), limits=LIMITS)

    assert json.loads(read)["body"] == {"refused": "document"}
