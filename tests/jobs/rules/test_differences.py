"""How an output differs from its last version, in rows, columns, cells and lines, each counted."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.rules.differences import MAX_LINES, MAX_SHOWN, Change, Kind, difference

CSV, TEXT = "text/csv", "text/plain"
OLD = "grade,n\nA,120\nB,95\nC,20\n"


def test_cells_rows_and_columns_are_told_by_the_rows_keys() -> None:
    found = difference(OLD, "grade,n,mean\nA,125,1\nB,95,2\nD,30,3\n", CSV, keys=("grade",))

    assert (found.added, found.removed, found.changed) == (1, 1, 1)
    assert (found.columns_added, found.columns_removed) == (("mean",), ())
    assert found.changes == (
        Change(kind=Kind.CHANGED, what=("A",), cells=(("n", "120", "125"),)),
        Change(kind=Kind.ADDED, what=("D", "30", "3")),
        Change(kind=Kind.REMOVED, what=("C", "20")),
    )


@pytest.mark.parametrize("keys", [(), ("n",), ("nowhere",)])
def test_where_no_key_names_the_rows_they_are_compared_whole(keys: tuple[str, ...]) -> None:
    found = difference("g,n\nA,1\nB,1\n", "g,n\nA,1\nC,1\n", CSV, keys=keys)

    assert (found.added, found.removed, found.changed) == (1, 1, 0)


def test_texts_are_compared_line_by_line_with_what_stands_around() -> None:
    found = difference("a\nb\nc\nd\n", "a\nB\nc\nd\n", TEXT)

    assert (found.added, found.removed) == (1, 1)
    assert [(change.kind, change.what) for change in found.changes] == [
        (Kind.SAME, ("a",)),
        (Kind.REMOVED, ("b",)),
        (Kind.ADDED, ("B",)),
        (Kind.SAME, ("c",)),
        (Kind.SAME, ("d",)),
    ]


@pytest.mark.parametrize("kind", [CSV, TEXT])
def test_the_same_text_does_not_differ(kind: str) -> None:
    assert difference(OLD, OLD, kind, keys=("grade",)).is_none


def test_a_table_that_became_prose_is_compared_as_text() -> None:
    found = difference(OLD, "grade\nA,120,3\n", CSV)

    assert (found.added, found.removed) == (2, 4)


def test_lines_that_look_like_a_diffs_own_are_lines() -> None:
    found = difference("x\n", "x\n@@ -1 +1 @@\n+++ y\n--- z\n", TEXT)

    assert [change.what for change in found.changes] == [
        ("x",),
        ("@@ -1 +1 @@",),
        ("+++ y",),
        ("--- z",),
    ]


def test_what_hides_in_a_difference_is_plain_to_see() -> None:
    found = difference("a,b\n1,2\n", "a,b\n1,\u202e2\n", CSV, keys=("a",))

    assert found.changes[0].cells == (("b", "2", "⟨U+202E⟩2"),)


def test_many_differences_are_counted_and_the_first_are_shown() -> None:
    new = "".join(f"line {number}\n" for number in range(MAX_SHOWN + 10))

    found = difference("", new, TEXT)

    assert (len(found.changes), found.more, found.added) == (MAX_SHOWN, 10, MAX_SHOWN + 10)


def test_texts_that_are_made_to_take_for_ever_do_not() -> None:
    old, new = ("".join(f"{n % step}\n" for n in range(200_000)) for step in (61, 59))

    begun = time.process_time()
    found = difference(old, new, TEXT)

    assert not found.is_whole
    assert time.process_time() - begun < 20
    assert found.added + found.removed <= 2 * MAX_LINES


ROWS = st.dictionaries(st.sampled_from("ABCDE"), st.sampled_from("123"), min_size=1)


@given(ROWS, ROWS)
def test_applying_a_difference_of_tables_to_the_old_gives_the_new(
    old: dict[str, str], new: dict[str, str]
) -> None:
    one, two = ("g,n\n" + "".join(f"{g},{n}\n" for g, n in rows.items()) for rows in (old, new))

    found = difference(one, two, CSV, keys=("g",))

    made = dict(old)
    for change in found.changes:
        match change:
            case Change(kind=Kind.ADDED, what=(key, value)):
                made[key] = value
            case Change(kind=Kind.REMOVED, what=(key, _)):
                del made[key]
            case Change(what=(key,), cells=((_, before, after),)):
                assert made[key] == before
                made[key] = after
            case _:
                pytest.fail("a change of no such kind")
    assert made == new
