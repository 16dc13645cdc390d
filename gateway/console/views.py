"""What the pages show: each page's words, gathered before a template sees them."""

from dataclasses import dataclass
from datetime import datetime

from jobs.grant import Grant
from jobs.job import JobState
from jobs.release import ReleasedFile, Seat, SeatVerdict
from jobs.rules.sheets import View
from jobs.steps.earlier import Kin, Version
from jobs.steps.locate import Told
from sandbox.egress.finding import Finding
from sandbox.order import OutputTerms
from sandbox.reason import Reason, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """The reader, as the head of each page names them."""

    person: str
    party: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One entry of the main navigation."""

    key: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around a page; without a reader it is the door's."""

    who: Who | None = None
    tabs: tuple[Tab, ...] = ()
    csrf: str = ""
    forked: bool = False
    """Whether a reader who audits must hear that the log may have been forked."""
    done: str = ""
    """Which good end the step before came to: the last part of a `done.` text's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something that waits for the reader, or that has moved."""

    key: str
    count: int
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatLine:
    """One seat of a held job, and what the reader may know that it has said."""

    seat: Seat
    spoken: bool
    verdict: SeatVerdict | None
    """Nothing to a reader who has not spoken yet, whatever the seat has said."""

    @property
    def vote(self) -> str:
        """Return the seat's vote, that it is sealed, or that it still waits."""
        if self.verdict:
            return str(self.verdict.vote)
        return "sealed" if self.spoken else "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """One held job, as the reviewers' queue lists it."""

    job: str
    scenario: str
    title: Said
    developer: str
    outputs: tuple[str, ...]
    findings: int
    seats: tuple[SeatLine, ...]
    yours: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutput:
    """One held output with its evidence; for reviewers only."""

    name: str
    file: str
    media_type: str
    digest: str
    terms: OutputTerms
    view: View
    last: Version | None
    """The last version of it that the reader may see, and how this one differs."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a reviewer of one held job sees and signs; for reviewers only."""

    job: str
    epoch: int
    grant: Grant
    outputs: tuple[HeldOutput, ...]
    related: Kin
    seats: tuple[SeatLine, ...]
    mine: Seat | None
    """The seat that waits for this very reader, if one does."""
    barred: tuple[Reason, ...]
    """Why no seat is open to this reader."""

    @property
    def title(self) -> Said:
        """Return the scenario's title."""
        return titled(self.grant)

    @property
    def sealed(self) -> bool:
        """Say whether something was said that the reader may not know yet."""
        return any(seat.spoken and seat.verdict is None for seat in self.seats)


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRow:
    """One verdict of the egress filter; for security staff only."""

    at: datetime
    verdict: str
    job: str
    grant: str
    developer: str
    output: str
    digest: str
    size: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """One job that ran, exactly; for security officers only."""

    job: str
    state: JobState
    ended: str
    grant: str
    developer: str
    seconds: str
    reasons: tuple[Reason, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLine:
    """How anonymous a view was that a run read: exact figures, for security officers only."""

    asset: str
    level: int
    """By GB/T 42460, from 1 to 3."""
    why: tuple[Said, ...]
    figures: str
    """The sealed evidence, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One attempt of a job, and what it said; for security officers only."""

    epoch: int
    ended: str
    seconds: str
    conformity: str
    """The engine's own inspection of the container, as JSON."""
    read: tuple[ReadLine, ...]
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLine:
    """One emergency stop; for those who may stop or resume."""

    id: str
    scope: str
    target: str
    person: str
    opinion: str
    stopped: int
    took: str
    """Milliseconds until no container was left; empty while that is not confirmed."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCard:
    """What a developer may know of a job of its own: a closed list."""

    id: str
    state: JobState
    kind: str
    grant: str
    assets: tuple[str, ...]
    outputs: tuple[str, ...]
    submitted_at: datetime
    ended: str
    duration: str
    """A bucket, never the time itself."""
    reasons: tuple[Reason, ...]
    place: Told | None
    """Where it failed or was blocked, once somebody has asked."""
    may_ask: bool
    sql: str
    """The developer's own text."""
    release: str
    files: tuple[ReleasedFile, ...]
    certificate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnView:
    """How a budget burns down; a chart 1000 wide and 200 high, its left upper corner at (0, 0)."""

    path: str
    """What was left, as the path of an SVG line that ends now."""
    now: int
    """Thousandths of the time."""
    begins: datetime
    last_day: datetime
    charges: int
    runs_out: str
    """The day on which it is used up at this pace; empty where it lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """What is left of one budget; the amounts are exact decimals of rho."""

    scope: str
    name: Said
    limit: str
    """Empty where it has none, and `left` too."""
    spent: str
    reserved: str
    left: str
    spent_mille: int
    """Thousandths of the limit, for the bar."""
    reserved_mille: int
    burn: BurnView | None = None
    """For the institution, where the budget has a limit and a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceView:
    """What a query would cost, or why it has no price."""

    rho: str = ""
    """An exact decimal; empty where there is no price."""
    error: Said | None = None
    """The expected error of the answer."""
    effects: tuple[tuple[bool, Said], ...] = ()
    """For each budget, whether it can bear the query, and what would be left."""
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorRow:
    """One target outside that vouches for the log: how far it does, and what stands in its way."""

    name: str
    state: str
    held_size: int | None
    """How many entries it vouches for; nothing where it never did."""
    held_at: datetime | None
    behind: int
    """How many entries of the newest checkpoint it does not vouch for yet."""
    tries: int
    kind: str
    """The kind of the last mistake; empty where there is none."""
    error: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioRow:
    """One scenario, as the list shows it."""

    id: str
    title: Said
    state: str
    developer: str
    operator: str
    assets: tuple[str, ...]
    start: str
    end: str
    yours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioStep:
    """One step that a page offers."""

    name: str
    seat: str
    """The seat that it is taken as; empty where it is none."""


def titled(grant: Grant) -> Said:
    """Return the title of a grant's scenario; English falls back to the Chinese one."""
    return Said(zh=grant.title_zh, en=grant.title_en or grant.title_zh)
