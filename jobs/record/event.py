"""An event: one line of the log, said in names, digests and counts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from jobs.errors import JobsError

MAX_FACTS = 64
MAX_CHARACTERS = 4096
"""The longest subject, actor, fact name or fact of an event, in characters."""
_KIND = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+", re.ASCII)


class EventError(JobsError):
    """An event is not worded as the log keeps it; the message quotes no fact."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, to what, and who did it; never a value from the data.

    Raise `EventError` where the kind is not like `job.queued`, or a text is empty or too long.
    """

    kind: str
    subject: str
    """The id of what it happened to."""
    actor: str
    """The id of the person or the process that did it."""
    facts: Mapping[str, str | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold the event against the bounds of the log, and freeze its facts."""
        if not _KIND.fullmatch(self.kind) or len(self.kind) > MAX_CHARACTERS:
            raise EventError("an event's kind is a noun and a verb, such as job.queued")
        if not self.subject or not self.actor:
            raise EventError(f"a {self.kind} event has no subject or no actor")
        if len(self.facts) > MAX_FACTS:
            raise EventError(f"a {self.kind} event has more than {MAX_FACTS} facts")
        for text in (self.subject, self.actor, *self.facts, *self.facts.values()):
            _check(self.kind, text)
        object.__setattr__(self, "facts", MappingProxyType(dict(self.facts)))


def _check(kind: str, fact: object) -> None:
    if isinstance(fact, bool) or not isinstance(fact, str | int):
        raise EventError(f"a {kind} event has a fact that is neither a text nor a whole number")
    if isinstance(fact, str) and (len(fact) > MAX_CHARACTERS or not _is_plain(fact)):
        raise EventError(f"a {kind} event has a text that is too long or not plain characters")


def _is_plain(text: str) -> bool:
    return not any(mark < " " or "\ud800" <= mark <= "\udfff" for mark in text)
