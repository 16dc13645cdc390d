"""Asks whether a file is one that was declared, within its declared size, and not empty."""

from collections.abc import Iterator

from sandbox.egress.exhibit import Exhibit
from sandbox.egress.finding import Finding, Rule
from sandbox.egress.malformed import EMPTY
from sandbox.egress.table import Table, Text
from sandbox.egress.terms import Inspection, Maker
from sandbox.order import ReleaseClass
from sandbox.reason import Said

UNDECLARED = Rule(
    id="egress.undeclared",
    stage=0,
    why=Said(
        zh="该文件不在声明的输出之中。",
        en="This file is not among the declared outputs.",
    ),
    fix=Said(
        zh="在提交作业时声明它,或不要写出它。",
        en="Declare it when submitting the job, or do not write it.",
    ),
    clause="Shanghai art. 23",
)
MISSING = Rule(
    id="egress.missing",
    stage=0,
    why=Said(
        zh="声明的输出没有写出。",
        en="A declared output was not written.",
    ),
    fix=Said(
        zh="把它写到 /out 下,以输出名命名,例如 O1.csv;或不要声明它。",
        en="Write it under /out by its output's name, such as O1.csv, or do not declare it.",
    ),
    clause="Shanghai art. 23",
)
TWICE = Rule(
    id="egress.twice",
    stage=0,
    why=Said(
        zh="同一输出写了多个文件。",
        en="Several files were written for one output.",
    ),
    fix=Said(zh="每个输出只写一个文件。", en="Write one file for each output."),
)
TOO_LARGE = Rule(
    id="egress.size",
    stage=0,
    why=Said(
        zh="文件超过声明的大小上限。",
        en="The file is larger than was declared.",
    ),
    fix=Said(
        zh="写得更少,或在场景中声明更大的上限。",
        en="Write less, or declare a larger limit in the scenario.",
    ),
    clause="Shanghai art. 23",
)
NOT_THE_PLANNERS = Rule(
    id="egress.not_private",
    stage=7,
    why=Said(
        zh="该输出声明为差分隐私,却不是由域内的查询规划器生成。",
        en="This output was declared as differentially private, but the domain's planner did not"
        " make it.",
    ),
    fix=Said(
        zh="以查询作业取得它,或声明为其他放行类别。",
        en="Ask for it with a query job, or declare another release class.",
    ),
)


def intake(exhibit: Exhibit, inspection: Inspection) -> Iterator[Finding]:
    """Find an empty file, and a differentially private one that anybody else wrote."""
    private = exhibit.terms.release is ReleaseClass.DP
    ours = private and inspection.maker is Maker.PLANNER
    if _is_empty(exhibit) and not ours:  # that noise let no key be seen is an answer
        yield EMPTY.at()
    if private and not ours:
        yield NOT_THE_PLANNERS.at()


def _is_empty(exhibit: Exhibit) -> bool:
    match exhibit.body:
        case None:
            unwrapped = exhibit.unwrapped
            return not unwrapped.bomb and not any(one.text.strip() for one in unwrapped.layers)
        case Table(rows=rows):
            return not rows
        case Text(text=text):
            return not text.strip()
        case _:
            return False
