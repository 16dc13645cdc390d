"""Traces an output back to rows of the view: how surprising is it that they agree so well?

A token of the output and a cell of the source agree on a level: 6, 3 or 2 significant digits, or
the same words. Agreement with a given row is worth -log2(share of rows that agree) bits; a group of
tokens is worth its best row's sum over distinct tokens (egress design, section 3), less one bit for
each token that could have agreed: of many tokens some agree with some row by chance.
"""

from dataclasses import dataclass

from sandbox.asset import Column, Kind
from sandbox.egress.gate import opened, quoted
from sandbox.egress.groups import Token, arrow
from sandbox.egress.terms import GateView

LEVELS = (6, 3, 2)
"""Significant digits at which numbers are compared."""
MAX_PAIRS = 5_000_000
"""Pairs of token and row that are followed; the commonest tokens, which tell least, go first."""
RAREST = 20
"""Tokens of a group that are followed, the rarest first."""
NUMERIC = frozenset({Kind.INT, Kind.FLOAT})


@dataclass(frozen=True, slots=True)
class Traced:
    """The best row of one group."""

    group: int
    row: int
    """The source row's number; never told to anybody."""
    bits: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Traces:
    """What was found of one output in one view."""

    rows: int
    """Of the view, not of its asset: each is a chance to agree."""
    best: tuple[Traced, ...]


def trace(groups: list[list[Token]], view: GateView) -> Traces:
    """Return, for each group that agrees with any row in two tokens, the row that it agrees with best."""
    tokens = arrow(groups)
    with opened(view) as gate:
        [(rows,)] = gate.execute("SELECT count(*) FROM source").fetchall()
        gate.register("tokens", tokens)
        gate.execute(_CODES)
        gate.execute(_cells(view))
        gate.execute(_KEPT, {"rows": rows, "pairs": MAX_PAIRS, "common": max(1, rows // 10)})
        gate.execute(_AGREEING)
        found = gate.execute(_BEST, {"rarest": RAREST}).fetchall()
    best = (Traced(int(g), int(r), float(bits), int(n)) for g, r, bits, n in found)
    return Traces(rows, tuple(best))


_CODES = """
CREATE MACRO unit_of(x, digits) AS pow(10.0, floor(log10(x)) - digits + 1);
CREATE MACRO code_of(x, digits) AS
  hash(digits, (round(x / unit_of(x, digits)) * unit_of(x, digits))::REAL);
CREATE TABLE asked AS
  SELECT DISTINCT g, code_of(abs(number), 2) AS token, code_of(abs(number), level) AS code
  FROM tokens, (SELECT unnest([6, 3, 2]) AS level)
  WHERE number <> 0 AND isfinite(number) AND abs(number) BETWEEN 1e-30 AND 1e30
  UNION ALL
  SELECT g, hash(word) AS token, hash(word) AS code FROM tokens WHERE length(word) > 1;
CREATE TABLE codes AS SELECT DISTINCT code FROM asked;
"""
"""A token is a number to two digits: 0.65 and 0.651 are not two pieces of evidence."""

_KEPT = """
CREATE TABLE kept AS
  SELECT code, -log2(seen / $rows) AS bits FROM (
    SELECT code, seen, sum(seen) OVER (ORDER BY seen, code) AS pairs
    FROM (SELECT code, count(DISTINCT r) AS seen FROM cells GROUP BY code)
    WHERE seen <= $common
  ) WHERE pairs <= $pairs;
"""
_AGREEING = (
    "CREATE TABLE agreeing AS SELECT DISTINCT r, code FROM cells SEMI JOIN kept USING (code)"
)

_BEST = """
WITH followed AS (
  SELECT g, token, code, bits FROM asked JOIN kept USING (code)
  QUALIFY row_number() OVER (PARTITION BY g ORDER BY bits DESC, code) <= $rarest
), chances AS (
  SELECT g, count(DISTINCT token) AS chances FROM followed GROUP BY g
), agreed AS (
  SELECT g, r, token, max(bits) AS bits FROM followed JOIN agreeing USING (code) GROUP BY g, r, token
), scored AS (
  SELECT g, r, sum(bits) AS bits, count(*) AS tokens FROM agreed GROUP BY g, r HAVING count(*) > 1
)
SELECT g, arg_max(r, bits), max(bits) - any_value(chances), arg_max(tokens, bits)
FROM scored JOIN chances USING (g) GROUP BY g
"""


def _cells(view: GateView) -> str:
    """Write the query that keeps (row, code) of every cell of the view that was asked for."""
    parts = " UNION ALL ".join(_column(column) for column in view.columns())
    return f"CREATE TABLE cells AS SELECT r, code FROM ({parts}) SEMI JOIN codes USING (code)"  # noqa: S608 - ours


def _column(column: Column) -> str:
    cell = quoted(column.name)
    if column.kind in NUMERIC:
        size = f"abs({cell}::DOUBLE)"
        codes = ", ".join(f"code_of({size}, {level})" for level in LEVELS)
        return f"SELECT file_row_number AS r, unnest([{codes}]) AS code FROM source WHERE {size} BETWEEN 1e-30 AND 1e30"  # noqa: S608 - quoted names only
    word = f"lower(trim({cell}::VARCHAR))"
    return f"SELECT file_row_number AS r, hash({word}) AS code FROM source WHERE {cell} IS NOT NULL"  # noqa: S608 - quoted names only
