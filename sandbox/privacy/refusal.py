"""Collects why a question cannot be answered, each reason with its line and column in the text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from sandbox.reason import Reason, Said

_CALL = re.compile(r"[^\W\d]\w*\s*\(\s*\Z")
"""A function's name and opening parenthesis, right before its first argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, in words that quote nothing from the text or the data."""

    rule: str
    why: Said
    fix: Said


def listed(names: Iterable[str]) -> str:
    """Return names as one text."""
    return ", ".join(names) or "-"


@dataclass(frozen=True, slots=True)
class Refusals:
    """The reasons found so far in one SQL text."""

    sql: str
    found: dict[tuple[int, str], Reason] = field(default_factory=dict)
    """By offset and rule: one fault is told once at one place."""

    def at(self, where: exp.Expr | int, fault: Fault) -> None:
        """Add a fault at a node of the tree, or at an offset in characters."""
        offset = where if isinstance(where, int) else self.start(where)
        self.found.setdefault(
            (offset, fault.rule),
            Reason(rule=fault.rule, why=fault.why, fix=fault.fix, place=place(self.sql, offset)),
        )

    def start(self, node: exp.Expr) -> int:
        """Return where a node starts; of most functions the tree knows only where the arguments do."""
        offset = offset_of(node)
        if not isinstance(node, exp.Func) or "start" in node.meta:
            return offset
        name = _CALL.search(self.sql, 0, offset)
        return name.start() if name else offset

    def reasons(self) -> tuple[Reason, ...]:
        """Return every reason, in the order of the text."""
        return tuple(reason for _, reason in sorted(self.found.items(), key=lambda item: item[0]))


def place(sql: str, offset: int) -> str:
    """Say where an offset lies, as `line 2, column 5`; both count from 1, columns in characters."""
    before = sql[:offset]
    return f"line {before.count(chr(10)) + 1}, column {offset - before.rfind(chr(10))}"


def offset_of(node: exp.Expr) -> int:
    """Return where a node starts: its own first character, or that of the nearest node that knows."""
    starts = [int(inner.meta["start"]) for inner in node.walk() if "start" in inner.meta]
    if starts:
        return min(starts)
    return offset_of(node.parent) if node.parent is not None else 0
