"""Finds rows of a reviewed table that stand for too few protected units."""

from collections.abc import Iterator

from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.table import Table, functions, place
from sandbox.egress.terms import Inspection
from sandbox.order import Function, ReleaseClass
from sandbox.reason import Said

SMALL = Rule(
    id="egress.small_groups",
    stage=5,
    why=Said(
        zh="该行代表的受保护单位少于最小数量。",
        en="The row stands for fewer protected units than the least number allowed.",
    ),
    fix=Said(
        zh="合并类别或去掉该行;也可声明为统计表,由门控重算并自动抑制。",
        en="Merge categories or drop the row; or declare a statistical table, which the gate"
        " recomputes and treats by itself.",
    ),
)
COUNTED = frozenset({Function.COUNT, Function.COUNT_UNITS})


def small_groups(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find the first count from 1 to below the least number, in each column of counts."""
    table = exhibit.body
    if not isinstance(table, Table) or exhibit.terms.release is not ReleaseClass.REVIEWED:
        return
    fewest = inspection.policy.min_units
    for index, function in enumerate(functions(table, exhibit.terms)):
        small = [
            row
            for row, cell in enumerate(table.cells(index), start=1)
            if function in COUNTED and isinstance(cell, int | float) and 0 < cell < fewest
        ]
        if small:
            at = place(exhibit.terms, table.columns[index], index=index, row=small[0])
            exact = Said(zh=f"共 {len(small)} 行。", en=f"{len(small)} rows in all.")
            yield SMALL.at(at, exact=exact)
