"""Makes the table that leaves for a declared output of aggregates: the gate's numbers, never the job's.

The gate's whole table is released, not the job's selection of rows: which rows a job names would
be a message. Rows without units, of too few units or of dominated sums are left out alike.
"""

from dataclasses import dataclass

from sandbox.egress.cells import typed
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.recompute import Row, recompute
from sandbox.egress.table import Cell, Table
from sandbox.egress.terms import Inspection
from sandbox.egress.treatments.suppression import Suppressed, suppress
from sandbox.order import Function, OutputTerms
from sandbox.reason import Said

ALL_SMALL = Rule(
    id="egress.small_groups",
    stage=5,
    why=Said(
        zh="每一行代表的受保护单位都过少,没有可以放行的行。",
        en="Every row stands for too few protected units: nothing is left to release.",
    ),
    fix=Said(
        zh="合并类别,或少用一个维度。",
        en="Merge categories, or use one dimension fewer.",
    ),
)
TOO_MANY = Rule(
    id="egress.rows",
    stage=0,
    why=Said(
        zh="门控重算出的表超过声明的行数上限。",
        en="The table as the gate computes it has more rows than were declared.",
    ),
    fix=Said(
        zh="少用一个维度,或在场景中声明更大的行数。",
        en="Use one dimension fewer, or declare more rows in the scenario.",
    ),
    clause="Shanghai art. 23",
)
RECOMPUTED = Said(
    zh="数值由门控从视图重新计算;计数舍入到 5 的倍数,其余保留有限的有效数字。",
    en="The numbers are the gate's own, computed again from the view: counts are rounded to"
    " multiples of 5, other numbers to a few significant digits.",
)
LEFT_OUT = Said(
    zh="单位过少或为零、被少数单位主导,或可反推出此类数值的行,已一并略去。",
    en="Rows with too few units or none, dominated by few units, or that would betray such rows"
    " were left out.",
)


@dataclass(frozen=True, slots=True)
class Treated:
    """A table that may leave, and what was done to it."""

    table: Table
    notes: tuple[Said, ...]


def treat(terms: OutputTerms, inspection: Inspection) -> Treated | Finding:
    """Return the table to release for `terms`, or why there is none."""
    rows = recompute(terms, inspection)
    done = suppress(rows, inspection.policy)
    if not done.kept:
        return ALL_SMALL.at(exact=_exact(done))
    if len(done.kept) > terms.max_rows:
        return TOO_MANY.at()
    names = tuple(column.name for column in terms.columns)
    table = Table(names, tuple(_typed(rows[labels], terms) for labels in done.kept))
    return Treated(table, (RECOMPUTED, LEFT_OUT))  # always both: an absent note would be a message


def _typed(row: Row, terms: OutputTerms) -> tuple[Cell, ...]:
    """Give the categories of a row their declared type; the gate computes them as text."""
    columns = zip(row.cells, terms.columns, strict=True)
    return tuple(
        typed(cell, column.type) if column.function is Function.DIMENSION else cell
        for cell, column in columns
    )


def _exact(done: Suppressed) -> Said:
    return Said(
        zh=f"过小 {done.small} 行,被主导 {done.dominated} 行,次级抑制 {done.secondary} 行。",
        en=f"{done.small} rows too small, {done.dominated} dominated, {done.secondary} secondary.",
    )
