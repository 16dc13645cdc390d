"""Holds a job's aggregates against the gate's own: the job's numbers never leave, but must agree."""

import math
from collections.abc import Iterator

from sandbox.egress.cells import label
from sandbox.egress.declared import COUNTS, LABELS, MODELS
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.numbers import rounded_count, significant, written
from sandbox.egress.recompute import Labels, Rows, UndeclaredError, dimensions, recompute
from sandbox.egress.table import Cell, Table, place
from sandbox.egress.terms import Inspection
from sandbox.order import Function, OutputColumn, OutputForm, ReleaseClass
from sandbox.reason import Said

TOLERANCE = 1e-6
"""Relative; apart from it, a number may be rounded as far as it shows digits."""
SOLVERS = 1e-3
"""The same for coefficients: solvers stop at different places."""

MISMATCH = Rule(
    id="egress.mismatch",
    stage=2,
    why=Said(
        zh="该数值与门控从视图重算的数值不符,已记入出域日志。",
        en="This number is not what the gate computes from the view; the egress log records it.",
    ),
    fix=Said(
        zh="对整个视图按声明的维度与函数计算,不筛选、不抽样、不加工。",
        en="Compute the declared function over the whole view by the declared dimensions, without"
        " filters, samples or changes.",
    ),
    clause="Weifang art. 26",
)
REPEATED = Rule(
    id="egress.repeated_row",
    stage=2,
    why=Said(
        zh="同一组类别出现在多行中。",
        en="The same categories stand in several rows.",
    ),
    fix=Said(zh="每组类别只写一行。", en="Write one row for each combination of categories."),
)
NOT_RECOMPUTABLE = Rule(
    id="egress.not_recomputable",
    stage=2,
    why=Said(
        zh="声明的列不足以让门控重算:维度须是目录中有类别清单的维度,数值须有函数与已授权的来源列。",
        en="The gate cannot recompute the declared columns: a dimension must have its categories in"
        " the catalogue, a number must have a function and a granted source column.",
    ),
    fix=Said(
        zh="在场景中补全列的函数与来源,或声明为人工审核类输出。",
        en="Complete the columns in the scenario, or declare the output as reviewed.",
    ),
)


def lane(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find the first number of an aggregate table that differs from the gate's."""
    if exhibit.terms.release is not ReleaseClass.SDC or exhibit.terms.form is OutputForm.CHART:
        return
    try:
        rows = recompute(exhibit.terms, inspection)
    except UndeclaredError:
        yield NOT_RECOMPUTABLE.at()
        return
    names = [column.name for column in exhibit.terms.columns]
    if isinstance(exhibit.body, Table) and set(exhibit.body.columns) == set(names):
        yield from _held_against(exhibit, exhibit.body, rows)


def _held_against(exhibit: Exhibit, table: Table, rows: Rows) -> Iterator[Finding]:
    places = [table.columns.index(column.name) for column in exhibit.terms.columns]
    dims = [table.columns.index(column.name) for column in dimensions(exhibit.terms)]
    seen: set[Labels] = set()
    for number, row in enumerate(table.rows, start=1):
        labels = tuple(label(row[index]) for index in dims)
        if labels in seen:
            yield REPEATED.at(f"row {number}")
            return
        seen.add(labels)
        cells = [row[index] for index in places]
        wrong = _differing(cells, exhibit.terms.columns, rows, labels)
        if wrong is not None:
            name = wrong.name
            index = table.columns.index(name)
            yield MISMATCH.at(place(exhibit.terms, name, index=index, row=number))
            return


def _differing(
    cells: list[Cell], columns: tuple[OutputColumn, ...], rows: Rows, labels: Labels
) -> OutputColumn | None:
    found = rows[labels].cells if labels in rows else tuple(None for _ in columns)
    for column, theirs, ours in zip(columns, cells, found, strict=True):
        if column.function not in LABELS and not _agree(theirs, ours, column):
            return column
    return None


def _agree(theirs: Cell, ours: Cell, column: OutputColumn) -> bool:
    """Whether a number is the gate's: exactly, rounded as it leaves, or rounded to its digits."""
    if theirs is None:
        return True
    if isinstance(theirs, str | bool) or not isinstance(ours, int | float):
        return theirs == 0 and column.function in COUNTS | {Function.SUM}
    if column.function in COUNTS:
        return theirs in {ours, rounded_count(ours)}
    shown = written(theirs)
    decimals = len(shown.partition(".")[2]) if "e" not in shown else 0
    half = 0.5 * 10.0**-decimals if decimals else 0.0
    tolerance = SOLVERS if column.function in MODELS else TOLERANCE
    near = math.isclose(theirs, ours, rel_tol=tolerance, abs_tol=TOLERANCE)
    return near or abs(theirs - ours) <= half or theirs == significant(ours, 4)
