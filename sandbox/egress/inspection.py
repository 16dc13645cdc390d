"""Inspects what a job left behind: every check in order, the strictest decides.

The three answers are three types. `Cleared` alone carries bytes, and they are never the job's own:
they are the canonical form that the filter wrote. What a check cannot read it cannot clear: a check
that raises counts as a block.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sandbox.asset import Digest
from sandbox.egress.canonical import Form, canonical, digest_of
from sandbox.egress.checks.identifiers import identifiers
from sandbox.egress.checks.intake import MISSING, TOO_LARGE, TWICE, UNDECLARED, intake
from sandbox.egress.checks.lane import lane
from sandbox.egress.checks.raw_cells import raw_cells
from sandbox.egress.checks.raw_rows import raw_rows
from sandbox.egress.checks.small_groups import small_groups
from sandbox.egress.checks.types import types
from sandbox.egress.checks.vocabulary import vocabulary
from sandbox.egress.checks.wrapping import wrapping
from sandbox.egress.exhibit import Exhibit, examine
from sandbox.egress.finding import Finding, Rule, Weight, is_blocked
from sandbox.egress.preview import preview
from sandbox.egress.terms import GateView, Inspection, Maker, ReadTable
from sandbox.egress.treatments.recomputed import treat
from sandbox.egress.verdict import Blocked, ChangedError, Cleared, Held, Inspected, Verdict
from sandbox.errors import EngineError
from sandbox.order import Artifact, OutputTerms, ReleaseClass
from sandbox.reason import Said

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
    "ReadTable",
    "Verdict",
    "Weight",
    "inspect",
    "reopen",
]

Check = Callable[[Exhibit, Inspection], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (intake, types, lane, vocabulary, identifiers, wrapping, small_groups)
"""Asked about the file as the job wrote it."""
RAW: tuple[Check, ...] = (raw_rows, raw_cells)
"""Asked about what would leave: of a recomputed table, the gate's own."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """The bytes that would leave, and what the filter did on the way."""

    file: str
    media_type: str
    content: bytes
    notes: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class _Weighed:
    """All findings about one artifact, and what would leave where none of them blocks."""

    findings: tuple[Finding, ...]
    ready: _Ready | None


def inspect(artifacts: Sequence[Artifact], inspection: Inspection) -> Inspected:
    """Give a verdict on each of `artifacts`, and a block for each declared output that is missing.

    Raise `EngineError` where a file could not be read because the engine or its keeper went away.
    """
    verdicts = [_verdict(artifact, artifacts, inspection) for artifact in artifacts]
    came = {artifact.name for artifact in artifacts}
    absent = [terms.name for terms in inspection.outputs if terms.name not in came]
    missing = [Blocked(name=name, findings=(MISSING.at(),)) for name in absent]
    return Inspected((*verdicts, *missing))


def reopen(artifact: Artifact, inspection: Inspection, *, signed: Digest) -> Cleared:
    """Return the bytes of a held artifact that people signed.

    Everything is inspected again. Raises `ChangedError` where the artifact is blocked now, or where
    its canonical bytes are not those of the `signed` digest.
    """
    weighed = _weigh(artifact, (artifact,), inspection)
    if weighed.ready is None:
        raise ChangedError("the artifact is blocked")
    cleared = _cleared(artifact, weighed.ready)
    if cleared.digest != signed:
        raise ChangedError("the canonical bytes are not those that were signed")
    return cleared


def _verdict(artifact: Artifact, among: Sequence[Artifact], inspection: Inspection) -> Verdict:
    weighed = _weigh(artifact, among, inspection)
    if weighed.ready is None:
        return Blocked(name=artifact.name, findings=weighed.findings)
    terms = _terms(artifact, inspection)
    if weighed.findings or terms is None or terms.release is ReleaseClass.REVIEWED:
        return _held(artifact, weighed.ready, weighed.findings)
    return _cleared(artifact, weighed.ready)


def _held(artifact: Artifact, ready: _Ready, findings: tuple[Finding, ...]) -> Held:
    return Held(
        name=artifact.name,
        findings=findings,
        digest=digest_of(ready.content),
        preview=preview(ready.content),
        file=ready.file,
        media_type=ready.media_type,
    )


def _cleared(artifact: Artifact, ready: _Ready) -> Cleared:
    return Cleared(
        name=artifact.name,
        file=ready.file,
        media_type=ready.media_type,
        content=ready.content,
        digest=digest_of(ready.content),
        notes=ready.notes,
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
    except EngineError:
        raise  # it says nothing of the artifact: whoever asked asks again, and not for ever
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
        except EngineError:
            raise  # as above
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the artifact stays in
            more = (_closed("treat", error),)
        found += more
    found += tuple(finding for check in RAW for finding in _ask(check, leaving, inspection))
    return _Weighed(found, None if is_blocked(found) else ready)


def _ready(
    exhibit: Exhibit, inspection: Inspection
) -> tuple[_Ready | None, Exhibit, tuple[Finding, ...]]:
    """Write the canonical bytes, of the gate's own table where the output is recomputed."""
    terms, body = exhibit.terms, exhibit.body
    notes: tuple[Said, ...] = ()
    if body is None:
        return None, exhibit, ()
    if terms.release is ReleaseClass.SDC:
        treated = treat(terms, inspection)
        if isinstance(treated, Finding):
            return None, exhibit, (treated,)
        body, notes = treated.table, treated.notes
    suffix, media_type, content = canonical(body, exhibit.artifact.suffix, _form(terms, inspection))
    ready = _Ready(f"{terms.name}.{suffix}", media_type, content, notes)
    if terms.release is not ReleaseClass.SDC:
        return ready, exhibit, ()
    return ready, examine(Artifact(terms.name, suffix, content), terms, inspection.read), ()


def _form(terms: OutputTerms, inspection: Inspection) -> Form:
    sources = {column.name: column for view in inspection.views for column in view.columns()}
    for declared in terms.columns:
        source = inspection.source(terms, declared)
        sources |= {declared.name: source} if source is not None else {}
    domains = {name: source.domain for name, source in sources.items()}
    return Form(terms=terms, digits=inspection.policy.significant_digits, domains=domains)


def _ask(check: Check, exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    try:
        yield from tuple(check(exhibit, inspection))
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
