"""One artifact laid out for the checks: parsed as what it claims to be, and unwrapped."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sandbox.egress import malformed as bad
from sandbox.egress.canonical import text_from_table
from sandbox.egress.charts.spec import NOT_A_CHART, Chart, parse_chart
from sandbox.egress.finding import Finding
from sandbox.egress.malformed import UnreadableError
from sandbox.egress.models.form import NOT_A_MODEL, parse_answer, parse_model
from sandbox.egress.models.said import words
from sandbox.egress.models.words import Model
from sandbox.egress.parse import parse_csv, parse_json, strict_json, table_of, text_of
from sandbox.egress.reports.slots import Template, parse_report
from sandbox.egress.table import Body, Document, Json, Sealed, Table, Text, without_subjects
from sandbox.egress.terms import ReadTable
from sandbox.egress.unwrap import Unwrapped, unwrap
from sandbox.order import Artifact, OutputForm, OutputTerms, ReleaseClass

TABLES = frozenset({"csv", "json", "arrow", "parquet"})
"""Endings that may hold a table."""
REPORTS = frozenset({"txt", "md"})
"""Endings that may hold prose, in the review lane only."""
MODEL = "safetensors"
"""The ending of a model that the domain's own trainer made: with noise, it leaves as it is."""
CONTAINERS = frozenset({"onnx", "safetensors"})
"""Endings of a job's model that the reader container turns into the document that the gate writes it from."""

CUT_DIGITS = 3
"""Significant digits of a model's thresholds: cells of the view lie beside them."""
Laid = Body | Chart | Template | Model
"""What a file is parsed into: what leaves as it is, or what the gate writes from it."""


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
        return tuple(readable(layer.content) for layer in self.unwrapped.layers)


def examine(artifact: Artifact, terms: OutputTerms, read: ReadTable) -> Exhibit:
    """Parse `artifact` and unwrap what it says; a file of a wrong form is unwrapped as it is."""
    try:
        body = _parsed(artifact, terms, read)
    except UnreadableError as error:
        return Exhibit(artifact, terms, None, error.finding, unwrap(artifact.content))
    read_as = without_subjects(body, terms) if isinstance(body, Table) else body
    return Exhibit(artifact, terms, body, None, unwrap(_said(read_as).encode("utf-8")))


def _said(body: Laid) -> str:
    """Write what a parsed file says, free of its own compression, quoting and escapes."""
    match body:
        case Table():
            return text_from_table(body)
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


def readable(content: bytes) -> str:
    """Return what a person could read in `content`: UTF-8, UTF-16, or else its runs of ASCII."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("utf-8", errors="replace").replace("\ufffd", "\n").replace("\0", "")


def _parsed(artifact: Artifact, terms: OutputTerms, read: ReadTable) -> Laid:
    specified = _SPECIFIED.get(terms.form)
    if specified is not None and terms.release is not ReleaseClass.DP:
        return specified(artifact, read)
    if artifact.suffix == MODEL and terms.release is ReleaseClass.DP:
        return Sealed(
            MODEL, artifact.content
        )  # `intake` believes it of the domain's own trainer alone
    if artifact.suffix not in TABLES | REPORTS:
        raise UnreadableError(bad.TYPE_REFUSED.at())
    if artifact.suffix in REPORTS and terms.release is not ReleaseClass.REVIEWED:
        raise UnreadableError(bad.TYPE_REFUSED.at())
    if artifact.suffix in {"arrow", "parquet"}:
        return _from_reader(read(artifact), terms)
    text = text_of(artifact.content)
    if artifact.suffix == "csv":
        return parse_csv(text, terms)
    if artifact.suffix == "json":
        return parse_json(text, terms)
    slotted = terms.form is OutputForm.REPORT and "{{" in text
    return parse_report(text) if slotted else Text(text)


def _chart(artifact: Artifact, _read: ReadTable) -> Chart:
    if artifact.suffix != "json":
        raise UnreadableError(NOT_A_CHART.at())
    return parse_chart(text_of(artifact.content))


def _from_reader(answer: bytes, terms: OutputTerms) -> Table:
    table = table_of(strict_json(text_of(answer)), terms)
    if table is None:
        raise UnreadableError(bad.TABLE_UNREADABLE.at())
    return table


def _model(artifact: Artifact, read: ReadTable) -> Model:
    if artifact.suffix in CONTAINERS:
        return parse_answer(text_of(read(artifact)), digits=CUT_DIGITS)
    if artifact.suffix != "json":
        raise UnreadableError(NOT_A_MODEL.at())
    return parse_model(text_of(artifact.content), digits=CUT_DIGITS)


_SPECIFIED: Mapping[OutputForm, Callable[[Artifact, ReadTable], Chart | Model]] = MappingProxyType(
    {OutputForm.CHART: _chart, OutputForm.MODEL: _model}
)
"""What the gate writes itself from a specification."""
