import pytest

from jobs.errors import RecordBrokenError
from jobs.proof.checkpoint import sign_checkpoint
from jobs.proof.keys import KeyFileError, SigningKey
from jobs.proof.merkle import Head
from jobs.proof.ring import KeyRing, KnownKey

OLD, NEW, ELSEWHERE = (SigningKey.unsaved("shuyu.test/log") for _ in range(3))


def note(size: int, *keys: SigningKey) -> str:
    """Return a checkpoint over `size` entries with the line of each key."""
    notes = [sign_checkpoint(Head(size=size, root=bytes(32)), key).note for key in keys]
    return notes[0] + "".join(each.rpartition("\n\n")[2] for each in notes[1:])


def ring(*, until: int | None = None, revoked: int | None = None) -> KeyRing:
    return KeyRing(
        keys=(
            KnownKey(public=OLD.public, until=until, revoked=revoked),
            KnownKey(public=NEW.public),
        )
    )


def test_a_retired_key_is_believed_up_to_its_end_and_its_follower_always() -> None:
    keys = ring(until=5)

    assert keys.open(note(5, OLD)).head.size == 5
    assert keys.open(note(6, NEW)).head.size == 6
    with pytest.raises(RecordBrokenError, match=f"{OLD.id} is not believed about a log of 6"):
        keys.open(note(6, OLD))


def test_a_revoked_key_is_believed_of_nothing_however_old() -> None:
    with pytest.raises(RecordBrokenError, match="is not believed"):
        ring(until=5, revoked=9).open(note(1, OLD))


def test_what_a_domain_kept_of_a_revoked_key_is_heard_up_to_its_end() -> None:
    keys = ring(until=5, revoked=5)

    assert keys.heard(note(5, OLD)).head.size == 5
    with pytest.raises(RecordBrokenError, match="is not believed"):
        keys.heard(note(6, OLD))


def test_of_several_signers_one_that_is_believed_counts() -> None:
    for signers in ((OLD, NEW), (NEW, OLD)):
        signed, by = ring(until=5, revoked=5).read(note(7, *signers))
        assert (signed.head.size, by.public) == (7, NEW.public)


def test_a_stranger_is_never_believed() -> None:
    for opened in (ring().open, ring().heard):
        with pytest.raises(RecordBrokenError, match="no key of the ring"):
            opened(note(3, ELSEWHERE))


def test_a_signature_belongs_to_the_key_that_it_names() -> None:
    signature = OLD.sign(b"text")

    found = ring().signer(OLD.id, signature, b"text")

    assert found is not None
    assert found.public == OLD.public
    for key, text in ((NEW.id, b"text"), (OLD.id, b"texts"), ("", b"text")):
        assert ring().signer(key, signature, text) is None


def test_the_last_key_signs_unless_it_was_put_away() -> None:
    assert ring(until=5).current == NEW.public
    for none in (KeyRing.of(), KeyRing(keys=(KnownKey(public=OLD.public, until=5),))):
        with pytest.raises(KeyFileError, match="no key of this part is in use"):
            _ = none.current
