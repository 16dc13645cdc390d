"""A report's numbers come from cleared tables through slots; what is typed, linked or marked up is refused."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.egress.inspection import Inspection, reopen
from sandbox.egress.malformed import UnreadableError
from sandbox.egress.reports.numbers import typed_numbers
from sandbox.egress.reports.slots import Template, filled, parse_report
from sandbox.egress.table import Table
from sandbox.egress.verdict import Blocked, Cleared, Held
from sandbox.order import Artifact, OutputForm
from tests.sandbox.egress.drawn import O2, SDC, both, by_grade, drawn_terms, report
from tests.sandbox.egress.examples import BY_GRADE, CANARY, O1, output, quickly, rules, told

Inspections = Callable[..., Inspection]
SEEN = drawn_terms(OutputForm.REPORT)
TABLE = Table(("grade", "n", "rate"), (("A", 10, 5.5), ("B", 25, None), ("a|b*", 5, -0.25)))
HONEST = """# 1.2 贷款分级评估 Loans by grade

2018 年,C 级共有 {{O1.row[grade=C].n}} 笔贷款,平均利率 {{ O1.row[grade="C"].rate }}%。

1. Grade A pays {{O1.row[grade=A].rate}} % (95 % confidence, 3 models, 10 folds).
2. Nobody is in grade Z: {{O1.row[grade=Z].n}}.

{{O1.table}}
"""


def fill(text: str) -> str:
    return filled(parse_report(text), {O1: TABLE})


def test_a_report_leaves_with_the_gates_own_numbers(
    inspection_of: Inspections, loans: pd.DataFrame
) -> None:
    artifacts = [report(HONEST), by_grade(loans)]
    inspection = inspection_of(output())
    found = both(inspection, artifacts, SEEN)
    table, held = found[O1], found[O2]
    assert isinstance(table, Cleared)
    assert isinstance(held, Held), told(held)
    assert held.findings == ()

    whole = replace(inspection, outputs=(output(SDC, BY_GRADE), SEEN))
    cleared = reopen(artifacts[0], whole, signed=held.digest, among=artifacts)

    lines = [line.split(",") for line in table.content.decode().splitlines()[1:]]
    [(_, n, _, rate, _)] = [line for line in lines if line[0] == "C"]
    text = cleared.content.decode()
    assert f"C 级共有 {n} 笔贷款,平均利率 {rate}%" in text
    assert "grade Z: —" in text
    assert "{{" not in text
    assert text.count("\n| ") == len(lines) + 2
    assert cleared.file == "O2.md"


def test_a_report_without_its_table_is_blocked(
    inspection_of: Inspections, loans: pd.DataFrame
) -> None:
    wrong = by_grade(loans)
    wrong = Artifact(O1, "csv", wrong.content.replace(b"\nB,", b"\nB,9"))

    found = both(inspection_of(output()), [report(HONEST), wrong], SEEN)[O2]

    assert rules(found) == {"egress.base"}


def test_a_report_without_slots_is_judged_as_prose(
    inspection_of: Inspections, loans: pd.DataFrame
) -> None:
    found = both(inspection_of(output()), [by_grade(loans), report("AUC 0.7124\n")], SEEN)[O2]

    assert isinstance(found, Held)


BAD = {
    "a typed number": (f"{{{{O1.table}}}}\nThe mean of {CANARY} is 73122.5.\n", "typed_number"),
    "a column that is not there": (f"{{{{O1.row[grade=A].{CANARY}}}}}\n", "slot"),
    "a key that is not there": (f"{{{{O1.row[{CANARY}=A].n}}}}\n", "slot"),
    "a table that is not there": ("{{O7.table}}\n", "base"),
    "an open slot": (f"{{{{O1.table}}}} {{{{{CANARY}\n", "report"),
    "an unknown slot": (f"{{{{O1.sum({CANARY})}}}}\n", "report"),
    "a row without a place": ("{{O1.row[0].n}}\n", "report"),
    "a digit beside a slot": ("9{{O1.row[grade=A].n}}\n", "report"),
    "a digit behind a slot": ("{{O1.row[grade=A].n}}.5\n", "report"),
    "a picture": (f"![x]({CANARY}.png) {{{{O1.table}}}}\n", "report"),
    "a link": (f"[x](https://example.org/{CANARY}) {{{{O1.table}}}}\n", "report"),
    "an address": (f"See www.{CANARY}.example {{{{O1.table}}}}\n", "report"),
    "markup": (f"<b>{CANARY}</b> {{{{O1.table}}}}\n", "report"),
    "an entity": ("&#55;3 {{O1.table}}\n", "report"),
    "fenced code": (f"{{{{O1.table}}}}\n```\n{CANARY}\n```\n", "report"),
    "an identifier": ("{{O1.table}} 电话 13812345678\n", "identifier.contact"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_reports_are_blocked_with_their_rule_and_without_their_words(
    bad: str, inspection_of: Inspections, loans: pd.DataFrame
) -> None:
    text, rule = BAD[bad]

    found = both(inspection_of(output()), [by_grade(loans), report(text)], SEEN)[O2]

    assert isinstance(found, Blocked)
    assert f"egress.{rule}" in rules(found)
    assert CANARY not in told(found)


@pytest.mark.parametrize(
    "typed",
    [
        *("0.7", "1234", "1,234.5", "12.5%", "2500", "7.5e3", "43", "-31.7", "19 999"),
        *(
            "三千二百",
            "零点七一",
            "731",
            "⑦③⑫22",
            "\u0661\u0662\u0663",
            "7**3**1",
            "7\\31",
            "7\u200b31",
        ),
        "1 2 3 4 5 6 7 8 9",
    ],
)
def test_a_number_that_is_data_is_found_however_it_is_written(typed: str) -> None:
    assert list(typed_numbers(f"first line\nthere were {typed} of them")) == [2]


@pytest.mark.parametrize(
    "typed",
    [
        *("in 2018", "1999-2003", "3 models", "the 12 months", "95 % sure", "99%", "第 3 章"),
        *("## 1.2 Methods", "### 2.1.3 细节", "十二个月", "1. first", "two of three", "20 folds"),
    ],
)
def test_years_ordinals_and_levels_of_confidence_may_be_typed(typed: str) -> None:
    assert list(typed_numbers(typed)) == []


def test_cells_are_written_as_they_leave_and_cannot_become_markup() -> None:
    assert fill("{{O1.row[grade=A].rate}} {{O1.row[2].rate}} {{O1.row[9].n}}") == "5.5 — —"
    assert fill('{{O1.row[grade="a|b*", n=5].rate}}') == "-0.25"
    assert fill("{{O1.row[3].grade}}") == r"a\|b\*"
    assert fill("{{O1.table}}").splitlines()[-1] == r"| a\|b\* | 5 | -0.25 |"


def test_what_fills_a_slot_is_not_read_as_a_slot() -> None:
    table = Table(("x",), (("{{O1.table}}",),))

    assert filled(parse_report("{{O1.row[1].x}}"), {O1: table}) == r"\{\{O1.table\}\}"


@given(text=st.text(alphabet='{}O1.row[]=",table 2\\\n', max_size=60))
@quickly
def test_whatever_prose_comes_it_is_a_template_or_refused(text: str) -> None:
    try:
        found = parse_report(text)
    except UnreadableError:
        return
    assert isinstance(found, Template)
    assert found.slots()
