import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import NotFoundError, OutOfOrderError, RecordBrokenError
from jobs.proof.checkpoint import open_checkpoint, sign_checkpoint
from jobs.proof.keys import PublicKey, SigningKey
from jobs.proof.merkle import Head, Peaks, leaf_hash, verify_consistency, verify_inclusion
from jobs.proof.ring import KeyRing
from jobs.record import log
from jobs.record.database import Reading, Record
from jobs.record.event import Event
from jobs.record.log import Filter
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
        second = Ticking().now.replace(second=2)
        third = second.replace(second=3)
        assert [each.seq for each in log.entries(tx, only=Filter(until=third))] == [0, 1]
        assert [each.seq for each in log.newest(tx, only=Filter(since=second, until=third))] == [1]


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


@settings(deadline=None)
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


def _heads(tx: Reading) -> list[Head]:
    peaks, heads = Peaks(), [Head(size=0, root=Peaks().root())]
    for seq in range(SIZE):
        peaks, _ = peaks.grown(leaf_hash(log.leaf_bytes(tx, seq)))
        heads.append(Head(size=peaks.size, root=peaks.root()))
    return heads
