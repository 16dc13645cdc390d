"""The canonical form is one form: what is canonical stays as it is, whatever it is made of."""

import json

from hypothesis import given
from hypothesis import strategies as st
from shuyu_reader.unwrap import MAX_BYTES, unwrap

from sandbox.egress.bodies import document, typed_table
from sandbox.egress.canonical import Form as Canonical
from sandbox.egress.canonical import canonical, canonical_text
from sandbox.egress.numbers import rounded_count, significant, written
from sandbox.egress.preview import CAP, preview
from sandbox.egress.reading import Form
from sandbox.egress.table import Document, Json, Table
from sandbox.order import Function, OutputColumn, ReleaseClass
from tests.sandbox.egress.examples import output, quickly, read_as

COLUMNS = (
    OutputColumn(name="grade", type="string", function=Function.DIMENSION),
    OutputColumn(name="n", type="int", function=Function.COUNT),
    OutputColumn(name="mean", type="float", function=Function.AVG),
    OutputColumn(name="note", type="string"),
)
FORM = Canonical(terms=output(columns=COLUMNS), digits=4, domains={"grade": ("C", "A", "B")})
FREE = Canonical(terms=output(), digits=4, domains={})
WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn")), max_size=12
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.none() | st.integers(-(10**17), 10**17),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        WORDS.filter(lambda word: "\ufeff" not in word),
    ),
    min_size=1,
    max_size=8,
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@quickly
@given(ROWS)
def test_a_canonical_table_is_its_own_canonical_form(
    rows: list[tuple[str, int, float, str]],
) -> None:
    table = Table(("grade", "n", "mean", "note"), tuple(rows))

    once = canonical(table, "csv", FORM)
    read = read_as(Form.CSV, once[2])["body"]["table"]
    again = canonical(typed_table(read["columns"], read["rows"], FORM.terms), "csv", FORM)

    assert again == once


@quickly
@given(ROWS)
def test_the_order_of_rows_does_not_show(rows: list[tuple[str, int, float, str]]) -> None:
    names = ("grade", "n", "mean", "note")

    straight = canonical(Table(names, tuple(rows)), "json", FORM)
    turned = canonical(Table(names, tuple(reversed(rows))), "json", FORM)

    assert turned == straight


@quickly
@given(VALUES)
def test_a_canonical_document_is_its_own_canonical_form(value: Json) -> None:
    once = canonical(Document({"report": {"x": value}}), "json", FREE)[2]

    body = document(read_as(Form.JSON, once)["body"]["json"], FREE.terms)

    assert canonical(body, "json", FREE)[2] == once


@quickly
@given(st.text())
def test_canonical_text_is_its_own_canonical_form(text: str) -> None:
    once = canonical_text(text)

    assert canonical_text(once) == once


@quickly
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_so_that_it_is_read_back(number: float) -> None:
    short = significant(number, 4)

    assert float(written(short)) == short
    assert significant(short, 4) == short


@quickly
@given(st.integers(0, 10**12))
def test_a_count_moves_by_two_at_most(count: int) -> None:
    assert abs(rounded_count(count) - count) <= 2
    assert rounded_count(count) % 5 == 0


def test_categories_stand_in_the_catalogues_order() -> None:
    table = Table(("grade", "n", "mean", "note"), (("A", 12, 1.0, "x"), ("C", 13, 2.0, "y")))

    assert canonical(table, "csv", FORM)[2] == b"grade,n,mean,note\nC,15,2,y\nA,10,1,x\n"


def test_the_planners_numbers_are_not_rounded_again() -> None:
    form = Canonical(terms=output(ReleaseClass.DP, COLUMNS), digits=4, domains={})
    table = Table(("grade", "n", "mean", "note"), (("A", 123457, 1.234567, "x"),))

    assert b"A,123457,1.234567,x" in canonical(table, "csv", form)[2]


@quickly
@given(st.text())
def test_nothing_hides_in_a_preview(text: str) -> None:
    shown = preview(text.encode("utf-8", errors="replace"))

    assert all(character == "\n" or character.isprintable() for character in shown)


def test_a_preview_has_an_end() -> None:
    shown = preview("\u202e密".encode() * 100_000)

    assert len(shown.encode()) <= CAP
    assert "⟦U+202E⟧" in shown
    assert "\u202e" not in shown


@quickly
@given(st.binary(max_size=400))
def test_whatever_bytes_come_unwrapping_ends(content: bytes) -> None:
    found = unwrap(content)

    assert found.layers[0].content == content
    assert sum(len(layer.content) for layer in found.layers) <= MAX_BYTES


def test_a_canonical_json_table_is_plain_json() -> None:
    table = Table(("a", "b"), ((1.5, "x"), (None, "y")))

    content = canonical(table, "json", FREE)[2]

    assert json.loads(content) == [{"a": 1.5, "b": "x"}, {"a": None, "b": "y"}]
