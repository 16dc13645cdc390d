"""A question in SQL as a developer asks it, and the answer that it may not be asked so."""

from dataclasses import dataclass
from fractions import Fraction

from sandbox.asset import Asset, AssetId
from sandbox.order import OutputTerms, ViewTerms
from sandbox.reason import Reason

KEYS_DELTA = Fraction(1, 10**9)
"""The usual delta of an answer by private keys: see docs/decisions/private-keys.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTable:
    """A granted asset that protects nobody, such as a list of districts."""

    asset: AssetId
    key: str
    """The column in which no value stands twice; a table that breaks this keeps one row of each value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """SQL over granted views, and what its answer may cost."""

    sql: str
    assets: tuple[Asset, ...]
    views: tuple[ViewTerms, ...]
    epsilon: Fraction
    """What the whole answer costs: all of its columns and cells together."""
    output: OutputTerms | None = None
    """The declared output that the answer becomes; nothing for a preview without one."""
    delta: Fraction = KEYS_DELTA
    """What an answer by private keys may cost beside epsilon; 0 forbids them, and nothing else spends it."""
    public: tuple[PublicTable, ...] = ()


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """Why a question cannot be answered as it stands: every reason, in the order of the text."""

    reasons: tuple[Reason, ...]
