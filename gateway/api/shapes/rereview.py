"""Second looks on the wire: the releases that were drawn, and what somebody says of one."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from gateway.api.shapes import Asked, ReasonOut, Shape
from gateway.api.shapes.review import Given, Signed
from gateway.governance.parties import Caller
from gateway.governance.rereview import Drawn, SeenFile
from jobs.release import ReleaseId
from jobs.rules.sheets import Pages, Sheet
from jobs.steps.rereview import Opinion, Says, SecondLook
from sandbox.asset import Digest


class LookOut(Shape):
    """One release that was drawn."""

    release: str
    job: str
    drawn_at: datetime
    says: Says | None
    """Nothing while it waits."""
    party: str
    """Of whoever spoke; empty while it waits."""

    @classmethod
    def of(cls, look: SecondLook) -> Self:
        """Show `look`."""
        said = look.opinion
        return cls(
            release=look.release,
            job=look.job,
            drawn_at=look.drawn_at,
            says=said.says if said else None,
            party=said.party if said else "",
        )


class SeenFileOut(Shape):
    """One released file: the digest is what an opinion signs."""

    output: str
    file: str
    media_type: str
    digest: str
    view: Sheet | Pages | None
    """Nothing where the bytes are gone or still on their way."""

    @classmethod
    def of(cls, seen: SeenFile) -> Self:
        """Show `seen`."""
        one = seen.file
        return cls(
            output=one.name,
            file=one.file,
            media_type=one.media_type,
            digest=one.digest,
            view=seen.view,
        )


class DrawnOut(LookOut):
    """A drawn release as whoever looks again sees it."""

    developer: str
    scenario: str
    files: tuple[SeenFileOut, ...]
    barred: tuple[ReasonOut, ...]
    """Why the caller may not judge it; then no file is shown."""

    @classmethod
    def shown(cls, drawn: Drawn) -> Self:
        """Show `drawn`."""
        return cls(
            **LookOut.of(drawn.look).model_dump(),
            developer=drawn.release.developer,
            scenario=drawn.grant.scenario,
            files=tuple(SeenFileOut.of(each) for each in drawn.files),
            barred=tuple(ReasonOut.of(each) for each in drawn.barred),
        )


class OpinionIn(Asked):
    """What somebody says of a drawn release: all of its files, by digest."""

    says: Says
    words: Given
    signed: Annotated[tuple[Signed, ...], Field(min_length=1, max_length=64)]

    def opinion(self, release: str, *, by: Caller, at: datetime) -> Opinion:
        """Say the same in the record's own words."""
        return Opinion(
            release=ReleaseId(release),
            person=by.person,
            party=by.party,
            says=self.says,
            words=self.words,
            signed=tuple(Digest(digest) for digest in self.signed),
            at=at,
        )
