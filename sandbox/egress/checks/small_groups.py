"""Finds rows of a reviewed table that stand for too few protected units, or do not say for how many."""

from collections.abc import Iterator

from sandbox.egress.declared import COUNTS, LABELS
from sandbox.egress.disclosure.profile import profile_of
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule, Weight
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
NO_COUNTS = Rule(
    id="egress.no_counts",
    stage=5,
    weight=Weight.REVIEW,
    why=Said(
        zh="声明的统计量没有给出其依据的数量,需人工查看。",
        en="The declared statistics stand without the counts that they are made from: a person must look.",
    ),
    fix=Said(
        zh="为每行增加一列计数(count 或 count_units),并去掉单位少于最小数量的行。",
        en="Add a column with the count of each row (count or count_units), and drop the rows of fewer units than the"
        " least number.",
    ),
)


def small_groups(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find the first count from 1 to below the least number in each column of counts, or that there is none."""
    table = exhibit.body
    if not isinstance(table, Table) or exhibit.terms.release is not ReleaseClass.REVIEWED:
        return
    found = functions(table, exhibit.terms)
    if set(found) - COUNTS - LABELS - {Function.FREE} and not COUNTS & set(found):
        yield NO_COUNTS.at()
    fewest = _fewest(inspection)
    for index, function in enumerate(found):
        small = [
            row
            for row, cell in enumerate(table.cells(index), start=1)
            if function in COUNTS and isinstance(cell, int | float) and 0 < cell < fewest
        ]
        if small:
            at = place(exhibit.terms, table.columns[index], index=index, row=small[0])
            exact = Said(zh=f"共 {len(small)} 行。", en=f"{len(small)} rows in all.")
            yield SMALL.at(at, exact=exact)


def _fewest(inspection: Inspection) -> int:
    """Return the least number of the strictest view: a reviewed table may be made from any granted column."""
    policy = inspection.policy
    found = (profile_of(v.asset, v.terms.columns, policy).min_units for v in inspection.protected)
    return max(found, default=policy.min_units)
