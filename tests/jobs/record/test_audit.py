import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from jobs.errors import RecordBrokenError
from jobs.proof.checkpoint import sign_checkpoint
from jobs.proof.keys import SigningKey, Suite
from jobs.proof.merkle import Hashing, Head, Peaks, leaf_hash
from jobs.proof.ring import KeyRing, KnownKey
from jobs.record import log
from jobs.record.database import Record
from jobs.record.log import verify_log
from jobs.record.schema import log_checkpoint, log_entry, log_head
from tests.jobs.conftest import Ticking
from tests.jobs.record.test_log import SIZE, fill


@pytest.fixture
def filled(record: Record, log_key: SigningKey) -> Record:
    """Give a log of 21 entries and a checkpoint over them."""
    fill(record)
    with record.writing() as tx:
        log.checkpoint(tx, log_key)
    return record


def test_an_untouched_log_passes_and_says_what_it_saw(filled: Record, log_key: SigningKey) -> None:
    seen: list[tuple[int, int]] = []

    report = verify_log(
        filled, KeyRing.of(log_key.public), progress=lambda done, of: seen.append((done, of))
    )

    assert (report.head.size, report.signed, report.checkpoints) == (SIZE, SIZE, 1)
    assert seen == [(SIZE, SIZE)]
    assert report.signed_at == Ticking()() + timedelta(seconds=SIZE - 1)


def test_a_log_is_verified_from_a_checkpoint_on(filled: Record, log_key: SigningKey) -> None:
    ring = KeyRing.of(log_key.public)
    note = newest_note(filled, ring)
    fill(filled, 10)
    with filled.writing() as tx:
        log.checkpoint(tx, log_key)
    seen: list[tuple[int, int]] = []

    report = verify_log(filled, ring, since=note, progress=lambda *done: seen.append(done))

    whole = verify_log(filled, ring)
    assert report == replace(whole, since=SIZE, checkpoints=2)
    assert seen == [(SIZE + 10, SIZE + 10)]


def test_what_follows_a_checkpoint_is_recomputed_and_what_it_covers_is_not(
    filled: Record, log_key: SigningKey
) -> None:
    ring = KeyRing.of(log_key.public)
    note = newest_note(filled, ring)
    fill(filled, 10)
    bend(filled, [update(log_entry).where(ENTRY_7).values(subject="J-bent")])

    assert verify_log(filled, ring, since=note).since == SIZE
    with pytest.raises(RecordBrokenError, match=r"^entry 7:"):
        verify_log(filled, ring)
    bend(filled, [update(log_entry).where(log_entry.c.seq == 25).values(subject="J-bent")])
    with pytest.raises(RecordBrokenError, match=r"^entry 25:"):
        verify_log(filled, ring, since=note)


def test_a_log_that_does_not_go_on_from_the_checkpoint_is_told(
    filled: Record, log_key: SigningKey
) -> None:
    ring = KeyRing.of(log_key.public)
    for head, why in (
        (Head(size=SIZE + 1, root=bytes(32)), f"^entry {SIZE}: missing"),
        (Head(size=5, root=bytes(32)), "^entry 4 or an earlier one"),
        (Head(size=2**62, root=bytes(32)), f"^entry {SIZE}: missing"),
    ):
        with pytest.raises(RecordBrokenError, match=why):
            verify_log(filled, ring, since=sign_checkpoint(head, log_key).note)
    bend(filled, [update(log_entry).where(log_entry.c.seq == 15).values(nodes=b"short")])
    with pytest.raises(RecordBrokenError, match=r"^entry 15: its hashes are not kept"):
        verify_log(filled, ring, since=newest_note(filled, ring))


def test_a_checkpoint_of_a_revoked_key_vouches_for_nothing_but_must_fit(
    filled: Record, log_key: SigningKey
) -> None:
    ring = KeyRing(keys=(KnownKey(public=log_key.public, until=SIZE, revoked=SIZE),))

    report = verify_log(filled, ring)

    assert (report.signed, report.signed_at, report.checkpoints) == (0, None, 1)
    with pytest.raises(RecordBrokenError, match="not believed"):
        verify_log(filled, ring, since=newest_note(filled, KeyRing.of(log_key.public)))
    _rewrite(filled, lambda leaves: [*leaves[:-1], leaves[-1].replace(b"queued", b"caught")])
    with pytest.raises(RecordBrokenError, match="signed another root"):
        verify_log(filled, ring)


def test_a_log_hashed_with_sm3_is_verified(record: Record) -> None:
    key = SigningKey.unsaved("shuyu.test/log", Suite.SM2)
    record.found(domain="shuyu.test", hashing=Hashing.SM3)
    fill(record)
    with record.writing() as tx:
        log.checkpoint(tx, key)

    report = verify_log(record, KeyRing.of(key.public))

    assert (report.signed, report.head.hashing) == (SIZE + 1, Hashing.SM3)
    bend(record, [update(log_head).values(hashing="sha256")])
    with pytest.raises(RecordBrokenError, match=r"^entry 0:"):
        verify_log(record, KeyRing.of(key.public))


def test_an_empty_log_passes(record: Record, log_key: SigningKey) -> None:
    assert verify_log(record, KeyRing.of(log_key.public)).head == Head(size=0, root=Peaks().root())


ENTRY_7 = log_entry.c.seq == 7
SABOTAGE: list[tuple[str, list[object], int]] = [
    ("a deleted row", [delete(log_entry).where(ENTRY_7)], 7),
    ("a deleted first row", [delete(log_entry).where(log_entry.c.seq == 0)], 0),
    ("a deleted last row", [delete(log_entry).where(log_entry.c.seq == SIZE - 1)], SIZE - 1),
    ("another kind", [update(log_entry).where(ENTRY_7).values(kind="job.stopped")], 7),
    ("another time", [update(log_entry).where(ENTRY_7).values(at="2020")], 7),
    ("facts that are none", [update(log_entry).where(ENTRY_7).values(facts="[]")], 7),
    ("facts spaced apart", [update(log_entry).where(ENTRY_7).values(facts='{"n": 7}')], 7),
    ("a kind that is none", [update(log_entry).where(ENTRY_7).values(kind="")], 7),
    ("other hashes", [update(log_entry).where(ENTRY_7).values(nodes=bytes(96))], 7),
    (
        "two rows in each other's place",
        [
            update(log_entry).where(ENTRY_7).values(seq=99),
            update(log_entry).where(log_entry.c.seq == 8).values(seq=7),
            update(log_entry).where(log_entry.c.seq == 99).values(seq=8),
        ],
        7,
    ),
    (
        "a row too many",
        [
            insert(log_entry).values(
                seq=-1, at="", kind="a.b", subject="s", actor="a", facts="{}", nodes=b""
            )
        ],
        0,
    ),
    ("another root", [update(log_head).values(peaks=bytes(32 * SIZE.bit_count()))], SIZE),
]
HEADS: list[tuple[str, list[object]]] = [
    ("no head", [delete(log_head)]),
    ("two heads", [insert(log_head).values(
        id=2, size=0, peaks=b"", domain="", hashing="sha256", at="")]),
    ("another size", [update(log_head).values(size=SIZE + 1)]),
    ("a size below nothing", [update(log_head).values(size=-1)]),
    ("a size without end", [update(log_head).values(size=2**63 - 1)]),
    ("peaks that are cut", [update(log_head).values(peaks=b"short")]),
    ("a hash that nobody knows", [update(log_head).values(hashing="md5")]),
    ("another hash", [update(log_head).values(hashing="sm3")]),
    ("another time", [update(log_head).values(at="2020-01-01T00:00:00.000000Z")]),
    ("another domain", [update(log_head).values(domain="elsewhere")]),
    ("no first note", [update(log_checkpoint).values(note="")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "first"), [case[1:] for case in SABOTAGE], ids=[case[0] for case in SABOTAGE]
)
def test_the_first_entry_that_was_tampered_with_is_named(
    filled: Record, log_key: SigningKey, changes: list[object], first: int
) -> None:
    bend(filled, changes)

    with pytest.raises(RecordBrokenError, match=f"^entry {first}:"):
        verify_log(filled, KeyRing.of(log_key.public))


@pytest.mark.parametrize("changes", [case[1] for case in HEADS], ids=[case[0] for case in HEADS])
def test_a_head_or_a_checkpoint_that_was_tampered_with_is_told(
    filled: Record, log_key: SigningKey, changes: list[object]
) -> None:
    assert verify_log(filled, KeyRing.of(log_key.public)).signed == SIZE

    bend(filled, changes)

    with pytest.raises(RecordBrokenError):
        verify_log(filled, KeyRing.of(log_key.public))


def test_a_rewritten_log_that_fits_itself_does_not_fit_its_checkpoint(
    filled: Record, log_key: SigningKey
) -> None:
    _rewrite(filled, lambda leaves: [*leaves[:-1], leaves[-1].replace(b"queued", b"caught")])

    with pytest.raises(RecordBrokenError, match="signed another root"):
        verify_log(filled, KeyRing.of(log_key.public))


def test_a_log_cut_together_with_its_checkpoints_is_found_by_one_kept_elsewhere(
    filled: Record, log_key: SigningKey
) -> None:
    with filled.reading() as tx:
        elsewhere = log.last_checkpoint(tx, KeyRing.of(log_key.public))
    assert elsewhere is not None
    _rewrite(filled, lambda leaves: leaves[:10])
    with pytest.raises(RecordBrokenError, match="entry 10: missing"):
        verify_log(filled, KeyRing.of(log_key.public))
    with filled._writers.begin() as connection:
        connection.execute(delete(log_checkpoint))

    assert verify_log(filled, KeyRing.of(log_key.public)).signed == 0
    with pytest.raises(RecordBrokenError, match="entry 10: missing"):
        verify_log(filled, KeyRing.of(log_key.public), known=[elsewhere.note])


def test_checkpoints_of_another_key_or_size_are_not_believed(
    filled: Record, log_key: SigningKey
) -> None:
    with pytest.raises(RecordBrokenError, match="no key of the ring"):
        verify_log(filled, KeyRing.of(SigningKey.unsaved("shuyu.test/log").public))
    forked = sign_checkpoint(Head(size=SIZE, root=bytes(32)), log_key)
    with pytest.raises(RecordBrokenError, match="two checkpoints"):
        verify_log(filled, KeyRing.of(log_key.public), known=[forked.note])
    with filled._writers.begin() as connection:
        connection.execute(update(log_checkpoint).values(size=3))
    with pytest.raises(RecordBrokenError, match="another size"):
        verify_log(filled, KeyRing.of(log_key.public))


@pytest.fixture
def tampered(sqlite_record: Record, log_key: SigningKey) -> Record:
    sqlite_record.found(domain="shuyu.test", hashing=Hashing.SHA256)
    fill(sqlite_record, 8)
    with sqlite_record.writing() as tx:
        log.checkpoint(tx, log_key)
    return sqlite_record


COLUMNS = {
    "log_entry": ["seq", "at", "kind", "subject", "actor", "facts", "nodes"],
    "log_head": ["id", "size", "peaks", "domain", "hashing", "at"],
    "log_checkpoint": ["size", "note"],
}
NUMBERS, BYTES = {"seq", "id", "size"}, {"nodes", "peaks"}


@pytest.mark.req("J-02")
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_bit_of_any_row_that_is_flipped_is_found(
    tampered: Record, log_key: SigningKey, data: st.DataObject
) -> None:
    table = data.draw(st.sampled_from(sorted(COLUMNS)))
    column = data.draw(st.sampled_from(COLUMNS[table]))
    row = data.draw(st.integers(1, 9 if table == "log_entry" else 1))
    kept = _content(tampered, table, column, row)
    bit = data.draw(st.integers(0, 62 if isinstance(kept, int) else len(kept) * 8 - 1))
    assume(not (table == "log_entry" and column == "seq" and bit < 4))  # there is such a row

    _put(tampered, f"{table}.{column}", row, _flipped(kept, bit))
    found = found_out(tampered, log_key)

    _put(tampered, f"{table}.{column}", row, kept)
    # Two bits before the end of a note are padding: no verifier reads them (RFC 4648 section 3.5).
    assert found or (column == "note" and bit // 8 == len(str(kept).encode()) - 3)
    assert verify_log(tampered, KeyRing.of(log_key.public)).head.size == 9


@pytest.mark.req("J-02")
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_rows_that_are_deleted_cut_off_or_swapped_are_found(
    tampered: Record, log_key: SigningKey, data: st.DataObject
) -> None:
    with tampered._readers.begin() as connection:
        rows = [dict(row._mapping) for row in connection.execute(select(log_entry))]
    one, other = data.draw(st.permutations(range(9)))[:2]
    nodes = data.draw(st.booleans())
    swapped = [
        {**rows[other if seq == one else one if seq == other else seq], "seq": seq}
        | ({} if nodes else {"nodes": rows[seq]["nodes"]})
        for seq in range(9)
    ]
    for bent in (rows[:one] + rows[one + 1 :], rows[:one], swapped):
        _fill_with(tampered, bent)
        assert found_out(tampered, log_key)

    _fill_with(tampered, rows)
    assert not found_out(tampered, log_key)


def test_a_row_that_is_no_text_is_named(tampered: Record, log_key: SigningKey) -> None:
    _put(tampered, "log_entry.subject", 5, b"\xff\xfe")

    with pytest.raises(RecordBrokenError, match=r"^entry 4: its row cannot be read"):
        verify_log(tampered, KeyRing.of(log_key.public))


@pytest.mark.parametrize("wrong", [b"bytes", 7, 0.5, 10**12])
@pytest.mark.parametrize("column", ["log_entry.nodes", "log_entry.facts", "log_head.peaks"])
def test_a_column_of_another_type_is_told_and_not_tried(
    tampered: Record, log_key: SigningKey, column: str, wrong: object
) -> None:
    table, name = column.split(".")
    with tampered._writers.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET {name} = ?", (wrong,))

    with pytest.raises(RecordBrokenError):
        verify_log(tampered, KeyRing.of(log_key.public))


def bend(record: Record, changes: list[object]) -> None:
    with record._writers.begin() as connection:
        for change in changes:
            connection.execute(change)  # type: ignore[call-overload]


def newest_note(record: Record, ring: KeyRing) -> str:
    with record.reading() as tx:
        signed = log.last_checkpoint(tx, ring)
    assert signed is not None
    return signed.note


def found_out(record: Record, log_key: SigningKey) -> bool:
    try:
        verify_log(record, KeyRing.of(log_key.public))
    except RecordBrokenError:
        return True
    return False


def _content(record: Record, table: str, column: str, row: int) -> bytes | int:
    read = column if column in NUMBERS else f"CAST({column} AS BLOB)"
    with record._readers.begin() as connection:
        found = connection.exec_driver_sql(f"SELECT {read} FROM {table} WHERE rowid = ?", (row,))
        content: bytes | int = found.scalar_one()
    return content


def _flipped(content: bytes | int, bit: int) -> bytes | int:
    if isinstance(content, int):
        return content ^ 1 << bit
    bent = bytearray(content)
    bent[bit // 8] ^= 1 << bit % 8
    return bytes(bent)


def _put(record: Record, place: str, row: int, content: bytes | int) -> None:
    table, column = place.split(".")
    kind = "INTEGER" if column in NUMBERS else "BLOB" if column in BYTES else "TEXT"
    with record._writers.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE {table} SET {column} = CAST(? AS {kind}) WHERE rowid = ?", (content, row)
        )


def _fill_with(record: Record, rows: list[dict[str, object]]) -> None:
    with record._writers.begin() as connection:
        connection.execute(delete(log_entry))
        if rows:
            connection.execute(insert(log_entry), rows)


def _rewrite(record: Record, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Do what somebody can who may write every table but has not the key."""
    with record.reading() as tx:
        leaves = change([log.leaf_bytes(tx, seq) for seq in range(SIZE)])
    peaks = Peaks()
    with record._writers.begin() as connection:
        rows = connection.execute(select(log_entry.c.seq, log_entry.c.at)).all()
        times = {row.seq: row.at for row in rows}
        connection.execute(delete(log_entry))
        for seq, leaf in enumerate(leaves):
            parts = json.loads(leaf)
            peaks, completed = peaks.grown(leaf_hash(leaf))
            facts = json.dumps(parts["facts"], separators=(",", ":"), sort_keys=True)
            row = {**parts, "at": times[seq], "facts": facts, "nodes": b"".join(completed)}
            connection.execute(insert(log_entry).values(**row))
        head = {"size": peaks.size, "peaks": peaks.packed(), "at": times[peaks.size - 1]}
        connection.execute(update(log_head).values(**head))
