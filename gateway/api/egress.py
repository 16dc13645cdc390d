"""The egress log, for security staff and auditors: what the filter said of every output."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field

from gateway.api.shapes import Asked, Limit, Listing, Name, Shape
from gateway.identity import need
from gateway.rooms import TheRecord
from jobs.grant import GrantId, PartyId
from jobs.job import JobId
from jobs.record import findings
from jobs.record.findings import Found, Search
from sandbox.order import OutputName

router = APIRouter(prefix="/egress", tags=["egress"], dependencies=[Depends(need("read_audit"))])

Moment = Annotated[
    AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC))
]


class InspectionOut(Shape):
    """What the filter said of one output; the findings may hold exact figures."""

    number: int
    job: str
    epoch: int
    output: str
    developer: str
    grant: str
    verdict: str
    digest: str
    size: int
    findings: list[dict[str, Any]]
    at: datetime

    @classmethod
    def of(cls, found: Found) -> Self:
        """Show one line of the egress log."""
        one = found.inspection
        return cls(
            number=found.number,
            job=one.job,
            epoch=one.epoch,
            output=one.output,
            developer=found.developer,
            grant=found.grant,
            verdict=one.verdict,
            digest=one.digest,
            size=one.size,
            findings=json.loads(one.findings_json),
            at=one.at,
        )


class SearchIn(Asked):
    """What to look for; each field that is set narrows the answer."""

    text: Annotated[str, Field(max_length=200)] = ""
    """Part of a job's id, an output's name, a verdict or a finding."""
    job: Name | None = None
    developer: Name | None = None
    grant: Name | None = None
    output: Name | None = None
    verdict: Literal["cleared", "held", "blocked"] | None = None
    rule: Name | None = None
    since: Moment | None = None
    until: Moment | None = None
    before: Annotated[int, Field(ge=0, le=2**53)] | None = None
    limit: Limit = 50

    def search(self) -> Search:
        """Say the same in the record's own words."""
        return Search(
            text=self.text,
            job=None if self.job is None else JobId(self.job),
            developer=None if self.developer is None else PartyId(self.developer),
            grant=None if self.grant is None else GrantId(self.grant),
            output=None if self.output is None else OutputName(self.output),
            verdict=self.verdict,
            rule=self.rule,
            since=self.since,
            until=self.until,
            before=self.before,
            limit=self.limit,
        )


@router.get("")
def search_egress(asked: Annotated[SearchIn, Query()], record: TheRecord) -> Listing[InspectionOut]:
    """Search the egress log, the newest first."""
    with record.reading() as tx:
        found = findings.search(tx, asked.search())
    following = str(found[-1].number) if len(found) == asked.limit else None
    return Listing(items=tuple(InspectionOut.of(one) for one in found), next=following)
