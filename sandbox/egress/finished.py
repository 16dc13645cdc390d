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
from sandbox.order import OutputForm, OutputTerms

_DRAWN = frozenset({OutputForm.CHART, OutputForm.REPORT})


@dataclass(frozen=True, slots=True)
class Finished:
    """What leaves, as its canonical form is written from; and how the checks and people see it."""

    body: Body
    leaving: Exhibit
    shown: str = ""
    """What a picture shows, as text; empty where the bytes can be read themselves."""
    findings: tuple[Finding, ...] = ()
    """What was measured of a model."""
    card: str = ""
    """The same as its certificate states it, as JSON."""


def is_drawn(terms: OutputTerms | None) -> bool:
    """Whether an output is made from other outputs of its job, and so is judged after them."""
    return terms is not None and terms.form in _DRAWN


def finished(exhibit: Exhibit, inspection: Inspection) -> Finished:
    """Return what leaves for a readable `exhibit`; what is a file already leaves as it is."""
    match exhibit.body:
        case Chart() as chart:
            table = inspection.tables[chart.data.name]
            picture = Sealed(str(chart.format), draw(chart, table))
            return Finished(picture, exhibit, shown(chart, table))
        case Template() as template:
            text = filled(template, inspection.tables)
            leaving = replace(exhibit, body=Text(text), unwrapped=exhibit.unwrapped.saying(text))
            return Finished(Text(text), leaving)
        case Model() as model:
            leaving = replace(exhibit, unwrapped=exhibit.unwrapped.saying(vectors(model)))
            found = measured(model, leaving, inspection)
            return Finished(
                Sealed("json", found.content), leaving, findings=found.findings, card=found.card
            )
        case None:
            raise TypeError("an exhibit that could not be read")
        case body:
            return Finished(body, exhibit)
