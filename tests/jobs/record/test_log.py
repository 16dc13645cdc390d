import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from jobs.errors import NotFoundError, OutOfOrderError, RecordBrokenError
from jobs.proof.checkpoint import open_checkpoint, sign_checkpoint
from jobs.proof.keys import PublicKey, SigningKey
from jobs.proof.merkle import Head, Peaks, leaf_hash, verify_consistency, verify_inclusion
from jobs.proof.ring import KeyRing
from jobs.record import log
from jobs.record.database import Reading, Record
from jobs.record.event import Event
from jobs.record.log import Filter, verify_log
from jobs.record.schema import log_checkpoint, log_entry, log_head
from tests.jobs.conftest import Ticking

SIZE = 21


def fill(record: Record, size: int = SIZE) -> None:
    for number in range(size):
        kind = "job.queued" if number % 3 else "asset.added"
        with record.writing() as tx:
            tx.note(Event(kind, f"J-{number % 4}", "系统", {"n": number, "digest": "sha256:0f"}))


@pytest.fixture
def filled(record: Record, log_key: SigningKey) -> Record:
    """Give a log of 21 entries and a checkpoint over them."""
    fill(record)
    with record.writing() as tx:
        log.checkpoint(tx, log_key)
    return record


def test_a_leaf_is_the_canonical_json_of_its_event(record: Record) -> None:
    fill(record, 1)

    with record.reading() as tx:
        leaf = log.leaf_bytes(tx, 0)
        (entry,) = log.entries(tx)

    assert leaf.decode() == (
        '{"actor":"系统","at":"2026-03-02T04:00:01.000000Z","facts":{"digest":"sha256:0f","n":0},'
        '"kind":"asset.added","seq":0,"subject":"J-0"}'
    )
    assert entry.event == Event("asset.added", "J-0", "系统", {"n": 0, "digest": "sha256:0f"})
    assert entry.at == Ticking()()


def test_every_entry_is_proven_at_every_size(filled: Record) -> None:
    peaks = Peaks()
    with filled.reading() as tx:
        leaves = [leaf_hash(log.leaf_bytes(tx, seq)) for seq in range(SIZE)]
        for size in range(1, SIZE + 1):
            peaks, _ = peaks.grown(leaves[size - 1])
            for seq in range(size):
                proof = log.inclusion(tx, seq, size)
                assert verify_inclusion(
                    leaves[seq], seq=seq, head=Head(size=size, root=peaks.root()), proof=proof
                )
        assert log.head(tx) == Head(size=SIZE, root=peaks.root())


def test_every_earlier_log_is_proven_to_begin_the_later(filled: Record) -> None:
    with filled.reading() as tx:
        heads = _heads(tx)
        for new in range(SIZE + 1):
            for old in range(new + 1):
                proof = log.consistency(tx, old, new)
                assert verify_consistency(heads[old], heads[new], proof)


@pytest.mark.parametrize(("seq", "size"), [(-1, 5), (5, 5), (0, SIZE + 1), (0, 0)])
def test_nothing_is_proven_of_what_is_not_there(filled: Record, seq: int, size: int) -> None:
    with filled.reading() as tx, pytest.raises(NotFoundError):
        log.inclusion(tx, seq, size)


def test_no_consistency_is_proven_past_the_end(filled: Record) -> None:
    with filled.reading() as tx:
        for old, new in ((2, 1), (-1, 2), (1, SIZE + 1)):
            with pytest.raises(NotFoundError):
                log.consistency(tx, old, new)
        with pytest.raises(NotFoundError):
            log.leaf_bytes(tx, SIZE)


def test_entries_are_paged_and_narrowed(filled: Record) -> None:
    with filled.reading() as tx:
        assert [each.seq for each in log.entries(tx, after=3, limit=2)] == [4, 5]
        assert [each.seq for each in log.newest(tx, before=3)] == [2, 1, 0]
        assert len(log.entries(tx, only=Filter(kind="asset.added"))) == 7
        assert len(log.entries(tx, only=Filter(kind="job.", subject="J-1"))) == 4
        assert log.entries(tx, only=Filter(kind="job")) == []
        assert log.newest(tx, only=Filter(actor="nobody")) == []


def test_a_checkpoint_is_a_signed_note_that_its_key_opens(
    filled: Record, log_key: SigningKey
) -> None:
    with filled.reading() as tx:
        signed = log.last_checkpoint(tx, KeyRing.of(log_key.public))
        head = log.head(tx)

    assert signed is not None
    assert signed.head == head
    origin, size, root, gap, signature = signed.note.splitlines()
    assert (origin, size, gap) == ("shuyu.test/log", str(SIZE), "")
    assert signature.startswith("\u2014 shuyu.test/log ")
    assert open_checkpoint(signed.note, log_key.public) == signed
    assert len(root) == 44


def test_a_checkpoint_is_not_signed_over_what_may_yet_be_rolled_back(
    record: Record, log_key: SigningKey
) -> None:
    with record.writing() as tx:
        tx.note(Event("job.queued", "J-1", "system"))
        with pytest.raises(OutOfOrderError):
            log.checkpoint(tx, log_key)


def test_a_witness_may_sign_below_and_others_are_not_believed(log_key: SigningKey) -> None:
    signed = sign_checkpoint(Head(size=3, root=bytes(32)), log_key)
    witness = SigningKey.unsaved("witness.test/w")
    other = SigningKey.unsaved("shuyu.test/log")
    with_witness = signed.note + "\u2014 witness.test/w " + "AAAA" * 17 + "\n"

    assert open_checkpoint(with_witness, log_key.public).head == signed.head
    for key in (witness, other):
        with pytest.raises(RecordBrokenError, match="no good signature"):
            open_checkpoint(signed.note, key.public)


@given(data=st.data())
def test_no_altered_checkpoint_opens(data: st.DataObject) -> None:
    key = SigningKey.unsaved("shuyu.test/log")
    note = sign_checkpoint(Head(size=3, root=bytes(32)), key).note
    place = data.draw(st.integers(0, len(note) - 1))
    other = data.draw(st.characters(exclude_categories=["Cs"]).filter(lambda c: c != note[place]))
    altered = note[:place] + other + note[place + 1 :]

    try:
        opened = open_checkpoint(altered, key.public)
    except RecordBrokenError:
        return
    # Base64 has spare bits in its last character: the same bytes, so the same checkpoint.
    assert opened.head == Head(size=3, root=bytes(32))


def test_a_vkey_comes_back_and_a_bent_one_does_not(log_key: SigningKey) -> None:
    text = log_key.public.text()

    assert PublicKey.parse(text) == log_key.public
    assert log_key.id == log_key.public.id_bytes.hex() == text.split("+")[1]


def test_an_untouched_log_passes_and_says_what_it_saw(filled: Record, log_key: SigningKey) -> None:
    seen: list[tuple[int, int]] = []

    report = verify_log(
        filled, KeyRing.of(log_key.public), progress=lambda done, of: seen.append((done, of))
    )

    assert (report.head.size, report.signed, report.checkpoints) == (SIZE, SIZE, 1)
    assert seen == [(SIZE, SIZE)]


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
    ("another head", [update(log_head).values(size=SIZE + 1)], SIZE),
]


@pytest.mark.parametrize(
    ("changes", "first"), [case[1:] for case in SABOTAGE], ids=[case[0] for case in SABOTAGE]
)
def test_the_first_entry_that_was_tampered_with_is_named(
    filled: Record, log_key: SigningKey, changes: list[object], first: int
) -> None:
    with filled._writers.begin() as connection:
        for change in changes:
            connection.execute(change)  # type: ignore[call-overload]

    with pytest.raises(RecordBrokenError, match=f"^entry {first}:"):
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
    with pytest.raises(RecordBrokenError, match="no key that is believed"):
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
    fill(sqlite_record, 9)
    with sqlite_record.writing() as tx:
        log.checkpoint(tx, log_key)
    return sqlite_record


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bit_of_any_row_that_is_flipped_is_found(
    tampered: Record, log_key: SigningKey, data: st.DataObject
) -> None:
    seq = data.draw(st.integers(0, 8))
    column = data.draw(st.sampled_from(["at", "kind", "subject", "actor", "facts", "nodes"]))
    with tampered._writers.begin() as connection:
        kept = connection.exec_driver_sql(
            f"SELECT CAST({column} AS BLOB) FROM log_entry WHERE seq = ?", (seq,)
        ).scalar_one()
    bit = data.draw(st.integers(0, len(kept) * 8 - 1))
    bent = bytearray(kept)
    bent[bit // 8] ^= 1 << bit % 8

    _put(tampered, column, seq, bytes(bent))
    with pytest.raises(RecordBrokenError, match=f"^entry {seq}:"):
        verify_log(tampered, KeyRing.of(log_key.public))

    _put(tampered, column, seq, kept)
    assert verify_log(tampered, KeyRing.of(log_key.public)).head.size == 9


def test_a_proof_for_a_certificate_carries_its_leaf_and_checkpoint(
    filled: Record, log_key: SigningKey
) -> None:
    with filled.writing() as tx:
        proof = log.prove_entry(tx, 5, log_key)

    head = open_checkpoint(proof.checkpoint, log_key.public).head
    leaf = leaf_hash(proof.leaf.encode())
    assert json.loads(proof.leaf)["seq"] == proof.seq == 5
    assert verify_inclusion(
        leaf, seq=5, head=Head(size=proof.size, root=head.root), proof=proof.hashes
    )


def test_a_row_that_is_no_text_is_named(tampered: Record, log_key: SigningKey) -> None:
    _put(tampered, "subject", 4, b"\xff\xfe")

    with pytest.raises(RecordBrokenError, match=r"^entry 4: its row cannot be read"):
        verify_log(tampered, KeyRing.of(log_key.public))


def _put(record: Record, column: str, seq: int, content: bytes) -> None:
    kind = "BLOB" if column == "nodes" else "TEXT"
    with record._writers.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE log_entry SET {column} = CAST(? AS {kind}) WHERE seq = ?", (content, seq)
        )


def _heads(tx: Reading) -> list[Head]:
    peaks, heads = Peaks(), [Head(size=0, root=Peaks().root())]
    for seq in range(SIZE):
        peaks, _ = peaks.grown(leaf_hash(log.leaf_bytes(tx, seq)))
        heads.append(Head(size=peaks.size, root=peaks.root()))
    return heads


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
        connection.execute(update(log_head).values(size=peaks.size, peaks=peaks.packed()))
