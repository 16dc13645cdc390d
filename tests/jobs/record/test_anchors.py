from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jobs.errors import OutOfOrderError, RecordBrokenError
from jobs.proof.bodies import digest_of
from jobs.record import anchors, log
from jobs.record.anchors import Anchor, AnchorState, ReasonlessError
from jobs.record.database import Record
from jobs.record.event import Event
from jobs.record.log import Filter
from jobs.record.schema import anchoring

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
W = "witness:w.test/1"
HELD = Anchor(
    target=W,
    size=7,
    state=AnchorState.HELD,
    tries=1,
    note="a note\n",
    evidence=b"\x00a line\xff",
    at=AT,
)
FAILED = replace(HELD, state=AnchorState.FAILED, evidence=b"", error="unreachable: nobody")
REFUSED = replace(FAILED, state=AnchorState.REFUSED, error="fork: another log")


def keep(record: Record, anchor: Anchor) -> bool:
    with record.writing() as tx:
        return anchors.keep(tx, anchor, actor="system")


def newest(record: Record, target: str = W) -> Anchor | None:
    with record.reading() as tx:
        return anchors.newest(tx, target)


def said(record: Record) -> list[Event]:
    with record.reading() as tx:
        return [entry.event for entry in log.entries(tx, only=Filter(kind="anchor."))]


def test_what_a_target_vouches_for_is_kept_with_its_event(record: Record) -> None:
    assert keep(record, HELD)

    assert newest(record) == HELD
    assert said(record) == [
        Event(
            "anchor.held",
            W,
            "system",
            {
                "size": 7,
                "tries": 1,
                "checkpoint": digest_of(b"a note\n"),
                "evidence": digest_of(b"\x00a line\xff"),
            },
        )
    ]


def test_a_series_of_failures_is_one_event_and_its_end_is_another(record: Record) -> None:
    kept = [
        keep(record, replace(FAILED, size=size, tries=tries))
        for tries, size in enumerate((7, 7, 8, 9), start=1)
    ]
    keep(record, replace(HELD, size=9, tries=5))
    keep(record, replace(FAILED, size=10))

    assert kept == [True, False, False, False]
    assert [event.kind for event in said(record)] == [
        "anchor.failed",
        "anchor.held",
        "anchor.failed",
    ]


def test_what_is_held_is_not_lost_by_a_later_failure(record: Record) -> None:
    keep(record, HELD)
    keep(record, FAILED)
    keep(record, replace(FAILED, size=8))

    with record.reading() as tx:
        assert anchors.last_held(tx, W) == HELD
    assert newest(record) == replace(FAILED, size=8)


def test_a_refusal_stays_until_a_person_has_said_why(record: Record) -> None:
    keep(record, REFUSED)

    changed = [keep(record, each) for each in (HELD, FAILED, REFUSED)]
    with pytest.raises(ReasonlessError), record.writing() as tx:
        anchors.resolve(tx, W, by="admin:root", reason=" ")
    assert newest(record) == REFUSED
    with record.writing() as tx:
        anchors.resolve(tx, W, by="admin:root", reason="restored by mistake")

    found = newest(record)
    assert changed == [False, False, False]
    assert found is not None
    assert (found.state, found.tries, found.error) == (AnchorState.WAITING, 0, REFUSED.error)
    assert said(record)[-1] == Event(
        "anchor.resolved", W, "admin:root", {"size": 7, "reason": "restored by mistake"}
    )
    assert keep(record, HELD)


@pytest.mark.parametrize("before", [None, HELD, FAILED])
def test_only_a_refusal_is_resolved(sqlite_record: Record, before: Anchor | None) -> None:
    if before:
        keep(sqlite_record, before)

    with pytest.raises(OutOfOrderError), sqlite_record.writing() as tx:
        anchors.resolve(tx, W, by="admin:root", reason="why")


def test_targets_are_told_apart(record: Record) -> None:
    keep(record, HELD)
    keep(record, replace(HELD, target="hub:folder", size=3))

    with record.reading() as tx:
        assert anchors.targets(tx) == ("hub:folder", W)
    assert newest(record, "hub:folder") == replace(HELD, target="hub:folder", size=3)
    assert newest(record, "timestamp:nobody") is None


def test_an_altered_row_does_not_read_as_an_anchor(sqlite_record: Record) -> None:
    keep(sqlite_record, HELD)
    with sqlite_record.writing() as tx:
        tx.change(anchoring.update().values(state="vouched"))
        tx.note(Event("test.altered", "row", "test"))

    with pytest.raises(RecordBrokenError):
        newest(sqlite_record)
