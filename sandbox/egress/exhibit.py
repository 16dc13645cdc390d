"""One artifact laid out for the checks: what it is, and what is wrapped in it, as the reader container told."""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.egress import malformed as bad
from sandbox.egress.bodies import document, typed_table
from sandbox.egress.canonical import text_from_table
from sandbox.egress.charts.spec import Chart, chart_of
from sandbox.egress.finding import Finding
from sandbox.egress.layers import UNREAD, Unwrapped
from sandbox.egress.malformed import UnreadableError
from sandbox.egress.models.form import model_of
from sandbox.egress.models.said import words
from sandbox.egress.models.words import Model
from sandbox.egress.reading import Form, Heard, Question, heard
from sandbox.egress.reports.slots import Template, parse_report
from sandbox.egress.table import (
    Body,
    Document,
    Json,
    Sealed,
    Table,
    Text,
    subject_names,
    without_subjects,
)
from sandbox.egress.terms import Read
from sandbox.order import Artifact, OutputForm, OutputTerms, ReleaseClass

MODEL = "safetensors"
"""The ending of a model that the domain's own trainer made: with noise, it leaves as it is."""
BLOCKED_CHARACTERS = 2**20
"""How much of a file that stays in for its form is looked through for what else is wrong with it."""
CUT_DIGITS = 3
"""Significant digits of a model's thresholds: cells of the view lie beside them."""
Laid = Body | Chart | Template | Model
"""What a file is: what leaves as it is, or what the gate writes from it."""

_TABLES = {"csv": Form.CSV, "json": Form.JSON, "arrow": Form.TABLE, "parquet": Form.TABLE}
_REPORTS = {"txt": Form.TEXT, "md": Form.TEXT}
"""Prose leaves in the review lane only."""
_MODELS = {"json": Form.SPECIFICATION, "onnx": Form.MODEL, "safetensors": Form.MODEL}
_CHARTS = {"json": Form.SPECIFICATION}


@dataclass(frozen=True, slots=True)
class Exhibit:
    """What the checks look at."""

    artifact: Artifact
    terms: OutputTerms
    body: Laid | None
    """Nothing where the file is not of the form that it claims."""
    unreadable: Finding | None
    unwrapped: Unwrapped

    def texts(self) -> tuple[str, ...]:
        """Return all that can be read in the file: its own text first, then what was wrapped."""
        return tuple(layer.text for layer in self.unwrapped.layers)


def examine(artifact: Artifact, terms: OutputTerms, read: Read) -> Exhibit:
    """Have `artifact` read, and lay out what it says; a file of a wrong form is unwrapped as it is."""
    if artifact.suffix == MODEL and terms.release is ReleaseClass.DP:
        # `intake` believes it of the domain's own trainer alone
        sealed = Sealed(MODEL, artifact.content)
        return Exhibit(artifact, terms, sealed, None, Unwrapped.plain(""))
    form, wrong = _form(artifact, terms)
    question = Question(form=form, hidden=tuple(sorted(subject_names(terms))), rows=terms.max_rows)
    if not question.takes(len(artifact.content)):
        return Exhibit(artifact, terms, None, wrong or bad.TOO_LONG.at(), UNREAD)
    answer = heard(read(artifact, question), question)
    try:
        body = None if wrong else _body(answer, form, terms)
    except UnreadableError as error:
        body, wrong = None, error.finding
    if body is None:
        unwrapped = answer.unwrapped.within(BLOCKED_CHARACTERS)
        return Exhibit(artifact, terms, None, wrong or answer.refused, unwrapped)
    return Exhibit(artifact, terms, body, None, answer.unwrapped.saying(_said(body, terms)))


def laid_out(table: Table, artifact: Artifact, terms: OutputTerms) -> Exhibit:
    """Lay out a table that the gate wrote itself as `artifact`."""
    body = typed_table(table.columns, table.rows, terms)
    return Exhibit(artifact, terms, body, None, Unwrapped.plain(_said(body, terms)))


def _form(artifact: Artifact, terms: OutputTerms) -> tuple[Form, Finding | None]:
    """Say how a file is read, and what is wrong where its ending is none that may leave."""
    private = terms.release is ReleaseClass.DP
    endings, refused = _TABLES, bad.TYPE_REFUSED
    if terms.form is OutputForm.CHART and not private:
        endings, refused = _CHARTS, bad.NOT_A_CHART
    elif terms.form is OutputForm.MODEL and not private:
        endings, refused = _MODELS, bad.NOT_A_MODEL
    elif terms.release is ReleaseClass.REVIEWED:
        endings = _TABLES | _REPORTS
    form = endings.get(artifact.suffix)
    return (form, None) if form else (Form.BYTES, refused.at())


def _body(answer: Heard, form: Form, terms: OutputTerms) -> Laid | None:
    """Return what the file is, or nothing where the reader refused it; raise `UnreadableError` where the gate does."""
    told = answer.body
    if told is None:
        return None
    match form:
        case Form.SPECIFICATION | Form.MODEL:
            if terms.form is OutputForm.CHART:
                return chart_of(told.json)
            return model_of(
                told.json if form is Form.SPECIFICATION else told.model, digits=CUT_DIGITS
            )
        case Form.TEXT:
            text = told.text or ""
            slotted = terms.form is OutputForm.REPORT and "{{" in text
            return parse_report(text) if slotted else Text(text)
        case _ if told.table is not None:
            return typed_table(told.table.columns, told.table.rows, terms)
        case _:
            return document(told.json, terms)


def _said(body: Laid, terms: OutputTerms) -> str:
    """Write what a file says, free of its own compression, quoting and escapes."""
    match body:
        case Table():
            return text_from_table(without_subjects(body, terms))
        case Document(value=value):
            return "\n".join(_lines(value))
        case Text(text=text) | Template(text=text):
            return text
        case Chart():
            return "\n".join(body.titles())
        case Model():
            return words(body)
        case Sealed():
            return ""


def _lines(value: Json) -> Iterator[str]:
    """Yield each list and object of a document as one line of its keys and plain items."""
    match value:
        case dict():
            yield "; ".join(f"{k}: {_plain(item)}" for k, item in value.items())
            inner = list(value.values())
        case list():
            yield "; ".join(map(_plain, value))
            inner = value
        case _:
            yield _plain(value)
            return
    for item in inner:
        if isinstance(item, dict | list):
            yield from _lines(item)


def _plain(item: Json) -> str:
    return "" if isinstance(item, dict | list) else str(item)
