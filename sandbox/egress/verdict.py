"""The filter's answers; `Cleared` alone has a place for bytes."""

from dataclasses import dataclass

from sandbox.asset import Digest
from sandbox.egress.finding import Finding
from sandbox.egress.span import Span
from sandbox.egress.volume import bits_of
from sandbox.errors import SandboxError
from sandbox.order import OutputName
from sandbox.reason import Reason


class ChangedError(SandboxError):
    """What was signed is not what would leave now: nothing leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """May leave the domain, as exactly these bytes."""

    name: OutputName
    file: str
    """The name that a download bears, such as `O1.csv`."""
    media_type: str
    content: bytes
    digest: Digest
    span: Span | None = None
    """What it tells totals about, for the ledger."""
    gaps: Reason | None = None
    """Rows that were left out, and a declaration of which none would be; told to its developer for bits."""
    subjects: tuple[str, ...] = ()
    """Of a consented output: the marks of those whom it is about, whose consents are asked again as it is released."""
    card: str = ""
    """Of a job's model: what was measured of it, as JSON, for its certificate."""

    @property
    def bits(self) -> int:
        """Return how much it can tell."""
        return bits_of(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Waits for people to sign."""

    name: OutputName
    findings: tuple[Finding, ...]
    digest: Digest
    """SHA-256 of the canonical bytes that would leave: this is what people sign."""
    preview: str
    """Those bytes as plain text for reviewers only; to be escaped by whoever shows it."""
    file: str
    media_type: str
    span: Span | None = None
    """As in `Cleared`."""
    subjects: tuple[str, ...] = ()
    """As in `Cleared`."""
    bits: int = 0
    """As in `Cleared`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Stays in the domain."""

    name: OutputName
    findings: tuple[Finding, ...]


Verdict = Cleared | Held | Blocked


@dataclass(frozen=True, slots=True)
class Inspected:
    """One verdict for each artifact, and one for each declared output that did not come."""

    verdicts: tuple[Verdict, ...]
    against: frozenset[str] = frozenset()
    """The entries of the ledger that they were held against."""
