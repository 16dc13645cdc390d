"""Turns SQL text into one SELECT tree and its hint; what cannot be read is refused with its place."""

import re
from dataclasses import dataclass

from sqlglot import Token, exp, parse
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError, SqlglotError

from sandbox.privacy.faults import STATEMENT, SYNTAX, TOO_LONG
from sandbox.privacy.hints import Hints, hints
from sandbox.privacy.refusal import Refusals, offset_of
from sandbox.privacy.relation_faults import CLAUSE

LONGEST = 20_000
"""Characters in one question."""
_MISSING = re.compile(r"from (\d+):(\d+)$")
_PARTS = frozenset(
    {"expressions", "from_", "joins", "where", "group", "having", "order", "limit", "with_"}
)
_KEYWORDS = {
    "laterals": "LATERAL",
    "windows": "WINDOW",
    "locks": "FOR",
}
"""Where a clause's word in the text is not its name in the tree."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One statement that is a SELECT, and its hint."""

    select: exp.Select
    hints: Hints
    tokens: tuple[Token, ...]


def parsed(refusals: Refusals) -> Parsed | None:
    """Parse the text of `refusals`; note why not where it is no such SELECT."""
    if len(refusals.sql) > LONGEST:
        refusals.at(LONGEST, TOO_LONG)
        return None
    tree, tokens = _tree(refusals)
    if tree is None:
        return None
    return Parsed(tree, hints(tokens, refusals), tuple(tokens))


def _tree(refusals: Refusals) -> tuple[exp.Select | None, list[Token]]:
    """Return the only statement where it is a SELECT, and the tokens of the text."""
    try:
        tokens = DuckDB().tokenize(refusals.sql)
        trees = [tree for tree in parse(refusals.sql, read=DuckDB) if tree is not None]
    except RecursionError:
        refusals.at(0, TOO_LONG)
        return None, []
    except SqlglotError as error:
        refusals.at(_error_offset(refusals.sql, error), SYNTAX)
        return None, []
    if len(trees) == 1 and isinstance(trees[0], exp.Select):
        return trees[0], tokens
    refusals.at(trees[1] if len(trees) > 1 else 0, STATEMENT)
    return None, []


def _error_offset(sql: str, error: SqlglotError) -> int:
    """Return where a text stops being SQL; only numbers are taken from the error, never its words."""
    if isinstance(error, ParseError) and error.errors:
        first = error.errors[0]
        width = len(first["highlight"] or " ")
        return _offset(sql, line=first["line"] or 1, column=(first["col"] or 1) - width + 1)
    found = _MISSING.search(str(error.__cause__))
    if found is None:
        return max(len(sql) - 1, 0)
    return _offset(sql, line=int(found[1]), column=int(found[2]) + 1)


def _offset(sql: str, *, line: int, column: int) -> int:
    """Return the offset of a place in the text; both count from 1."""
    before = sum(len(text) + 1 for text in sql.split("\n")[: line - 1])
    return max(0, min(before + column - 1, len(sql)))


def hold_clauses(tree: exp.Select, tokens: tuple[Token, ...], refusals: Refusals) -> None:
    """Refuse every clause that the grammar does not know."""
    for name, value in tree.args.items():
        if value and name not in _PARTS:
            word = _KEYWORDS.get(name, name.upper())
            places = (token.start for token in tokens if token.text.upper() == word)
            refusals.at(next(places, _clause_offset(value)), CLAUSE)


def _clause_offset(value: object) -> int:
    """Return where a clause without a word of its own starts, such as the comma of a join."""
    first = value[0] if isinstance(value, list) else value
    return offset_of(first) if isinstance(first, exp.Expr) else 0
