"""The evidence of how anonymous a plan's views are: measured before anybody approves, sealed, and kept with the plan."""

from collections.abc import Iterator, Sequence

from gateway.governance.plan import Plan
from gateway.governance.scenario import Scenario
from gateway.governance.sentences import reason
from jobs.errors import NotFoundError
from jobs.grant import ScenarioId, ViewEvidence
from jobs.record import documents
from jobs.record.database import Reading, Writing
from jobs.record.documents import Document
from jobs.record.event import Event
from sandbox.anonymity.sealed import Sealed, as_json, sealed_in
from sandbox.reason import Reason

_KIND = "evidence"
"""The kind of document; its id is the scenario's, its state the digest of the plan that was judged."""


def keep_evidence(tx: Writing, scenario: Scenario, found: Sequence[Sealed], *, by: str) -> None:
    """Keep the evidence of a scenario's views in the place of what was measured of it before."""
    paper = Document(
        kind=_KIND, id=scenario.id, state=scenario.digest, body=as_json(found), at=tx.now
    )
    told = {"plan": scenario.digest, "sealed": " ".join(each.digest for each in found)}
    event = Event("scenario.judged", scenario.id, by, told)
    try:
        was = documents.get(tx, _KIND, scenario.id)
    except NotFoundError:
        documents.add(tx, paper, event)
        return
    documents.replace(tx, paper, was_version=was.version, event=event)


def kept_evidence(tx: Reading, scenario: ScenarioId) -> tuple[Sealed, ...]:
    """Return the last evidence of a scenario, whichever plan it was of; raise `NotFoundError` without any."""
    return sealed_in(documents.get(tx, _KIND, scenario).body)


def evidence_of(tx: Reading, scenario: Scenario) -> tuple[ViewEvidence, ...]:
    """Return what may be told of the evidence of a scenario's present plan; nothing where that was not judged."""
    try:
        paper = documents.get(tx, _KIND, scenario.id)
    except NotFoundError:
        return ()
    if paper.state != scenario.digest:
        return ()
    return tuple(
        ViewEvidence(asset=each.asset, sealed=each.digest) for each in sealed_in(paper.body)
    )


def unjudged(plan: Plan, evidence: Sequence[ViewEvidence]) -> Iterator[Reason]:
    """Demand evidence of every view that is to be generalised: without it, nobody knows that the data can keep the promise."""
    judged = {each.asset for each in evidence}
    for at, asked in enumerate(plan.assets):
        if asked.generalise is not None and asked.asset not in judged:
            yield reason("plan.unjudged", place=f"$.assets[{at}].generalise")
