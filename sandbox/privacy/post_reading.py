"""Reads expressions over noised columns: post-processing, which costs nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from sqlglot import exp

from sandbox.asset import Kind
from sandbox.privacy.condition import CHAINS, COMPARISONS, links
from sandbox.privacy.faults import FUNCTION, ITEM, TOO_LONG
from sandbox.privacy.literal import fraction, only, whole_number
from sandbox.privacy.post import Post
from sandbox.privacy.refusal import Fault, Refusals
from sandbox.privacy.row_faults import TYPE, unknown_answer

DEEPEST = 40
MOST_NODES = 2_000
"""Parts of one expression: it is computed for every row of the answer."""
_NUMBERS = frozenset({Kind.INT, Kind.FLOAT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns of a noised table, by the names that expressions may use."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    qualifiers: frozenset[str]
    """Case-folded names that may stand before a column's dot."""
    refusals: Refusals
    why: Callable[[exp.Column], Fault] | None = None
    """Says why a column that is none of these is refused."""

    def find(self, node: exp.Column) -> int | None:
        """Return the place of the column that a node names."""
        if node.args.get("db") or (node.table and node.table.casefold() not in self.qualifiers):
            return None
        same = [i for i, name in enumerate(self.names) if name == node.name]
        alike = [i for i, name in enumerate(self.names) if name.casefold() == node.name.casefold()]
        return same[0] if same else alike[0] if len(alike) == 1 else None


Read = Callable[[exp.Expr], Post | None]


def post(node: exp.Expr, columns: Columns, *, depth: int = 0) -> Post | None:
    """Return the expression that a node is, or note why it is none."""
    refusals = columns.refusals
    if depth > DEEPEST:
        refusals.at(node, TOO_LONG)
        return None
    if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
        return _column(node, columns)
    constant = _constant(node)
    if constant is not None:
        return constant
    reader = _FORMS.get(type(node))
    if reader is None:
        refusals.at(node, FUNCTION if isinstance(node, exp.Func) else ITEM)
        return None
    return reader(node, lambda inner: post(inner, columns, depth=depth + 1), refusals)


def truth(node: exp.Expr, columns: Columns) -> Post | None:
    """Return a condition over noised values."""
    return _truth(node, lambda inner: post(inner, columns), columns.refusals)


def _column(node: exp.Column, columns: Columns) -> Post | None:
    found = columns.find(node)
    if found is None:
        why = columns.why(node) if columns.why else unknown_answer(columns.names)
        columns.refusals.at(node, why)
        return None
    return Post(op="column", kind=columns.kinds[found], column=found)


def _constant(node: exp.Expr) -> Post | None:
    exact = fraction(node)
    if exact is not None:
        return Post(op="constant", kind=Kind.FLOAT, value=exact)
    if isinstance(node, exp.Literal) and node.is_string:
        return Post(op="constant", kind=Kind.STRING, value=str(node.this))
    if isinstance(node, exp.Boolean):
        return Post(op="constant", kind=Kind.BOOL, value=bool(node.this))
    return None


def _all(nodes: Sequence[exp.Expr], read: Read) -> tuple[Post, ...] | None:
    found = [read(node) for node in nodes]
    known = tuple(each for each in found if each is not None)
    return known if len(known) == len(found) else None


def _call(op: str, kind: Kind, nodes: Sequence[exp.Expr], read: Read) -> Post | None:
    args = _all(nodes, read)
    return Post(op=op, kind=kind, args=args) if args is not None else None


def _typed(made: Post | None, node: exp.Expr, refusals: Refusals, *, numbers: bool) -> Post | None:
    """Hold the arguments of a call to one kind: all numbers, or all alike."""
    if made is None:
        return None
    kinds = {Kind.FLOAT if arg.kind in _NUMBERS else arg.kind for arg in made.args}
    if len(kinds) > 1 or (numbers and kinds != {Kind.FLOAT}):
        refusals.at(node, TYPE)
        return None
    return made


def _paren(node: exp.Paren, read: Read, _: Refusals) -> Post | None:
    return read(node.this)


def _binary(node: exp.Expr, read: Read, refusals: Refusals) -> Post | None:
    made = _call(_SIGNS[type(node)], Kind.FLOAT, [node.this, node.args["expression"]], read)
    return _typed(made, node, refusals, numbers=True)


def _unary(node: exp.Expr, read: Read, refusals: Refusals) -> Post | None:
    if not only(node, "this"):
        refusals.at(node, FUNCTION)
        return None
    return _typed(
        _call(_UNARY[type(node)], Kind.FLOAT, [node.this], read), node, refusals, numbers=True
    )


def _extreme(node: exp.Expr, read: Read, refusals: Refusals) -> Post | None:
    op = "least" if isinstance(node, exp.Least) else "greatest"
    made = _call(op, Kind.FLOAT, [node.this, *node.expressions], read)
    return _typed(made, node, refusals, numbers=True)


def _round(node: exp.Round, read: Read, refusals: Refusals) -> Post | None:
    given = node.args.get("decimals")
    digits = whole_number(given, most=12) if given is not None else 0
    if digits is None or not only(node, "this", "decimals"):
        refusals.at(node, FUNCTION)
        return None
    value = read(node.this)
    if value is None:
        return None
    places = Post(op="constant", kind=Kind.INT, value=Fraction(digits))
    made = Post(op="round", kind=Kind.FLOAT, args=(value, places))
    return _typed(made, node, refusals, numbers=True)


def _comparison(node: exp.Expr, read: Read, refusals: Refusals) -> Post | None:
    made = _call(COMPARISONS[type(node)], Kind.BOOL, [node.this, node.args["expression"]], read)
    return _typed(made, node, refusals, numbers=False)


def _truth(node: exp.Expr, read: Read, refusals: Refusals) -> Post | None:
    made = read(node)
    if made is not None and made.kind is not Kind.BOOL:
        refusals.at(node, TYPE)
        return None
    return made


def _chain(node: exp.Expr, read: Read, refusals: Refusals) -> Post | None:
    op = CHAINS[type(node)].strip().lower()
    parts = [_truth(part, read, refusals) for part in links(node)]
    known = tuple(part for part in parts if part is not None)
    return Post(op=op, kind=Kind.BOOL, args=known) if len(known) == len(parts) else None


def _not(node: exp.Not, read: Read, refusals: Refusals) -> Post | None:
    inner = _truth(node.this, read, refusals)
    return Post(op="not", kind=Kind.BOOL, args=(inner,)) if inner else None


def _is(node: exp.Is, read: Read, refusals: Refusals) -> Post | None:
    if not isinstance(node.args["expression"], exp.Null):
        refusals.at(node, ITEM)
        return None
    return _call("is_null", Kind.BOOL, [node.this], read)


def _in(node: exp.In, read: Read, refusals: Refusals) -> Post | None:
    if not node.expressions or not only(node, "this", "expressions"):
        refusals.at(node, ITEM)
        return None
    equal = [exp.EQ(this=node.this.copy(), expression=one) for one in node.expressions]
    parts = _all(equal, read)
    return Post(op="or", kind=Kind.BOOL, args=parts) if parts is not None else None


def _between(node: exp.Between, read: Read, refusals: Refusals) -> Post | None:
    if not only(node, "this", "low", "high"):
        refusals.at(node, ITEM)
        return None
    low = exp.GTE(this=node.this.copy(), expression=node.args["low"])
    high = exp.LTE(this=node.this.copy(), expression=node.args["high"])
    return _call("and", Kind.BOOL, [low, high], read)


def _coalesce(node: exp.Coalesce, read: Read, refusals: Refusals) -> Post | None:
    made = _call("coalesce", Kind.FLOAT, [node.this, *node.expressions], read)
    typed = _typed(made, node, refusals, numbers=False)
    if typed is None:
        return None
    return Post(op="coalesce", kind=typed.args[0].kind, args=typed.args)


def _case(node: exp.Case, read: Read, refusals: Refusals) -> Post | None:
    if not only(node, "ifs", "default"):
        refusals.at(node, ITEM)
        return None
    whens = [_truth(branch.this, read, refusals) for branch in node.args["ifs"]]
    values = [_value(branch.args["true"], read) for branch in node.args["ifs"]]
    last = _value(node.args.get("default"), read)
    known = [each for pair in zip(whens, values, strict=True) for each in pair if each is not None]
    if len(known) < 2 * len(whens) or last is None:
        return None
    given = [
        value for value in [*known[1::2], last] if value.op != "constant" or value.value is not None
    ]
    kinds = {Kind.FLOAT if value.kind in _NUMBERS else value.kind for value in given}
    if len(kinds) != 1:
        refusals.at(node, TYPE)
        return None
    return Post(op="case", kind=kinds.pop(), args=(*known, last))


def _value(node: exp.Expr | None, read: Read) -> Post | None:
    """Return what a branch leads to; nothing said is NULL."""
    if node is None or isinstance(node, exp.Null):
        return Post(op="constant", kind=Kind.FLOAT)
    return read(node)


_SIGNS: Mapping[type[exp.Expr], str] = MappingProxyType(
    {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
)
_UNARY: Mapping[type[exp.Expr], str] = MappingProxyType(
    {exp.Neg: "negative", exp.Abs: "abs", exp.Floor: "floor", exp.Ceil: "ceil", exp.Sqrt: "sqrt"}
)
_FORMS: Mapping[type[exp.Expr], Callable[..., Post | None]] = MappingProxyType(
    {
        exp.Paren: _paren,
        **dict.fromkeys(_SIGNS, _binary),
        **dict.fromkeys(_UNARY, _unary),
        **dict.fromkeys((exp.Least, exp.Greatest), _extreme),
        exp.Round: _round,
        **dict.fromkeys(COMPARISONS, _comparison),
        **dict.fromkeys(CHAINS, _chain),
        exp.Not: _not,
        exp.Is: _is,
        exp.In: _in,
        exp.Between: _between,
        exp.Coalesce: _coalesce,
        exp.Case: _case,
    }
)
