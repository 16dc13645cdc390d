"""Fits a draft into its output's declaration: refuses before the charge what could not leave after it."""

from collections.abc import Iterator
from fractions import Fraction
from math import floor, log10, prod

from sandbox.asset import Kind
from sandbox.order import Function, OutputColumn, OutputTerms, ReleaseClass
from sandbox.privacy import output_faults
from sandbox.privacy.draft import Draft, Shown
from sandbox.privacy.keys import LONGEST_KEY, Key
from sandbox.privacy.measures import Form
from sandbox.privacy.post import Post
from sandbox.privacy.question import Question
from sandbox.privacy.refusal import Fault
from sandbox.privacy.spread import spread
from sandbox.privacy.words import AnswerColumn, Estimate

MOST_CELLS = 10_000
LEAST_EPSILON = Fraction(1, 1000)
MOST_EPSILON = Fraction(100)
LEAST_DELTA = Fraction(1, 10**30)
MOST_DELTA = Fraction(1, 10**4)
_NUMBER_BYTES = 32
"""A number of the answer in text is shorter, for any declared bounds below 10^18."""
_KEY_BYTES = 8 * LONGEST_KEY + 3
_DERIVED_DIGITS = 6
_NUMBERS = frozenset({Kind.INT, Kind.FLOAT})
_TYPES = {
    Function.COUNT: ("int", "float"),
    Function.COUNT_UNITS: ("int", "float"),
    Function.SUM: ("float", "int"),
    Function.AVG: ("float",),
    Function.FREE: ("float", "int"),
}
"""The first is what a column has where nothing is declared."""


def cells_of(draft: Draft) -> int:
    """Return how many cells the cross product of public categories has; 1 without any."""
    return prod(len(key.categories) for key in draft.keys if not key.private)


def capacity(draft: Draft, output: OutputTerms | None) -> int:
    """Return how many private keys an answer has room for."""
    cells = cells_of(draft)
    rows = MOST_CELLS
    if output is not None:
        rows = min(rows, output.max_rows, (output.max_bytes - _header(draft)) // _row_bytes(draft))
    return max(0, rows // cells) if draft.private else 0


def unfit(draft: Draft, question: Question) -> tuple[Fault, ...]:
    """Return every reason why this answer cannot be paid for, or cannot become the named output."""
    faulty = list(_costs(draft, question))
    cells = cells_of(draft)
    if cells > MOST_CELLS:
        faulty.append(output_faults.CELLS)
    if question.output is not None:
        limit = min((s.limit for s in draft.stages if s.limit), default=cells)
        faulty.extend(_output(draft, question.output, rows=min(cells, limit)))
    return tuple(faulty)


def _costs(draft: Draft, question: Question) -> Iterator[Fault]:
    if not LEAST_EPSILON <= question.epsilon <= MOST_EPSILON:
        yield output_faults.EPSILON
    most = question.output.epsilon if question.output else None
    if most is not None and question.epsilon > most:
        yield output_faults.over_epsilon(str(most))
    if draft.private and not LEAST_DELTA <= question.delta <= MOST_DELTA:
        yield output_faults.DELTA


def _output(draft: Draft, output: OutputTerms, *, rows: int) -> Iterator[Fault]:
    if output.release is not ReleaseClass.DP:
        yield output_faults.CLASS
    size = _header(draft) + rows * _row_bytes(draft)
    if rows > output.max_rows or size > output.max_bytes:
        yield output_faults.too_large(rows=output.max_rows, size=output.max_bytes)
    if output.columns and not _declared(draft, output):
        yield output_faults.other_columns(_told(column) for column in output.columns)


def _header(draft: Draft) -> int:
    return sum(len(column.name.encode()) + 3 for column in draft.stages[-1].columns)


def _row_bytes(draft: Draft) -> int:
    """Return an upper bound of one row's size in bytes, quotes and separators included."""
    return sum(_cell_bytes(column, draft) for column in draft.stages[-1].columns)


def _cell_bytes(column: Shown, draft: Draft) -> int:
    key = _key(column, draft)
    if key is not None:
        return max((2 * len(text.encode()) + 3 for text in key.categories), default=_KEY_BYTES)
    if column.post.kind in _NUMBERS:
        return _NUMBER_BYTES
    return _NUMBER_BYTES + _KEY_BYTES + _texts(column.post)


def _texts(post: Post) -> int:
    """Return the bytes of all literal texts in an expression, doubled for quotes."""
    own = 2 * len(post.value.encode()) if isinstance(post.value, str) else 0
    return own + sum(_texts(arg) for arg in post.args)


def _key(column: Shown, draft: Draft) -> Key | None:
    is_key = column.base is not None and column.base < len(draft.keys)
    return draft.keys[column.base] if is_key and column.base is not None else None


def _function(column: Shown, draft: Draft) -> tuple[Function, str]:
    """Return what a declared output calls a column, and which column of the view it is taken from."""
    key = _key(column, draft)
    if key is not None:
        return Function.DIMENSION, key.name
    if column.base is None:
        return Function.FREE, ""
    measure = draft.measures[column.base - len(draft.keys)]
    return measure.function, measure.source


def _possible(column: Shown, draft: Draft) -> tuple[str, ...]:
    function, _ = _function(column, draft)
    if function is Function.DIMENSION:
        return ("int", "string") if column.post.kind is Kind.INT else ("string",)
    if column.post.kind not in _NUMBERS:
        return ("string",)
    if function is Function.FREE and column.base is not None:
        form = draft.measures[column.base - len(draft.keys)].form
        return ("int", "float") if form is Form.COUNT else ("float", "int")
    return _TYPES[function]


def _declared(draft: Draft, output: OutputTerms) -> bool:
    """Say whether the answer has exactly the declared columns, in whatever order."""
    declared = {column.name: column for column in output.columns}
    shown = draft.stages[-1].columns
    return set(declared) == {column.name for column in shown} and all(
        _same(column, declared[column.name], draft) for column in shown
    )


def _same(column: Shown, declared: OutputColumn, draft: Draft) -> bool:
    function, source = _function(column, draft)
    named = declared.source in ("", source) or function is Function.COUNT_UNITS
    free = declared.function is Function.FREE
    return (
        (declared.function is function or free)
        and (named or (free and function is Function.FREE))
        and declared.type in _possible(column, draft)
    )


def columns_of(
    draft: Draft, estimates: tuple[Estimate, ...], output: OutputTerms | None
) -> tuple[AnswerColumn, ...]:
    """Return the answer's columns, with how far their noise reaches."""
    reach = [0.0] * len(draft.keys) + [estimate.deviation for estimate in estimates]
    for stage in draft.stages:
        reach = [spread(column.post, reach) for column in stage.columns]
    return tuple(
        _column(column, deviation, draft, estimates, output)
        for column, deviation in zip(draft.stages[-1].columns, reach, strict=True)
    )


def _column(
    column: Shown,
    deviation: float,
    draft: Draft,
    estimates: tuple[Estimate, ...],
    output: OutputTerms | None,
) -> AnswerColumn:
    function, source = _function(column, draft)
    possible = _possible(column, draft)
    declared = [c.type for c in (output.columns if output else ()) if c.name == column.name]
    written = declared[0] if declared and declared[0] in possible else possible[0]
    is_measure = column.base is not None and column.base >= len(draft.keys)
    place = column.base - len(draft.keys) if is_measure and column.base is not None else None
    estimate = estimates[place] if place is not None else None
    return AnswerColumn(
        name=column.name,
        type=written,
        function=function,
        source=source,
        digits=_digits(column.post, estimate) if written == "float" else 0,
        deviation=deviation,
        estimate=place,
    )


def _digits(post: Post, estimate: Estimate | None) -> int:
    """Return how many decimal places are shown; 12 at most."""
    if estimate is None:
        rounds = post.op == "round" and isinstance(post.args[1].value, Fraction)
        return int(post.args[1].value) if rounds else _DERIVED_DIGITS  # type: ignore[arg-type]
    if estimate.form in (Form.COUNT, Form.UNITS, Form.SUM):
        return _places(estimate.deviation, figures=2)
    squared = estimate.form in (Form.VAR_SAMP, Form.VAR_POP)
    return _places(estimate.width**2 if squared else estimate.width, figures=4)


def _places(size: float, *, figures: int) -> int:
    """Return how many decimal places show `figures` figures below the leading one of `size`."""
    return max(0, min(12, figures - floor(log10(size))))


def _told(column: OutputColumn) -> str:
    """Return a declared column as the developer should ask for it."""
    return f"{column.name} ({column.function} {column.source}".rstrip() + f", {column.type})"
