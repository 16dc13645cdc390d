"""One job that writes a table, a chart, a report and a model: all four come out as the gate's own bytes."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from sandbox.egress.inspection import Inspection, inspect, reopen
from sandbox.egress.terms import GateView
from sandbox.egress.verdict import Cleared, Held
from sandbox.order import OutputForm, OutputName
from tests.sandbox.egress.drawn import SDC, by_grade, chart, drawn_terms, report
from tests.sandbox.egress.examples import BY_GRADE, CANARY, output
from tests.sandbox.egress.models.fitting import as_file, linear, model_terms, numbers

O3, O4 = OutputName("O3"), OutputName("O4")


def test_a_job_gets_every_form_out(
    inspection_of: Callable[..., Inspection], view: GateView, loans: pd.DataFrame
) -> None:
    outputs = (
        output(SDC, BY_GRADE),
        drawn_terms(OutputForm.CHART, SDC),
        replace(drawn_terms(OutputForm.REPORT), name=O3),
        replace(model_terms(), name=O4),
    )
    inspection = replace(inspection_of(output()), outputs=outputs)
    artifacts = (
        chart(),
        replace(report("C 级共 {{O1.row[grade=C].n}} 笔。\n"), name=O3),
        replace(as_file(linear(view, numbers(loans))), name=O4),
        by_grade(loans),
    )

    verdicts = {each.name: each for each in inspect(artifacts, inspection).verdicts}
    held = {name: each.digest for name, each in verdicts.items() if isinstance(each, Held)}
    signed = [
        reopen(each, inspection, signed=held[each.name], among=artifacts)
        for each in artifacts
        if each.name in held
    ]

    alone = [each for each in verdicts.values() if isinstance(each, Cleared)]
    assert {each.file for each in (*alone, *signed)} == {"O1.csv", "O2.svg", "O3.md", "O4.json"}
    assert set(held) == {O3, O4}
    written = {each.content for each in artifacts}
    assert not written & {each.content for each in (*alone, *signed)}
    assert not any(CANARY.encode() in each.content for each in (*alone, *signed))
