"""An event: one line of the log, said in names, digests and counts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from jobs.errors import JobsError
from jobs.proof.bodies import dump

MAX_FACTS = 64
MAX_CHARACTERS = 4096
"""The longest subject, actor, fact name or fact of an event, in characters."""
MAX_BITS = 1024
"""The largest whole number among the facts, either side of zero."""
MAX_BYTES = 65535
"""The longest entry: a bundle of the log gives its length in 16 bits (C2SP tlog-tiles)."""
_KIND = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+", re.ASCII)
_PLAIN = re.compile(r"[^\x00-\x1f\ud800-\udfff]*")
_MOST_BYTES_A_CHARACTER = 4
_FRAME_BYTES = 512
"""More than the names, quotes and commas of an entry with `MAX_FACTS` facts, its place and its time."""


class EventError(JobsError):
    """An event is not worded as the log keeps it; the message quotes no fact."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, to what, and who did it; never a value from the data.

    Raise `EventError` where the kind is not like `job.queued`, a text is empty or too long, or the
    entry would be.
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
        if _may_be_too_long(self) and _entry_bytes(self) > MAX_BYTES:
            raise EventError(f"a {self.kind} event has more to say than {MAX_BYTES} bytes hold")
        object.__setattr__(self, "facts", MappingProxyType(dict(self.facts)))


def _check(kind: str, fact: object) -> None:
    if isinstance(fact, bool) or not isinstance(fact, str | int):
        raise EventError(f"a {kind} event has a fact that is neither a text nor a whole number")
    if isinstance(fact, int) and fact.bit_length() > MAX_BITS:
        raise EventError(f"a {kind} event has a number of more than {MAX_BITS} bits")
    if isinstance(fact, str) and (len(fact) > MAX_CHARACTERS or not _PLAIN.fullmatch(fact)):
        raise EventError(f"a {kind} event has a text that is too long or not plain characters")


def _may_be_too_long(event: Event) -> bool:
    """Say whether it is worth while to measure the entry: it almost never is."""
    texts = (event.kind, event.subject, event.actor, *event.facts, *map(str, event.facts.values()))
    return _MOST_BYTES_A_CHARACTER * sum(map(len, texts)) + _FRAME_BYTES > MAX_BYTES


def _entry_bytes(event: Event) -> int:
    """Return how long the entry is at the most: at the last place that the log could ever have."""
    entry = {
        "seq": 2**63 - 1,
        "at": "0000-00-00T00:00:00.000000Z",
        "kind": event.kind,
        "subject": event.subject,
        "actor": event.actor,
        "facts": event.facts,
    }
    return len(dump(entry).encode())
