from itertools import pairwise
from pathlib import Path

import pytest

from gateway.anchoring.attempt import attempt
from gateway.anchoring.hub import FileHub, HubTarget
from gateway.anchoring.offer import UnreachableError, UnsoundError
from jobs.errors import RecordBrokenError
from jobs.record.anchors import AnchorState
from jobs.record.audit import verify_log
from jobs.record.event import Event
from jobs.record.schema import log_entry
from tests.gateway.anchoring.outside import CANARY, Domain, now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "hub"
    made.mkdir()
    return made


def target(folder: Path) -> HubTarget:
    return HubTarget(FileHub(folder, clock=now), name="test")


def lines(folder: Path) -> bytes:
    return (folder / "anchors.jsonl").read_bytes()


def test_lines_are_added_and_never_written_over(domain: Domain, folder: Path) -> None:
    hub, notes = FileHub(folder, clock=now), [domain.grown().note for _ in range(3)]

    receipts, seen = [], [b""]
    for note in notes:
        receipts.append(hub.submit(note))
        seen.append(lines(folder))

    assert all(after.startswith(before) for before, after in pairwise(seen))
    for note, receipt in zip(notes, receipts, strict=True):
        hub.check(note, receipt)
    assert (folder / "anchors.jsonl").stat().st_mode & 0o777 == 0o600
    assert CANARY.encode() not in lines(folder)


def test_a_line_that_a_crash_cut_short_does_not_spoil_the_next(
    domain: Domain, folder: Path
) -> None:
    hub, note = FileHub(folder, clock=now), domain.grown().note
    first = hub.submit(note)
    whole = lines(folder)
    (folder / "anchors.jsonl").write_bytes(whole + whole[: len(whole) // 2])

    second = hub.submit(note)

    hub.check(note, first)
    hub.check(note, second)


def test_every_altered_byte_of_a_line_is_noticed(domain: Domain, folder: Path) -> None:
    asked, note = target(folder), domain.grown().note
    evidence = asked.vouch(domain.offer(domain.sign()))
    whole = lines(folder)

    for place in range(len(whole) - 1):
        altered = bytearray(whole)
        altered[place] ^= 1
        (folder / "anchors.jsonl").write_bytes(altered)
        with pytest.raises(UnsoundError):
            asked.check(note, evidence)


def test_a_receipt_is_for_one_note(domain: Domain, folder: Path) -> None:
    asked = target(folder)
    evidence = asked.vouch(domain.offer(domain.grown()))

    for note, receipt in ((domain.grown().note, evidence), (domain.sign().note, b"{}")):
        with pytest.raises(UnsoundError):
            asked.check(note, receipt)


@pytest.mark.req("C-13")
def test_a_registration_that_was_anchored_cannot_be_altered_unseen(
    domain: Domain, folder: Path
) -> None:
    domain.grown(3)
    anchor = attempt(domain.ledger, target(folder))
    assert anchor is not None
    assert anchor.state is AnchorState.HELD
    kept = target(folder)
    kept.check(anchor.note, anchor.evidence)
    verify_log(domain.record, domain.ledger.keys, known=[anchor.note])

    with domain.record.writing() as tx:
        tx.change(log_entry.update().where(log_entry.c.seq == 1).values(subject="J-2"))
        tx.note(Event("test.altered", "row", "test"))

    with pytest.raises(RecordBrokenError, match="entry 1"):
        verify_log(domain.record, domain.ledger.keys, known=[anchor.note])


@pytest.mark.req("C-13")
def test_a_hub_that_is_down_is_tried_again_and_nothing_is_lost(
    domain: Domain, tmp_path: Path
) -> None:
    asked = target(tmp_path / "away")
    signed = domain.grown(3)

    with pytest.raises(UnreachableError):
        asked.vouch(domain.offer(signed))
    failed = attempt(domain.ledger, asked)
    domain.grown(2)  # what happens meanwhile
    (tmp_path / "away").mkdir()
    held = attempt(domain.ledger, asked, tried=1)

    assert failed is not None
    assert held is not None
    assert (failed.state, failed.size) == (AnchorState.FAILED, 3)
    assert (held.state, held.tries) == (AnchorState.HELD, 2)
    assert held.size >= 5
    assert domain.kinds() == ["anchor.failed", "anchor.held"]
