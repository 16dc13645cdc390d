"""Words, files and small tables that the egress tests share."""

import io
import json
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import settings

from sandbox.egress.finding import Finding
from sandbox.egress.verdict import Cleared, Held, Verdict
from sandbox.order import (
    Artifact,
    Function,
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
    """Reads Parquet here, as the reader container would elsewhere."""

    def __call__(self, artifact: Artifact) -> bytes:
        try:
            table = pq.read_table(io.BytesIO(artifact.content))
        except pa.ArrowInvalid:
            return json.dumps({"refused": "corrupt"}).encode()
        columns = [
            {"name": n, "type": str(t)}
            for n, t in zip(table.column_names, table.schema.types, strict=True)
        ]
        rows = [list(row.values()) for row in table.to_pylist()]
        return json.dumps({"columns": columns, "rows": rows}).encode()


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
