"""What an egress check has to say about one artifact."""

from dataclasses import dataclass
from enum import StrEnum

from sandbox.reason import Reason, Said


class Weight(StrEnum):
    """What follows from a finding."""

    REVIEW = "review"
    """A person must look before it leaves."""
    BLOCK = "block"
    """It does not leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reason why an artifact should not leave unseen, or at all."""

    reason: Reason
    """What the developer reads: the rule and the place, never how strong a match was."""
    weight: Weight
    stage: int
    """The stage of the egress filter that found it, 0 to 9."""
    exact: Said | None = None
    """Exact figures for reviewers only; still no value from the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the filter, with all that is the same wherever it is broken."""

    id: str
    stage: int
    weight: Weight = Weight.BLOCK
    why: Said
    fix: Said
    clause: str = ""

    def at(self, place: str = "", *, exact: Said | None = None) -> Finding:
        """Return the finding that this rule is broken at `place`."""
        reason = Reason(rule=self.id, why=self.why, fix=self.fix, place=place, clause=self.clause)
        return Finding(reason=reason, weight=self.weight, stage=self.stage, exact=exact)


def is_blocked(findings: tuple[Finding, ...]) -> bool:
    """Whether any of `findings` keeps the artifact in."""
    return any(finding.weight is Weight.BLOCK for finding in findings)
