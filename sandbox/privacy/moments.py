"""Reads parts of dates and texts over rows: total functions, most of them with a finite domain."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlglot import exp

from sandbox.asset import Kind
from sandbox.privacy.interval import Interval
from sandbox.privacy.literal import only, whole_number
from sandbox.privacy.numeric import Read
from sandbox.privacy.refusal import Refusals
from sandbox.privacy.row_faults import CONDITION, TYPE
from sandbox.privacy.value import Value

_YEARS = Interval(lower=-6e6, upper=6e6)
"""DuckDB's dates go from about 5877642 BC to 5881580 AD."""
_PARTS: Mapping[str, tuple[str, Interval]] = MappingProxyType(
    {
        "YEAR": ("year", _YEARS),
        "QUARTER": ("quarter", Interval(lower=1, upper=4)),
        "MONTH": ("month", Interval(lower=1, upper=12)),
        "DAY": ("day", Interval(lower=1, upper=31)),
        "DOW": ("dayofweek", Interval(lower=0, upper=6)),
        "DAYOFWEEK": ("dayofweek", Interval(lower=0, upper=6)),
        "HOUR": ("hour", Interval(lower=0, upper=23)),
    }
)
_NODES: Mapping[type[exp.Expr], str] = MappingProxyType(
    {
        exp.Year: "YEAR",
        exp.Quarter: "QUARTER",
        exp.Month: "MONTH",
        exp.Day: "DAY",
        exp.DayOfWeek: "DOW",
        exp.Hour: "HOUR",
    }
)
_TRUNCATED = frozenset({"YEAR", "QUARTER", "MONTH", "WEEK", "DAY"})
_TEXTS: Mapping[type[exp.Expr], str] = MappingProxyType({exp.Lower: "lower", exp.Upper: "upper"})
_LONGEST = 10_000
_ARGUMENTS = 2


def part(node: exp.Expr, read: Read, refusals: Refusals) -> Value | None:
    """Read year(d), quarter(d), month(d), day(d), dayofweek(d) and hour(t)."""
    if not only(node, "this"):
        refusals.at(node, CONDITION)
        return None
    return _part(node, _NODES[type(node)], node.this, read, refusals)


def extract(node: exp.Extract, read: Read, refusals: Refusals) -> Value | None:
    """Read a part of a date, as EXTRACT names it."""
    return _part(node, str(node.this.name).upper(), node.args["expression"], read, refusals)


def named(node: exp.Anonymous, read: Read, refusals: Refusals) -> Value | None:
    """Read date_part('part', d); every other function without a name of its own is refused."""
    known = str(node.this).lower() in {"date_part", "datepart"}
    if (
        known
        and len(node.expressions) == _ARGUMENTS
        and isinstance(node.expressions[0], exp.Literal)
    ):
        name, moment = node.expressions
        return _part(node, str(name.this).upper(), moment, read, refusals)
    refusals.at(node, CONDITION)
    return None


def _part(
    node: exp.Expr, name: str, argument: exp.Expr, read: Read, refusals: Refusals
) -> Value | None:
    found = _PARTS.get(name)
    if found is None:
        refusals.at(node, CONDITION)
        return None
    moment = _moment(argument, read, refusals, clock=name == "HOUR")
    if moment is None:
        return None
    return Value(sql=f"{found[0]}({moment.sql})", kind=Kind.INT, interval=found[1])


def _moment(node: exp.Expr, read: Read, refusals: Refusals, *, clock: bool) -> Value | None:
    moment = read(node)
    kinds = {Kind.TIMESTAMP} if clock else {Kind.DATE, Kind.TIMESTAMP}
    if moment is not None and moment.kind not in kinds:
        refusals.at(node, TYPE)
        return None
    return moment


def truncated(node: exp.TimestampTrunc, read: Read, refusals: Refusals) -> Value | None:
    """Read date_trunc(unit, d), a date; NULL where it would leave the calendar."""
    unit = str(node.args["unit"].name).upper()
    if not only(node, "this", "unit") or unit not in _TRUNCATED:
        refusals.at(node, CONDITION)
        return None
    moment = _moment(node.this, read, refusals, clock=False)
    if moment is None:
        return None
    sql = f"TRY(CAST(date_trunc('{unit.lower()}', {moment.sql}) AS DATE))"
    return Value(sql=sql, kind=Kind.DATE)


def _text(node: exp.Expr, read: Read, refusals: Refusals) -> Value | None:
    text = read(node)
    if text is not None and text.kind is not Kind.STRING:
        refusals.at(node, TYPE)
        return None
    return text


def length(node: exp.Length, read: Read, refusals: Refusals) -> Value | None:
    """Read the length of a text, in characters."""
    text = _text(node.this, read, refusals)
    if text is None:
        return None
    return Value(
        sql=f"length({text.sql})", kind=Kind.INT, interval=Interval(lower=0, upper=2.0**32)
    )


def cased(node: exp.Lower | exp.Upper, read: Read, refusals: Refusals) -> Value | None:
    """Read lower(s) and upper(s)."""
    text = _text(node.this, read, refusals)
    if text is None:
        return None
    return Value(sql=f"{_TEXTS[type(node)]}({text.sql})", kind=Kind.STRING)


def substring(node: exp.Substring, read: Read, refusals: Refusals) -> Value | None:
    """Read a part of a text, with literal places from 1 to 10,000."""
    start = whole_number(node.args.get("start"), most=_LONGEST)
    size = whole_number(node.args.get("length"), most=_LONGEST)
    if not only(node, "this", "start", "length") or not start or size is None:
        refusals.at(node, CONDITION)
        return None
    text = _text(node.this, read, refusals)
    if text is None:
        return None
    return Value(sql=f"substr({text.sql}, {start}, {size})", kind=Kind.STRING)
