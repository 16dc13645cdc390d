"""Inspects what a job left behind: every check in order, the strictest decides.

The three answers are three types. `Cleared` alone carries bytes, and they are never the job's own:
they are the canonical form that the filter wrote. What a check cannot read it cannot clear: a check
that raises counts as a block.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sandbox.asset import Digest
from sandbox.egress.canonical import Form, canonical_body, digest_of, encoded
from sandbox.egress.checks.charts import charts
from sandbox.egress.checks.consents import consents
from sandbox.egress.checks.identifiers import identifiers
from sandbox.egress.checks.intake import MISSING, TOO_LARGE, TWICE, UNDECLARED, intake
from sandbox.egress.checks.lane import lane
from sandbox.egress.checks.models import models, models_together
from sandbox.egress.checks.raw_cells import raw_cells
from sandbox.egress.checks.raw_columns import raw_columns
from sandbox.egress.checks.raw_rows import raw_rows, raw_rows_together
from sandbox.egress.checks.reports import reports
from sandbox.egress.checks.small_groups import small_groups
from sandbox.egress.checks.types import types
from sandbox.egress.checks.vocabulary import vocabulary
from sandbox.egress.checks.wrapping import wrapping
from sandbox.egress.consented.subjects import answered, subjects, waits
from sandbox.egress.exhibit import Exhibit, examine, laid_out
from sandbox.egress.finding import Finding, Rule, Weight, is_blocked
from sandbox.egress.finished import finished, is_drawn
from sandbox.egress.preview import preview
from sandbox.egress.span import Earlier, Span
from sandbox.egress.spans.refusals import heard
from sandbox.egress.table import Body, Table
from sandbox.egress.terms import GateView, Inspection, Maker, Read
from sandbox.egress.treatments.recomputed import treat
from sandbox.egress.verdict import Blocked, ChangedError, Cleared, Held, Inspected, Verdict
from sandbox.egress.volume import bits_of
from sandbox.errors import EngineError, ImageError, StorageFullError
from sandbox.order import Artifact, OutputName, OutputTerms, ReleaseClass
from sandbox.reason import Reason, Said

__all__ = [
    "Blocked",
    "ChangedError",
    "Cleared",
    "Finding",
    "GateView",
    "Held",
    "Inspected",
    "Inspection",
    "Maker",
    "Read",
    "Verdict",
    "Weight",
    "inspect",
    "reopen",
]

_Asked = TypeVar("_Asked")
Check = Callable[[Exhibit, Inspection], Iterable[Finding]]
CheckTogether = Callable[[Sequence[Exhibit], Inspection], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    *(intake, types, lane, consents, vocabulary, identifiers, wrapping, small_groups),
    *(charts, reports, models),
)
"""Asked about the file as the job wrote it."""
RAW: tuple[Check, ...] = (raw_rows, raw_columns, raw_cells)
"""Asked about what would leave: of a recomputed table, the gate's own."""
TOGETHER: tuple[CheckTogether, ...] = (raw_rows_together, models_together)
"""Asked about all outputs of one job that would leave or wait for people."""
AWAY = (EngineError, ImageError, StorageFullError)
"""The engine or its keeper went away, the reader's image is not there, the disk is full."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """The bytes that would leave, and what the filter did on the way."""

    file: str
    media_type: str
    content: bytes
    table: Table | None = None
    """The same as a table."""
    span: Span | None = None
    gaps: Reason | None = None
    subjects: tuple[str, ...] = ()
    shown: str = ""
    """What people read where it is a picture."""
    card: str = ""


@dataclass(frozen=True, slots=True)
class _Weighed:
    """All findings about one artifact, and what would leave where none of them blocks."""

    findings: tuple[Finding, ...]
    ready: _Ready | None
    leaving: Exhibit | None = None
    """What would leave, laid out for the checks of all outputs together."""


def inspect(artifacts: Sequence[Artifact], inspection: Inspection) -> Inspected:
    """Give a verdict on each of `artifacts`, and a block for each declared output that is missing.

    Raise one of `AWAY` where a file could not be read for a reason that lies on this node: it says nothing of the file.
    """
    artifacts = sorted(artifacts, key=lambda each: is_drawn(_terms(each, inspection)))
    weighed = _together(list(_each(artifacts, inspection)), inspection)
    verdicts = [_verdict(a, w, inspection) for a, w in zip(artifacts, weighed, strict=True)]
    came = {artifact.name for artifact in artifacts}
    absent = [terms.name for terms in inspection.outputs if terms.name not in came]
    missing = [Blocked(name=name, findings=(MISSING.at(),)) for name in absent]
    return Inspected((*verdicts, *missing), _against(inspection))


def reopen(
    artifact: Artifact, inspection: Inspection, *, signed: Digest, among: Sequence[Artifact] = ()
) -> Cleared:
    """Return the bytes of a held artifact that people signed; `among` are the job's: a chart needs its table.

    Everything is inspected again, but for the ledger: its entry has stood there since it was signed. Raises `ChangedError`
    where the artifact is blocked now, or where its canonical bytes are not those of the `signed` digest.
    """
    inspection = replace(inspection, ledger=None)
    drawn = is_drawn(_terms(artifact, inspection))
    bases = [one for one in among if drawn and not is_drawn(_terms(one, inspection))]
    *_, weighed = _each((*bases, artifact), inspection)
    if weighed.ready is None:
        raise ChangedError("the artifact is blocked")
    cleared = _cleared(artifact, weighed.ready)
    if cleared.digest != signed:
        raise ChangedError("the canonical bytes are not those that were signed")
    return cleared


def _each(artifacts: Sequence[Artifact], inspection: Inspection) -> Iterator[_Weighed]:
    """Weigh one artifact after the other: what one tells, the ledger has for the next."""
    for artifact in artifacts:
        weighed = _weigh(artifact, artifacts, inspection)
        yield weighed
        inspection = replace(inspection, tables={**inspection.tables, **_table(weighed)})
        ledger, span = inspection.ledger, weighed.ready.span if weighed.ready else None
        if ledger is not None and span is not None:
            entry = Earlier(id="", release=str(artifact.name), span=span)
            inspection = replace(inspection, ledger=replace(ledger, before=(*ledger.before, entry)))


def _against(inspection: Inspection) -> frozenset[str]:
    return (
        frozenset(each.id for each in inspection.ledger.before)
        if inspection.ledger
        else frozenset()
    )


def _table(weighed: _Weighed) -> dict[OutputName, Table]:
    """Return the table that would leave, by its output's name: what charts and reports are drawn from."""
    if weighed.ready is None or weighed.leaving is None:
        return {}
    terms, table = weighed.leaving.terms, weighed.ready.table
    return {} if table is None else {terms.name: table}


def _together(weighed: Sequence[_Weighed], inspection: Inspection) -> list[_Weighed]:
    """Add what is found of all outputs together to each that is not blocked by itself."""
    leaving = [each.leaving for each in weighed if _is_asked(each) and each.leaving is not None]
    found = tuple(f for check in TOGETHER for f in _ask(check, leaving, inspection))
    return [_more(each, found) if each.ready and _is_asked(each) else each for each in weighed]


def _is_asked(weighed: _Weighed) -> bool:
    """Whether what would leave is the job's own: the gate's and the planner's numbers are not."""
    leaving = weighed.leaving
    return leaving is not None and leaving.terms.release is ReleaseClass.REVIEWED


def _more(weighed: _Weighed, more: tuple[Finding, ...]) -> _Weighed:
    known = {finding.reason.rule for finding in weighed.findings}
    findings = weighed.findings + tuple(f for f in more if f.reason.rule not in known)
    return replace(
        weighed, findings=findings, ready=None if is_blocked(findings) else weighed.ready
    )


def _verdict(artifact: Artifact, weighed: _Weighed, inspection: Inspection) -> Verdict:
    if weighed.ready is None:
        return Blocked(name=artifact.name, findings=weighed.findings)
    terms = _terms(artifact, inspection)
    if weighed.findings or terms is None or waits(terms, inspection):
        return _held(artifact, weighed.ready, weighed.findings)
    return _cleared(artifact, weighed.ready)


def _held(artifact: Artifact, ready: _Ready, findings: tuple[Finding, ...]) -> Held:
    return Held(
        name=artifact.name,
        findings=findings,
        digest=digest_of(ready.content),
        preview=preview(ready.shown.encode() or ready.content),
        file=ready.file,
        media_type=ready.media_type,
        span=ready.span,
        subjects=ready.subjects,
        bits=bits_of(ready.content),
    )


def _cleared(artifact: Artifact, ready: _Ready) -> Cleared:
    return Cleared(
        name=artifact.name,
        file=ready.file,
        media_type=ready.media_type,
        content=ready.content,
        digest=digest_of(ready.content),
        span=ready.span,
        gaps=ready.gaps,
        subjects=ready.subjects,
        card=ready.card,
    )


def _terms(artifact: Artifact, inspection: Inspection) -> OutputTerms | None:
    return next((terms for terms in inspection.outputs if terms.name == artifact.name), None)


def _weigh(artifact: Artifact, among: Sequence[Artifact], inspection: Inspection) -> _Weighed:
    terms = _terms(artifact, inspection)
    if terms is None:
        return _Weighed((UNDECLARED.at(),), None)
    if len(artifact.content) > terms.max_bytes:
        return _Weighed((TOO_LARGE.at(),), None)
    twice = Counter(each.name for each in among)[artifact.name] > 1
    found: tuple[Finding, ...] = (TWICE.at(),) if twice else ()
    try:
        exhibit = examine(artifact, terms, inspection.read)
    except AWAY:
        raise  # whoever asked asks again, and not for ever
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the artifact stays in
        return _Weighed((*found, _closed("examine", error)), None)
    found += tuple(finding for check in CHECKS for finding in _ask(check, exhibit, inspection))
    return _judged(exhibit, found, inspection)


def _judged(exhibit: Exhibit, found: tuple[Finding, ...], inspection: Inspection) -> _Weighed:
    ready = None
    leaving = exhibit
    if not is_blocked(found):
        try:
            ready, leaving, more = _ready(exhibit, inspection)
        except AWAY:
            raise  # as above
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the artifact stays in
            more = (_closed("treat", error),)
        found += more
    found += tuple(finding for check in RAW for finding in _ask(check, leaving, inspection))
    return _Weighed(found, None if is_blocked(found) else ready, leaving)


def _ready(
    exhibit: Exhibit, inspection: Inspection
) -> tuple[_Ready | None, Exhibit, tuple[Finding, ...]]:
    """Write the canonical bytes, of the gate's own table where the output is recomputed."""
    terms = exhibit.terms
    if exhibit.body is None:
        return None, exhibit, ()
    if terms.release is not ReleaseClass.SDC or is_drawn(terms):
        made = finished(exhibit, inspection)
        ready = _written(exhibit, answered(made.body, terms, inspection), inspection)
        named = subjects(exhibit, inspection)
        ready = replace(ready, shown=made.shown, subjects=named, card=made.card)
        return ready, made.leaving, made.findings
    treated = treat(terms, inspection)
    if isinstance(treated, Finding):
        return None, exhibit, (treated,)
    told = heard(exhibit, treated, inspection)
    ready = _written(exhibit, treated.table, inspection)
    ready = replace(ready, span=told.span, gaps=treated.gaps)
    assert ready.table is not None, "what was recomputed is a table"
    own = Artifact(terms.name, ready.file.rpartition(".")[2], ready.content)
    return ready, laid_out(ready.table, own, terms), told.findings


def _written(exhibit: Exhibit, body: Body, inspection: Inspection) -> _Ready:
    terms = exhibit.terms
    written = canonical_body(body, _form(terms, inspection))
    suffix, media_type, content = encoded(written, exhibit.artifact.suffix)
    table = written if isinstance(written, Table) else None
    return _Ready(f"{terms.name}.{suffix}", media_type, content, table)


def _form(terms: OutputTerms, inspection: Inspection) -> Form:
    sources = {column.name: column for view in inspection.views for column in view.columns()}
    for declared in terms.columns:
        source = inspection.source(terms, declared)
        sources |= {declared.name: source} if source is not None else {}
    domains = {name: source.domain for name, source in sources.items()}
    return Form(terms=terms, digits=inspection.policy.significant_digits, domains=domains)


def _ask(
    check: Callable[[_Asked, Inspection], Iterable[Finding]], asked: _Asked, inspection: Inspection
) -> Iterator[Finding]:
    try:
        yield from tuple(check(asked, inspection))
    except Exception as error:  # noqa: BLE001 - what a check cannot read, it cannot clear
        yield _closed(check.__name__, error)


def _closed(step: str, error: Exception) -> Finding:
    """Return the finding that a step failed; an error's words may quote data, its type does not."""
    rule = Rule(
        id="egress.check_failed",
        stage=9,
        why=Said(
            zh="检查未能完成,输出不予放行。",
            en="A check could not be completed, so that the output stays in.",
        ),
        fix=Said(
            zh="简化输出后重试;如再次出现,请联系安全人员。",
            en="Simplify the output and try again; tell security staff if it comes back.",
        ),
    )
    return rule.at(step, exact=Said(zh=type(error).__name__, en=type(error).__name__))
