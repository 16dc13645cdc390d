"""Writes what leaves for a chart, a report or a model: the gate's own bytes, from the job's specification."""

from dataclasses import dataclass, replace

from sandbox.egress.charts.drawn import draw, shown
from sandbox.egress.charts.spec import Chart
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding
from sandbox.egress.measured import measured
from sandbox.egress.models.said import vectors
from sandbox.egress.models.words import Model
from sandbox.egress.reports.slots import Template, filled
from sandbox.egress.table import Body, Sealed, Text
from sandbox.egress.terms import Inspection
from sandbox.egress.unwrap import unwrap
from sandbox.order import OutputForm, OutputTerms
from sandbox.reason import Said

_DRAWN = frozenset({OutputForm.CHART, OutputForm.REPORT})
DRAWN = Said(
    zh="图由门控按放行的表绘制,不含作业写出的任何数值。",
    en="The gate drew the picture over the table as it leaves: no number in it is the job's.",
)
FILLED = Said(
    zh="占位符由门控以放行的表填入;略去的行显示为“—”。",
    en="The gate filled the slots from the tables as they leave; a row that was left out is shown as a dash.",
)


@dataclass(frozen=True, slots=True)
class Finished:
    """What leaves, as its canonical form is written from; and how the checks and people see it."""

    body: Body
    leaving: Exhibit
    notes: tuple[Said, ...] = ()
    shown: str = ""
    """What a picture shows, as text; empty where the bytes can be read themselves."""
    findings: tuple[Finding, ...] = ()
    """What was measured of a model."""


def is_drawn(terms: OutputTerms | None) -> bool:
    """Whether an output is made from other outputs of its job, and so is judged after them."""
    return terms is not None and terms.form in _DRAWN


def finished(exhibit: Exhibit, inspection: Inspection) -> Finished:
    """Return what leaves for a readable `exhibit`; what is a file already leaves as it is."""
    match exhibit.body:
        case Chart() as chart:
            table = inspection.tables[chart.data.name]
            picture = Sealed(str(chart.format), draw(chart, table))
            return Finished(picture, exhibit, (DRAWN,), shown(chart, table))
        case Template() as template:
            text = filled(template, inspection.tables)
            leaving = replace(exhibit, body=Text(text), unwrapped=unwrap(text.encode()))
            return Finished(Text(text), leaving, (FILLED,))
        case Model() as model:
            leaving = replace(exhibit, unwrapped=unwrap(vectors(model).encode()))
            found = measured(model, leaving, inspection)
            return Finished(Sealed("json", found.content), leaving, findings=found.findings)
        case None:
            raise TypeError("an exhibit that could not be read")
        case body:
            return Finished(body, exhibit)
