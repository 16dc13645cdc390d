"""What can go wrong in the office: mistakes a caller can make, each with one line."""

from jobs.errors import JobsError, SeatError
from sandbox.reason import Reason


class GovernanceError(JobsError):
    """The root of every error that the office raises on purpose, seats apart."""


class RulebookError(GovernanceError):
    """A rulebook, the duties or a state machine cannot be read, or breaks an invariant."""


class RoleError(GovernanceError):
    """None of the caller's roles may do this."""


class TokenError(GovernanceError):
    """The credential is not good; outward its three kinds read the same, so that none is a hint."""

    def __init__(self) -> None:
        """Say the one thing that a stranger may learn."""
        super().__init__("the credential is not valid")


class UnknownTokenError(TokenError):
    """There is no such credential."""


class RevokedTokenError(TokenError):
    """The credential was taken back, or its person has left."""


class ExpiredTokenError(TokenError):
    """The credential's last day has passed."""


class IneligibleError(GovernanceError):
    """A party, person or asset cannot be entered, for these reasons."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        """Keep every reason, and say the English ones."""
        super().__init__("; ".join(reason.why.en for reason in reasons))
        self.reasons = reasons


class SeatRefusedError(SeatError):
    """A person may not take this seat, for these reasons."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        """Keep every reason, and say the English ones."""
        super().__init__("; ".join(reason.why.en for reason in reasons))
        self.reasons = reasons
