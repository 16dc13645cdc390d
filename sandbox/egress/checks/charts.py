"""Asks whether a chart draws a table that leaves, in columns that it has, under titles that say nothing more."""

import re
from collections.abc import Iterator

from sandbox.egress.charts.spec import BOX, Chart, Kind
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.malformed import NO_TABLE
from sandbox.egress.reports.numbers import typed_numbers
from sandbox.egress.table import Table
from sandbox.egress.terms import Inspection
from sandbox.order import ReleaseClass
from sandbox.reason import Said

MOST_ROWS = 5_000
"""Rows of a table that is drawn: a picture of more shows nothing, and costs the renderer too much."""
_TITLE = re.compile(r"[\w \-–,.:;()%/+&°·、,。:;()《》%¥€$]+")

NO_COLUMN = Rule(
    id="egress.chart_column",
    stage=1,
    why=Said(
        zh="图表引用了表中没有的列,或把非数值列用作数值,或表的行数过多。",
        en="The chart names a column that the table does not have, draws words as numbers, or draws too many rows.",
    ),
    fix=Said(
        zh="只引用表声明的列;quantitative 只用于数值列;行数不超过 5000。",
        en="Use the table's declared columns, quantitative for numbers only, and a table of at most 5,000 rows.",
    ),
)
BAD_TITLE = Rule(
    id="egress.chart_title",
    stage=3,
    why=Said(
        zh="图表的标题含有不允许的字符或手写的数字,或(自动放行时)不是目录中的名称。",
        en="A title of the chart has signs or typed numbers that are not allowed, or, where the chart leaves by itself, is"
        " no name of the catalogue.",
    ),
    fix=Said(
        zh="标题只用文字;自动放行的图表使用表的列名、目录中列的名称或资产名称,或不写标题。",
        en="Write titles in plain words; for a chart that leaves by itself use the table's column names, the catalogue's"
        " titles, or none.",
    ),
)


def charts(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find a chart without its table, a column that the table lacks, and a title that could carry data."""
    chart = exhibit.body
    if not isinstance(chart, Chart):
        return
    table = inspection.tables.get(chart.data.name)
    if table is None or not _is_as_strict(exhibit, inspection):
        yield NO_TABLE.at()
        return
    wrong = _wrong(chart, table)
    if wrong is not None:
        yield NO_COLUMN.at(f"encoding {wrong}" if wrong else "")
    if not all(_is_sound(title, exhibit, inspection) for title in chart.titles()):
        yield BAD_TITLE.at()


def _is_as_strict(exhibit: Exhibit, inspection: Inspection) -> bool:
    chart = exhibit.body
    assert isinstance(chart, Chart)
    if exhibit.terms.release is ReleaseClass.REVIEWED:
        return True
    named = [terms.release for terms in inspection.outputs if terms.name == chart.data.name]
    return named == [ReleaseClass.SDC]


def _wrong(chart: Chart, table: Table) -> str | None:
    """Return the first role whose column does not do, or an empty one where there are too many rows."""
    if len(table.rows) > MOST_ROWS:
        return ""
    for role, one in chart.encoding.channels().items():
        if one.field not in table.columns:
            return role
        cells = table.cells(table.columns.index(one.field))
        drawn = one.type is Kind.QUANTITATIVE
        if (role in BOX or role == "y2") and not drawn:
            return role
        if drawn and any(isinstance(cell, str | bool) for cell in cells):
            return role
    return None


def _is_sound(title: str, exhibit: Exhibit, inspection: Inspection) -> bool:
    if exhibit.terms.release is ReleaseClass.REVIEWED:
        return _TITLE.fullmatch(title) is not None and not list(typed_numbers(title))
    return title in _names(exhibit, inspection)


def _names(exhibit: Exhibit, inspection: Inspection) -> set[str]:
    """Return the names that the catalogue and the declarations know."""
    chart = exhibit.body
    assert isinstance(chart, Chart)
    said = [view.asset.title for view in inspection.views]
    said += [column.title for view in inspection.views for column in view.columns()]
    declared = {c.name for t in inspection.outputs if t.name == chart.data.name for c in t.columns}
    return {word for one in said for word in (one.zh, one.en)} | declared
