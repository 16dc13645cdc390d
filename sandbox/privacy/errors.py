"""What can go wrong in the privacy engine; no message says anything about the data."""

from sandbox.errors import SandboxError


class AnswerError(SandboxError):
    """The planned question could not be answered; its charge stands.

    One constant message for every cause: which row made the engine fail is a fact about the data.
    """

    def __init__(self) -> None:
        """Say only that there is no answer."""
        super().__init__("the planned question could not be answered; the charge stands")


class CostError(SandboxError):
    """A privacy cost or a limit lies outside the range in which it means anything."""
