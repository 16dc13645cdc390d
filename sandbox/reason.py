"""Why something may not happen: one plain sentence in two languages, with rule, place and remedy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One sentence, in Chinese and in English; it quotes no value from the data."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A change that was tried, and passed."""

    said: Said
    bits: int
    """What it tells: the number of bits by which one of all changes that could be offered is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for a refusal, as the person who asked reads it."""

    rule: str
    """The stable id of the rule, such as `admit.column` or `egress.small_groups`."""
    why: Said
    fix: Said
    """The smallest change that would pass."""
    place: str = ""
    """Where: a column, a cell (`row 3, column n`), or `line 1, column 8` of an SQL text."""
    clause: str = ""
    """The clause that asks for the rule, such as `Shanghai art. 22`; empty where it is design."""
    offer: Offer | None = None
    """A change that would pass, where one was tried; told only where it is paid for, as the place is."""
