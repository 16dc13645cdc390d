"""Words, files and small tables that the egress tests share."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import settings
from shuyu_reader.answer import answer, question_of

from sandbox.egress.finding import Finding
from sandbox.egress.reading import Form, Question
from sandbox.egress.verdict import Cleared, Held, Verdict
from sandbox.order import (
    Artifact,
    Function,
    Limits,
    OutputColumn,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
)

CANARY = "CANARY-7f3a91c2e8"
quickly = settings(deadline=None, max_examples=60)
"""For properties: this machine is shared, and a slow example is no failure."""
O1 = OutputName("O1")
BY_GRADE = (
    OutputColumn(name="grade", type="string", function=Function.DIMENSION, source="grade"),
    OutputColumn(name="n", type="int", function=Function.COUNT),
    OutputColumn(name="people", type="int", function=Function.COUNT_UNITS),
    OutputColumn(name="rate", type="float", function=Function.AVG, source="interest_rate"),
    OutputColumn(name="lent", type="float", function=Function.SUM, source="loan_amount"),
)


@dataclass(frozen=True)
class InProcessReader:
    """Runs the reader container's own program here, without the container."""

    def __call__(self, artifact: Artifact, question: Question) -> bytes:
        return self.read(artifact, asked=question.written())

    def read(self, artifact: Artifact, *, asked: str, limits: Limits | None = None) -> bytes:
        """As a runner would; here nothing is limited."""
        assert limits is None or limits.seconds
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "input")
            file.write_bytes(artifact.content)
            try:
                return "".join(answer(file, question_of(asked))).encode()
            except Exception:  # noqa: BLE001 - the program would end, and its keeper say so
                return json.dumps({"refused": "unreadable"}).encode()


def read_as(form: Form, content: bytes, *, rows: int = 1_000_000) -> dict[str, Any]:
    """What the reader's program says of a file that it is to read as of this form."""
    question = Question(form=form, rows=rows)
    said: dict[str, Any] = json.loads(InProcessReader()(Artifact(O1, "", content), question))
    return said


def output(
    release: ReleaseClass = ReleaseClass.REVIEWED,
    columns: tuple[OutputColumn, ...] = (),
    *,
    rows: int = 5000,
) -> OutputTerms:
    return OutputTerms(
        name=O1,
        form=OutputForm.STATISTICAL_TABLE,
        release=release,
        columns=columns,
        max_rows=rows,
        max_bytes=4 * 2**20,
    )


def file(suffix: str, content: str | bytes) -> Artifact:
    return Artifact(O1, suffix, content.encode() if isinstance(content, str) else content)


def findings(verdict: Verdict) -> tuple[Finding, ...]:
    return () if isinstance(verdict, Cleared) else verdict.findings


def rules(verdict: Verdict) -> set[str]:
    return {finding.reason.rule for finding in findings(verdict)}


def told(verdict: Verdict) -> str:
    """All that anybody but a reviewer of a held output can read of a verdict."""
    if isinstance(verdict, Cleared):
        return repr(verdict.gaps)
    kept = repr((verdict.name, verdict.findings))
    return kept + verdict.file if isinstance(verdict, Held) else kept
