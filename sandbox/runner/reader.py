"""Readings: what the image that reads is given, within which limits, and how it is known to be of this version."""

import json
from dataclasses import dataclass

from sandbox.order import Artifact, Limits, OutputName

ANSWER = OutputName("answer")
"""What the reader writes."""
COMMAND = (
    "python3",
    "/opt/reader/read.py",
    "/job/input",
    "/job/question.json",
    "/out/answer.json",
)
READING = Limits(
    seconds=60,
    memory_bytes=1 << 30,
    cpus=1.0,
    processes=32,
    output_bytes=64 << 20,
    output_files=1,
)
"""What it may use on one artifact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An artifact that is to be read, and what is asked of it."""

    artifact: Artifact
    asked: str
    """JSON, as the reader's program takes it."""


PROBE = Reading(
    artifact=Artifact(OutputName("probe"), "txt", b"1\n"),
    asked=json.dumps({"form": "text", "hidden": [], "rows": 1}),
)
"""A file that we know: an image of another version, or of something else, answers it otherwise or not at all."""
_PROVEN = {"body": {"text": "1\n"}, "bomb": False, "layers": [{"wrappings": [], "text": "1\n"}]}


def is_proven(answer: bytes) -> bool:
    """Say whether this is the answer to `PROBE`."""
    try:
        return bool(json.loads(answer) == _PROVEN)
    except ValueError:
        return False
