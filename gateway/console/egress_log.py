"""The egress log: what the filter said of every output, searched by people who read the audit trail."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, BeforeValidator, StringConstraints

from gateway.console.door import ConsoleRoute, TheDesk
from gateway.console.rendering import CHINA
from gateway.console.views import EgressRow
from jobs.grant import PartyId
from jobs.job import JobId
from jobs.proof import bodies
from jobs.record import findings
from jobs.record.database import Reading
from jobs.record.findings import Found, Search
from sandbox.egress.finding import Finding

router = APIRouter(prefix="/console", route_class=ConsoleRoute)
PAGE = 50
VERDICTS = ("cleared", "held", "blocked")

Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Day = Annotated[date | None, BeforeValidator(lambda text: text or None)]
"""A day in China's time; an empty field of a form is none."""


class Asked(BaseModel):
    """What the search form sends; an empty field narrows nothing."""

    text: Words = ""
    job: Words = ""
    developer: Words = ""
    verdict: Literal["cleared", "held", "blocked", ""] = ""
    rule: Words = ""
    since: Day = None
    until: Day = None
    before: Annotated[int | None, BeforeValidator(lambda text: text or None)] = None

    def search(self) -> Search:
        """Say the same in the record's own words, one line more than a page shows."""
        return Search(
            text=self.text,
            job=JobId(self.job) if self.job else None,
            developer=PartyId(self.developer) if self.developer else None,
            verdict=self.verdict or None,
            rule=self.rule or None,
            since=_midnight(self.since) if self.since else None,
            until=_midnight(self.until) + timedelta(days=1) if self.until else None,
            before=self.before,
            limit=PAGE + 1,
        )

    def page(self, before: int | None) -> str:
        """Return the address of the same search from another line on."""
        kept = self.model_dump(mode="json", exclude={"before"}, exclude_defaults=True)
        return "/console/egress?" + urlencode(kept | ({"before": before} if before else {}))


@router.get("/egress")
def search_log(desk: TheDesk, asked: Annotated[Asked, Query()]) -> Response:
    """Show what answers the search, newest first."""
    desk.demand("read_audit")
    with desk.record.reading() as tx:
        found = findings.search(tx, asked.search())
    return desk.show(
        "egress_log.html",
        rows=tuple(_row(line) for line in found[:PAGE]),
        asked=asked,
        verdicts=VERDICTS,
        newest=asked.page(None) if asked.before else "",
        older=asked.page(found[PAGE - 1].number) if len(found) > PAGE else "",
    )


def count_blocked(tx: Reading, *, days: int) -> int:
    """Return how many outputs were blocked in the last `days` days, up to a thousand."""
    asked = Search(verdict="blocked", since=tx.now - timedelta(days=days), limit=1000)
    return len(findings.search(tx, asked))


def _row(line: Found) -> EgressRow:
    seen = line.inspection
    return EgressRow(
        at=seen.at,
        verdict=seen.verdict,
        job=seen.job,
        grant=line.grant,
        developer=line.developer,
        output=seen.output,
        digest=seen.digest,
        size=seen.size,
        findings=bodies.load(tuple[Finding, ...], seen.findings_json),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=CHINA)
