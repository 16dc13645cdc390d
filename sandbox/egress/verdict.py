"""The filter's answers; `Cleared` alone has a place for bytes."""

from dataclasses import dataclass

from sandbox.asset import Digest
from sandbox.egress.finding import Finding
from sandbox.errors import SandboxError
from sandbox.order import OutputName
from sandbox.reason import Said


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
    notes: tuple[Said, ...] = ()
    """What the filter changed on the way, for the developer."""


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
