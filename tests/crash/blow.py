"""One blow: this process is killed right before, or right after, a write of its own persists.

It is installed from outside, into a process that is about to become a part of the domain; the
product has no place for it.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from jobs.record.database import Record, Writing
from jobs.record.event import Event

CHECKPOINT = "checkpoint"
"""Stands for the one transaction that notes no event: it keeps a signature over the log."""


class Moment(StrEnum):
    """When it falls."""

    BEFORE = "before"
    """The write was made and is not yet kept."""
    AFTER = "after"
    """It is kept, and nobody has been told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """Kills whoever makes the `nth` write of this name, once in all: the mark says that it fell."""

    write: str
    """A kind of event (its transaction is struck), `CHECKPOINT`, or a function as `module:Class.name`."""
    moment: Moment
    mark: str
    """A file that is made when the blow falls; where it exists, none falls."""
    nth: int = 1

    def install(self) -> None:
        """Strike in this process from now on."""
        seen = count(1)
        if ":" in self.write:
            self._around_function(seen)
        else:
            self._around_commits(seen)

    def _around_function(self, seen: "count[int]") -> None:
        module, _, path = self.write.partition(":")
        *owners, name = path.split(".")
        owner: Any = import_module(module)
        for each in owners:
            owner = getattr(owner, each)
        function: Callable[..., Any] = getattr(owner, name)

        @wraps(function)
        def struck(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - any function's
            due = next(seen) == self.nth
            if due and self.moment == Moment.BEFORE:
                self._fall()
            answer = function(*args, **named)
            if due:
                self._fall()
            return answer

        setattr(owner, name, struck)

    def _around_commits(self, seen: "count[int]") -> None:
        """Strike between a transaction's last statement and its commit, or right after its commit."""
        heard = _Heard()
        heard.listen()
        writing, settle = Record.writing, Writing.settle

        def is_due(tx: Writing) -> bool:
            return self.write in heard.of(tx) and next(seen) == self.nth

        def settled(tx: Writing) -> None:
            settle(tx)
            if self.moment == Moment.BEFORE and is_due(tx):
                self._fall()

        @contextlib.contextmanager
        def written(record: Record) -> Iterator[Writing]:
            with writing(record) as tx:
                yield tx
            if self.moment == Moment.AFTER and is_due(tx):
                self._fall()

        setattr(Writing, "settle", settled)  # noqa: B010 - from outside, on purpose
        setattr(Record, "writing", written)  # noqa: B010 - as above

    def _fall(self) -> None:
        if not Path(self.mark).exists():
            Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)


class _Heard:
    """What each transaction has noted."""

    def of(self, tx: Writing) -> list[str]:
        found: list[str] = tx.__dict__.setdefault("heard", [])
        return found

    def listen(self) -> None:
        note, attest = Writing.note, Writing.attest

        def noted(tx: Writing, event: Event) -> int:
            self.of(tx).append(event.kind)
            return note(tx, event)

        def attested(tx: Writing, size: int, checkpoint: str) -> None:
            self.of(tx).append(CHECKPOINT)
            attest(tx, size, checkpoint)

        setattr(Writing, "note", noted)  # noqa: B010 - from outside, on purpose
        setattr(Writing, "attest", attested)  # noqa: B010 - as above
