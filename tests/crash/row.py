"""What one row of the crash table says: a write, whose it is, and what is so where its process dies at it."""

from dataclasses import dataclass
from enum import StrEnum


class Process(StrEnum):
    """Whose write it is."""

    GATEWAY = "serve"
    WORKER = "work"
    TASK = "task"
    """A task of Ray."""
    KEEPER = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One write: a transaction, a file, a mount or a container."""

    name: str
    process: Process
    write: str
    """What a blow falls on: the kind of event that only this transaction notes, or a function."""
    notes: tuple[str, ...] = ()
    """The other kinds of event that the transaction notes."""
    walked: str = ""
    """The journey of real processes that makes this write; empty where only the steps are struck."""
    stepped: str = ""
    """The journey of steps that makes it, on both databases; empty where no database is concerned."""
    nth: int = 1
    before: str
    """What is so where the process dies right before the write persists."""
    after: str
    """What is so where it dies right after."""
