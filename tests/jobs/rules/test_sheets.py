"""What people see of canonical bytes: bounded, honest about what is left out, and with nothing that hides."""

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.rules.lookalikes import plain_to_see
from jobs.rules.sheets import MAX_CHARACTERS, MAX_COLUMNS, MAX_ROWS, Line, Pages, Sheet, view
from sandbox.egress.preview import CAP, preview

CSV, JSON, TEXT = "text/csv; charset=utf-8", "application/json", "text/plain; charset=utf-8"
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=8)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain ASCII, 中文（全角标点）：正常", "plain ASCII, 中文（全角标点）：正常"),
        ("rev\u202eersed", "rev⟨U+202E⟩ersed"),
        ("ze\u200bro\u2060\ufeff", "ze⟨U+200B⟩ro⟨U+2060⟩⟨U+FEFF⟩"),
        ("tag\U000e0041", "tag⟨U+E0041⟩"),
        ("no\u00a0break", "no⟨U+00A0⟩break"),
        ("bell\x07", "bell⟨U+0007⟩"),
        ("p\u0430ypal", "pа⟨U+0430⟩ypal"),
        ("bei\u0434ing", "beiд⟨U+0434⟩ing"),
        ("\uff11\uff12\uff21", "１⟨U+FF11⟩２⟨U+FF12⟩Ａ⟨U+FF21⟩"),
        ("\U0001d7d9\u0663", "𝟙⟨U+1D7D9⟩٣⟨U+0663⟩"),
        ("e\u0301", "e\u0301⟨U+0301⟩"),
        ("R² = 0.68, ①, σ, é", "R² = 0.68, ①, σ, é"),
    ],
)
def test_what_hides_is_replaced_and_what_passes_for_another_is_named(text: str, seen: str) -> None:
    assert plain_to_see(text) == seen


@given(st.text(max_size=200))
def test_nothing_that_is_shown_hides_whatever_was_written(text: str) -> None:
    shown = plain_to_see(text)

    hidden = {unicodedata.category(sign) for sign in shown if sign not in "\n\t "}
    assert not hidden & {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp", "Zs"}


def test_a_table_is_shown_as_one_with_its_evidence_at_the_column() -> None:
    found = [
        ("row 2, column n", "egress.small"),
        ("column n", "egress.other"),
        ("column number 1", "egress.nameless"),
        ("", "egress.whole"),
    ]

    shown = view("grade,n\nA,120\nB,95\n", CSV, found)

    assert shown == Sheet(
        columns=("grade", "n"),
        marks=((), ("egress.small", "egress.other")),
        rows=(("A", "120"), ("B", "95")),
        more_rows=0,
        more_columns=0,
        is_cut=False,
    )


def test_a_column_that_is_called_number_is_not_mistaken_for_a_count_of_columns() -> None:
    shown = view(
        "number\n1\n", CSV, [("column number", "egress.a"), ("column number 1", "egress.b")]
    )

    assert isinstance(shown, Sheet)
    assert shown.marks == (("egress.a",),)


def test_prose_is_shown_line_by_line_with_its_evidence_at_the_line() -> None:
    shown = view("one\ntwo\n", TEXT, [("line 2", "egress.identifier"), ("line 22", "egress.x")])

    lines = (
        Line(number=1, text="one", marks=()),
        Line(number=2, text="two", marks=("egress.identifier",)),
    )
    assert shown == Pages(lines=lines, more_lines=0)


def test_what_is_left_out_is_counted() -> None:
    wide, long = MAX_COLUMNS + 3, MAX_ROWS + 7
    table = "\n".join([",".join(f"c{n}" for n in range(wide)), *[",".join("1" * wide)] * long])
    prose = "\n".join(["x" * (MAX_CHARACTERS + 5)] * long)

    sheet, pages = view(table, CSV), view(prose, TEXT)

    assert isinstance(sheet, Sheet)
    assert (len(sheet.columns), sheet.more_columns) == (MAX_COLUMNS, 3)
    assert (len(sheet.rows), sheet.more_rows) == (MAX_ROWS, 7)
    assert isinstance(pages, Pages)
    assert (len(pages.lines), pages.more_lines) == (MAX_ROWS, 7)
    assert pages.lines[0].text.endswith("x… (+5)")


def test_a_preview_that_ends_before_its_file_says_so() -> None:
    text = preview(b"grade,n\n" + b"A,1\n" * CAP)

    shown = view(text, CSV)

    assert isinstance(shown, Sheet)
    assert shown.is_cut


@pytest.mark.parametrize("kind", [CSV, TEXT])
@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n… CANARY-7f3a / the rest is not shown\n",
        "a,b\n1,CANARY-7f3a\n… 其余未显示 / the rest is not shown\n",
        "a,b\n1,2,3,CANARY-7f3a\n… 其余未显示 / the rest is not shown\n",
    ],
)
def test_a_file_that_only_claims_to_be_cut_hides_nothing(text: str, kind: str) -> None:
    assert "CANARY-7f3a" in repr(view(text, kind))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a,b\n1\n", CSV),
        ('a"b,"c\nd\n', CSV),
        ("", CSV),
        ("[1,2]\n", JSON),
        ('[{"a":1},{"b":2}]\n', JSON),
        ('[{"a":[1]}]\n', JSON),
        ('{"a":1}\n', JSON),
        ("[" * 100_000, JSON),
        ("not json", JSON),
        ("<svg/>", "image/svg+xml"),
    ],
)
def test_what_is_no_table_is_shown_as_the_text_that_it_is(text: str, kind: str) -> None:
    shown = view(text, kind)

    assert isinstance(shown, Pages)
    assert "".join(line.text for line in shown.lines)[:5] == text.replace("\n", "")[:5]


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8))
def test_every_cell_of_a_canonical_table_stands_in_its_place(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([("left", "right"), *rows])

    shown = view(out.getvalue(), CSV)

    if isinstance(shown, Sheet):
        assert shown.rows == tuple((plain_to_see(one), plain_to_see(two)) for one, two in rows)


def test_a_json_table_keeps_its_numbers_as_they_are_written() -> None:
    shown = view(json.dumps([{"g": "A", "n": 1.50, "b": True, "z": None}]), JSON)

    assert isinstance(shown, Sheet)
    assert shown.rows == (("A", "1.5", "true", ""),)
