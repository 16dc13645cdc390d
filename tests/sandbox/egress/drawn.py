"""A job with a recomputed table, and what the tests of charts and reports draw from it."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from sandbox.egress.inspection import Inspection, inspect
from sandbox.egress.verdict import Verdict
from sandbox.order import Artifact, OutputForm, OutputName, OutputTerms, ReleaseClass
from tests.sandbox.egress.examples import BY_GRADE, O1, output

O2 = OutputName("O2")
SDC, REVIEWED = ReleaseClass.SDC, ReleaseClass.REVIEWED


def drawn_terms(form: OutputForm, release: ReleaseClass = REVIEWED) -> OutputTerms:
    return replace(output(release), name=O2, form=form)


def by_grade(book: pd.DataFrame) -> Artifact:
    table = book.groupby("grade").agg(
        n=("borrower", "size"),
        people=("borrower", "nunique"),
        rate=("interest_rate", "mean"),
        lent=("loan_amount", "sum"),
    )
    return Artifact(O1, "csv", table.reset_index().to_csv(index=False).encode())


def chart(**more: object) -> Artifact:
    spec = {
        "data": {"name": "O1"},
        "mark": "bar",
        "encoding": {
            "x": {"field": "grade", "type": "nominal"},
            "y": {"field": "n", "type": "quantitative"},
        },
    }
    return Artifact(O2, "json", json.dumps(spec | more).encode())


def report(text: str) -> Artifact:
    return Artifact(O2, "md", text.encode())


def both(
    inspection: Inspection,
    artifacts: Sequence[Artifact],
    drawn: OutputTerms,
    table: ReleaseClass = SDC,
) -> dict[str, Verdict]:
    """Judge a job that wrote the table O1 and what is drawn from it."""
    whole = replace(inspection, outputs=(output(table, BY_GRADE), drawn))
    return {verdict.name: verdict for verdict in inspect(artifacts, whole).verdicts}
