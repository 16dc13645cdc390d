"""Asks of each row of a consented output whether its subject consents to what the row is made from.

The view has the rows of those alone who consent to every granted column for this scenario and this recipient: a row about one of
them, made from such columns and nothing else, is within what they consented to. The record asks once more as it is released.
"""

from collections.abc import Iterator

from sandbox.egress.consented.subjects import marks_of, sources, subject_column
from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.table import Cell, Table, place
from sandbox.egress.terms import GateView, Inspection
from sandbox.order import Function, OutputColumn, ReleaseClass
from sandbox.reason import Said

_ART_22 = "Shanghai art. 22"

NOT_CONSENTED = Rule(
    id="egress.consented_view",
    stage=2,
    why=Said(
        zh="作业读取了未按授权同意筛选的视图,不能发布授权同意类输出。",
        en="The job read a view that was not filtered by consents: an output of the consented class cannot be made from it.",
    ),
    fix=Said(
        zh="提交作业时只列出走 consented 路径的数据资源。",
        en="Name only assets of the consented route when submitting the job.",
    ),
    clause=_ART_22,
)
UNDECLARED = Rule(
    id="egress.consented_columns",
    stage=2,
    why=Said(
        zh="授权同意类输出须声明一个主体列,其余每列须写明来源列;文本列须取自目录中有类别清单的一列。",
        en="A consented output declares one subject column and the source columns of every other; a text is of one column with"
        " its categories in the catalogue.",
    ),
    fix=Said(
        zh="在场景中补全列的声明;去掉自由文本。",
        en="Complete the columns in the scenario, and leave free text out.",
    ),
    clause=_ART_22,
)
STRANGER = Rule(
    id="egress.consented_subject",
    stage=2,
    why=Said(
        zh="该行的主体不在视图中:没有对这些列、本场景与本接收方有效的授权同意。",
        en="The row's subject is not in the view: there is no live consent for these columns, this scenario and this recipient.",
    ),
    fix=Said(
        zh="只输出视图中的主体,主体列原样写出视图中的化名。",
        en="Write rows about subjects of the view only, and their pseudonyms as the view has them.",
    ),
    clause=_ART_22,
)
FREE_TEXT = Rule(
    id="egress.consented_text",
    stage=3,
    why=Said(
        zh="该单元格不是其来源列在目录中的类别;授权同意类输出不放行自由文本。",
        en="The cell is none of its source column's categories: no free text leaves in a consented output.",
    ),
    fix=Said(zh="改用目录中的类别或数值。", en="Write a category of the catalogue, or a number."),
    clause=_ART_22,
)
WITHDRAWN = Rule(
    id="egress.consent_withdrawn",
    stage=9,
    why=Said(
        zh="输出所涉主体中有人的授权同意已撤回、到期或用完,输出不予放行。",
        en="A subject whom the output is about has withdrawn consent, or the consent has ended or is used up: it stays in.",
    ),
    fix=Said(
        zh="重新提交作业:视图只含仍然同意的主体。",
        en="Submit the job again: its view has those alone who still consent.",
    ),
    clause=_ART_22,
)
"""Found in the record, where consents stand, as a job is decided on and as it is released."""


def consents(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find a declaration or a view that no consent covers; else the first row without a subject, and texts."""
    if exhibit.terms.release is not ReleaseClass.CONSENTED:
        return
    view = inspection.view_of(exhibit.terms)
    if view is None or not all(each.terms.consented for each in inspection.views):
        yield NOT_CONSENTED.at()
        return
    wrong = _undeclared(exhibit, view)
    if wrong is not None:
        yield UNDECLARED.at(wrong)
    elif isinstance(exhibit.body, Table):
        yield from _rows(exhibit, exhibit.body, view)
    elif exhibit.body is not None:
        yield UNDECLARED.at()


def _undeclared(exhibit: Exhibit, view: GateView) -> str | None:
    """Return which column is not declared as it must be; empty where that is the subject's."""
    subject = subject_column(exhibit.terms)
    unit = view.asset.unit_column
    if subject is None or subject.source != unit or unit not in view.terms.pseudonyms:
        return ""
    others = (column for column in exhibit.terms.columns if column is not subject)
    return next((f"column {one.name}" for one in others if not _is_declared(one, view)), None)


def _is_declared(column: OutputColumn, view: GateView) -> bool:
    named = sources(column)
    known = all(name in view.terms.columns and name != view.asset.unit_column for name in named)
    text = column.type == "string"
    return (
        column.function is Function.VALUE
        and bool(named)
        and known
        and not (text and not _categories(column, view))
    )


def _categories(column: OutputColumn, view: GateView) -> frozenset[str]:
    named = sources(column)
    found = view.column(named[0]) if len(named) == 1 else None
    return frozenset(found.domain) if found else frozenset()


def _rows(exhibit: Exhibit, table: Table, view: GateView) -> Iterator[Finding]:
    known = marks_of(view)
    for index, name in enumerate(table.columns):
        column = next((one for one in exhibit.terms.columns if one.name == name), None)
        if column is None:
            return  # `types` has found it
        allowed = known.keys() if column.function is Function.SUBJECT else _categories(column, view)
        rule = STRANGER if column.function is Function.SUBJECT else FREE_TEXT
        bare = column.function is not Function.SUBJECT
        for row, cell in enumerate(table.cells(index), start=1):
            if not (bare and _is_bare(cell)) and cell not in allowed:
                yield rule.at(place(exhibit.terms, name, index=index, row=row))
                break


def _is_bare(cell: Cell) -> bool:
    """Whether a cell is a number, a truth or a blank."""
    return not isinstance(cell, str)
