import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from jobs.errors import NotFoundError, RecordBrokenError
from jobs.proof.bodies import dump
from jobs.proof.merkle import Peaks, leaf_hash
from jobs.record import database, log
from jobs.record.database import Record
from jobs.record.event import MAX_BYTES, Event, EventError
from jobs.record.schema import log_entry
from jobs.record.tiles import Bundle, Tile, content, entries_in, leaf_of, parse, tiles_of

SIZE = 530
"""Two full tiles and a part of one, and so a part of one on the level above."""
AT = "2026-03-02T04:00:00.000000Z"
TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=40)


@pytest.fixture
def filled(record: Record) -> Record:
    with record.writing() as tx:
        for number in range(SIZE):
            tx.note(Event("job.queued", f"J-{number % 7}", "系统", {"n": number}))
    return record


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("tile/0/000", Tile(level=0, index=0)),
        ("tile/2/x001/x234/067", Tile(level=2, index=1_234_067)),
        ("tile/63/001.p/255", Tile(level=63, index=1, width=255)),
        ("tile/entries/x001/000.p/1", Bundle(index=1000, width=1)),
    ],
)
def test_a_path_names_a_tile_as_c2sp_writes_it(path: str, named: Tile | Bundle) -> None:
    assert parse(path) == named
    assert named.path == path


@settings(deadline=None)
@given(
    level=st.one_of(st.none(), st.integers(0, 63)),
    index=st.integers(0, 2**63),
    width=st.integers(1, 256),
)
def test_every_tile_is_found_by_its_path(level: int | None, index: int, width: int) -> None:
    made = Bundle(index=index, width=width)
    named = made if level is None else Tile(level=level, index=index, width=width)

    assert parse(named.path) == named


@pytest.mark.parametrize(
    "path",
    [
        "", "tile/0", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000",
        "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/999", "tile/0/000.p",
        "tile/0/x000/000", "tile/0/001/000", "tile/0/000\n", "tile/0/٠٠٠", "tile/0/../../record.db",
        "tile/data/000", "tile/entries/000/", "tile/0/" + "x001/" * 7 + "000",
        "tile/0/" + "9" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_path_of_a_tile_names_nothing(path: str) -> None:
    with pytest.raises(NotFoundError):
        parse(path)


def test_a_log_of_70000_has_the_tiles_of_the_specifications_example() -> None:
    named = [each for each in tiles_of(70_000) if isinstance(each, Tile)]

    assert Counter((each.level, each.width) for each in named) == {
        (0, 256): 273, (0, 112): 1, (1, 256): 1, (1, 17): 1, (2, 1): 1,
    }  # fmt: skip
    assert sum(isinstance(each, Bundle) for each in tiles_of(70_000)) == 274
    assert [each.path for each in tiles_of(256)] == [
        "tile/entries/000", "tile/0/000", "tile/1/000.p/1",
    ]  # fmt: skip
    assert list(tiles_of(0)) == []


def test_every_tile_holds_the_hashes_of_the_trees_over_its_entries(filled: Record) -> None:
    with filled.reading() as tx:
        leaves = [log.leaf_bytes(tx, seq) for seq in range(SIZE)]
        kept = {each: content(tx, each) for each in tiles_of(SIZE)}

    assert {each.path for each in kept} == {
        "tile/entries/000", "tile/entries/001", "tile/entries/002.p/18",
        "tile/0/000", "tile/0/001", "tile/0/002.p/18", "tile/1/000.p/2",
    }  # fmt: skip
    for each, found in kept.items():
        start, span = each.index * 256, 1
        if isinstance(each, Bundle):
            assert entries_in(found, each.width) == leaves[start : start + each.width]
            continue
        span = 256**each.level
        parts = [range(at * span, (at + 1) * span) for at in range(start, start + each.width)]
        assert found == b"".join(_root([leaves[seq] for seq in part]) for part in parts)


def test_a_part_of_a_tile_stays_what_it_was_when_the_log_grows(filled: Record) -> None:
    with filled.reading() as tx:
        whole = content(tx, Tile(level=0, index=1))
        bundle = entries_in(content(tx, Bundle(index=1)), 256)
        for width in (1, 7, 255):
            assert content(tx, Tile(level=0, index=1, width=width)) == whole[: 32 * width]
            part = content(tx, Bundle(index=1, width=width))
            assert entries_in(part, width) == bundle[:width]


@pytest.mark.parametrize(
    "path",
    ["tile/0/002", "tile/0/002.p/19", "tile/0/003.p/1", "tile/1/000.p/3", "tile/2/000.p/1",
     "tile/63/000", "tile/63/x999/x999/x999/x999/x999/x999/999", "tile/entries/002.p/19"],
)  # fmt: skip
def test_a_tile_that_the_log_has_not_reached_is_not_there(filled: Record, path: str) -> None:
    with filled.reading() as tx:
        assert content(tx, parse("tile/0/002.p/18"))
        with pytest.raises(NotFoundError, match="not reached"):
            content(tx, parse(path))


def test_what_is_missing_or_cut_in_the_database_is_no_tile(filled: Record) -> None:
    with filled._writers.begin() as connection:
        connection.execute(delete(log_entry).where(log_entry.c.seq == 300))
        connection.execute(update(log_entry).where(log_entry.c.seq == 511).values(nodes=b"short"))
        connection.execute(
            update(log_entry).where(log_entry.c.seq == 520).values(facts='{"a":"' + "x" * 70_000)
        )

    with filled.reading() as tx:
        for wanted, why in (
            (Tile(level=0, index=1), "entry 300: its hashes"),
            (Bundle(index=1), "entries 256 to 511: not all"),
            (Tile(level=1, index=0, width=2), "entry 511: its hashes"),
            (Bundle(index=2, width=18), "entry 520: longer"),
        ):
            with pytest.raises(RecordBrokenError, match=why):
                content(tx, wanted)
        with pytest.raises(RecordBrokenError, match="entry 511: its hashes"):
            log.inclusion(tx, 0, SIZE)


@pytest.mark.parametrize("kept", [10**12, "text", 0.5])
def test_a_hash_that_is_none_is_told_and_not_tried(sqlite_record: Record, kept: object) -> None:
    with sqlite_record.writing() as tx:
        tx.note(Event("job.queued", "J-1", "system"))
    with sqlite_record._writers.begin() as connection:
        connection.exec_driver_sql("UPDATE log_entry SET nodes = ?", (kept,))

    with sqlite_record.reading() as tx, pytest.raises(RecordBrokenError, match="entry 0"):
        content(tx, Tile(level=0, index=0, width=1))


@settings(deadline=None)
@given(data=st.data(), entries=st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_a_bundle_of_another_length_is_no_bundle(data: st.DataObject, entries: list[bytes]) -> None:
    bundle = b"".join(len(each).to_bytes(2) + each for each in entries)
    end = data.draw(st.integers(0, len(bundle) - 1))
    more = data.draw(st.binary(min_size=1, max_size=9))

    assert entries_in(bundle, len(entries)) == entries
    for other in (bundle[:end], bundle + more):
        with pytest.raises(RecordBrokenError):
            entries_in(other, len(entries))
    with pytest.raises(RecordBrokenError):
        entries_in(bundle, 256)


@settings(deadline=None)
@given(subject=TEXTS, actor=TEXTS, facts=st.dictionaries(TEXTS, TEXTS | st.integers(), max_size=4))
def test_a_row_is_put_together_to_the_leaf_that_was_hashed(
    subject: str, actor: str, facts: dict[str, str | int]
) -> None:
    event = Event("job.queued", subject or "s", actor or "a", facts)
    row = (7, AT, event.kind, event.subject, event.actor, dump(event.facts), b"")

    assert leaf_of(row) == database.leaf(7, event, AT)


HARD = st.text(st.sampled_from('",:{}\\kindseq1a'), max_size=12) | st.sampled_from(
    ['","kind":"a', '1,"kind":"b","seq":1,"subject":"c"}', '{},"kind":"d"', "{}"]
)


TEXT = r'"(?:[^"\\]|\\.)*"'
START = re.compile(rf'\{{"actor":{TEXT},"at":{TEXT},"facts":.*', re.DOTALL)
END = re.compile(rf',"kind":{TEXT},"seq":1,"subject":{TEXT}\}}')


@settings(deadline=None)
@given(one=st.tuples(*[HARD] * 5), other=st.tuples(*[HARD] * 5))
def test_no_two_rows_give_one_leaf(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    leaves = [leaf_of((1, *row, b"")) for row in (one, other)]

    assert (leaves[0] == leaves[1]) == (one == other)


@settings(deadline=None)
@given(row=st.tuples(*[HARD] * 5))
def test_a_leaf_splits_into_columns_in_one_way_only(row: tuple[str, ...]) -> None:
    leaf = leaf_of((1, *row, b"")).decode()

    places = [found.start() for found in re.finditer(',"kind":', leaf)]
    ways = [at for at in places if START.fullmatch(leaf[:at]) and END.fullmatch(leaf[at:])]

    assert len(ways) == 1


def test_a_row_with_something_else_than_texts_is_no_leaf() -> None:
    right: list[object] = [7, AT, "job.queued", "s", "a", "{}", b""]

    for column in range(1, 6):
        for wrong in (b"x", None, 1, "\ud800"):
            row = [*right[:column], wrong, *right[column + 1 :]]
            with pytest.raises(RecordBrokenError, match="entry 7"):
                leaf_of(row)


@pytest.mark.parametrize("sign", ["x", '"', "\\", "汉", "\U0001f512"])
def test_an_event_is_bounded_exactly_where_a_bundle_ends(sign: str) -> None:
    largest = facts_of(MAX_BYTES, sign)
    event = Event("a.b", "s", "a", largest)

    assert len(database.leaf(2**63 - 1, event, AT)) == MAX_BYTES
    with pytest.raises(EventError, match="65535 bytes"):
        Event("a.b", "s", "a", {**largest, "y": ""})


def test_a_number_without_end_is_no_fact() -> None:
    assert Event("a.b", "s", "a", {"n": 1 - 2**1024}).facts["n"] == 1 - 2**1024
    with pytest.raises(EventError, match="1024 bits"):
        Event("a.b", "s", "a", {"n": 2**1024})


def facts_of(size: int, sign: str) -> dict[str, str]:
    """Make facts of `sign`, and then of x, with which the longest entry has `size` bytes."""
    each = len(dump(sign * 4000).encode()) + 7
    facts = {f"f{number:02}": sign * 4000 for number in range((size - 1000) // each)}
    frame = {"at": AT, "kind": "a.b", "subject": "s", "actor": "a", "seq": 2**63 - 1}
    rest = {f"x{number}": "" for number in range(5)}
    room = size - len(dump({**frame, "facts": facts | rest}).encode())
    for name in rest:
        part = "x" * min(room, 4000)
        rest[name], room = part, room - len(part)
    return facts | rest


def _root(leaves: list[bytes]) -> bytes:
    peaks = Peaks()
    for leaf in leaves:
        peaks, _ = peaks.grown(leaf_hash(leaf))
    return peaks.root()
