"""The office's no: an answer, not a mistake."""

from dataclasses import dataclass

from sandbox.reason import Reason


@dataclass(frozen=True, slots=True)
class Refused:
    """The office does not do it, for each of these reasons; nothing was written."""

    reasons: tuple[Reason, ...]
