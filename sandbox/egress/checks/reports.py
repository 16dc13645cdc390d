"""Asks whether the slots of a report are cells of tables that leave, and whether all its other numbers are no data."""

from collections.abc import Iterator

from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.malformed import NO_TABLE
from sandbox.egress.reports.numbers import typed_numbers
from sandbox.egress.reports.slots import NoCellError, Template, written_slot
from sandbox.egress.terms import Inspection
from sandbox.reason import Said

NO_CELL = Rule(
    id="egress.slot",
    stage=1,
    why=Said(
        zh="占位符引用了表中没有的列,或同时指向多行。",
        en="A slot names a column that its table does not have, or several rows at once.",
    ),
    fix=Said(
        zh="用表声明的列名,并写足以确定一行的取值。",
        en="Use the table's declared columns, and name enough cells to tell one row.",
    ),
)
TYPED = Rule(
    id="egress.typed_number",
    stage=2,
    why=Said(
        zh="使用占位符的报告在正文中手写了数字。",
        en="A report with slots has a number typed into its prose.",
    ),
    fix=Said(
        zh="把该数字写入表输出,再以占位符引用;年份、20 以内的整数以及 90%、95%、99% 可以直接写。",
        en="Put the number into a table output and refer to it by a slot; years, whole numbers up to 20 and 90 %, 95 % or"
        " 99 % may be typed.",
    ),
)


def reports(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find the first slot without a table, the first without a cell, and the first number that was typed."""
    report = exhibit.body
    if not isinstance(report, Template):
        return
    slots = report.slots()
    absent = [slot for slot in slots if slot.table not in inspection.tables]
    if absent:
        yield NO_TABLE.at(f"line {absent[0].line}")
    for slot in slots:
        try:
            if slot not in absent:
                written_slot(slot, inspection.tables[slot.table])
        except NoCellError:
            yield NO_CELL.at(f"line {slot.line}")
            break
    typed = list(typed_numbers(report.prose()))
    if typed:
        exact = Said(zh=f"共 {len(typed)} 处。", en=f"{len(typed)} in all.")
        yield TYPED.at(f"line {typed[0]}", exact=exact)
