"""Asks whether every category of a table is one of the catalogue's."""

from collections.abc import Iterator

from sandbox.egress.cells import label
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.table import Table, place
from sandbox.egress.terms import Inspection
from sandbox.order import Function
from sandbox.reason import Said

OUTSIDE = Rule(
    id="egress.vocabulary",
    stage=3,
    why=Said(
        zh="该单元格不是目录中这一维度的类别。",
        en="The cell is not one of the catalogue's categories of this dimension.",
    ),
    fix=Said(
        zh="只使用目录列出的类别;其他取值归入其中或去掉。",
        en="Use only the categories that the catalogue lists; merge other values into them or drop"
        " them.",
    ),
)
NO_DOMAIN = Rule(
    id="egress.no_domain",
    stage=3,
    why=Said(
        zh="该维度在目录中没有类别清单,或未被授权。",
        en="The catalogue has no list of categories for this dimension, or it was not granted.",
    ),
    fix=Said(
        zh="改用目录中的维度。",
        en="Use a dimension that the catalogue lists.",
    ),
)

_DIMENSIONS = frozenset({Function.DIMENSION, Function.DIMENSION_TOTAL})


def vocabulary(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find the first cell of each dimension that the catalogue does not know."""
    table = exhibit.body
    if not isinstance(table, Table):
        return
    for column in exhibit.terms.columns:
        if column.function not in _DIMENSIONS or column.name not in table.columns:
            continue
        source = inspection.source(exhibit.terms, column)
        if source is None or not source.domain:
            yield NO_DOMAIN.at(f"column {column.name}")
            continue
        index = table.columns.index(column.name)
        for row, cell in enumerate(table.cells(index), start=1):
            total = cell is None and column.function is Function.DIMENSION_TOTAL
            if not total and label(cell) not in source.domain:
                yield OUTSIDE.at(place(exhibit.terms, column.name, index=index, row=row))
                break
