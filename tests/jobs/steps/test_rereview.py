"""The second look at a drawn release: one person says one word of it, and an objection withholds it."""

from dataclasses import replace

import pytest

from jobs.errors import JobsError, NotFoundError, OutOfOrderError, SeatError, StaleError
from jobs.grant import PartyId, PersonId
from jobs.record import log
from jobs.record.event import Event
from jobs.record.log import Filter
from jobs.release import Release, ReleaseId
from jobs.steps import rereview
from jobs.steps.download import Parcel, fetch, fetch_certificate
from jobs.steps.rereview import MAX_WORDS, Opinion, Says, WithheldError
from sandbox.asset import Digest
from tests.jobs.steps.town import CANARY, DEVELOPER, NOON, O3, Town


def drawn(town: Town) -> Release:
    """Return a release that waits for its second look."""
    out = town.release(town.approved())
    with town.record.writing() as tx:
        rereview.begin(tx, out, Event("release.drawn", out.job, "system"))
    return out


def opinion(out: Release, **changed: object) -> Opinion:
    word = Opinion(
        release=out.id,
        person=PersonId("P-audit"),
        party=PartyId("bureau"),
        says=Says.OBJECTION,
        words=f"see {CANARY}",
        signed=tuple(file.digest for file in out.files),
        at=NOON,
    )
    return replace(word, **changed)  # type: ignore[arg-type] # each by its name


def says(town: Town, word: Opinion) -> rereview.SecondLook:
    with town.record.writing() as tx:
        return rereview.judge(tx, word)


def taken(town: Town, out: Release) -> Parcel:
    return fetch(out.id, O3, by=DEVELOPER, record=town.record, shelf=town.hands.shelf)


@pytest.mark.req("H-06")
def test_an_objection_withholds_file_and_certificate_from_now_on(either: Town) -> None:
    out = drawn(either)
    taken(either, out)

    says(either, opinion(out))

    with pytest.raises(WithheldError):
        taken(either, out)
    with pytest.raises(WithheldError):
        fetch_certificate(out.id, by=DEVELOPER, record=either.record, shelf=either.hands.shelf)
    assert either.kinds(out.id) == ["volume.booked", "release.downloaded"]
    assert either.kinds(out.job)[-1] == "rereview.objection"


def test_the_log_has_the_digest_of_the_words_and_not_the_words(town: Town) -> None:
    says(town, opinion(drawn(town)))

    with town.record.reading() as tx:
        (entry,) = log.entries(tx, only=Filter(kind="rereview."))
    assert entry.event.actor == "P-audit"
    assert CANARY not in repr(entry)


BAD = (
    ({"release": ReleaseId("R-none")}, NotFoundError),
    ({"signed": ()}, StaleError),
    ({"signed": (Digest("sha256:" + "0" * 64),)}, StaleError),
    ({"party": DEVELOPER.party}, SeatError),
    ({"words": " \n"}, SeatError),
    ({"words": "x" * (MAX_WORDS + 1)}, SeatError),
)


@pytest.mark.req("H-07")
@pytest.mark.parametrize(("changed", "error"), BAD)
def test_an_opinion_that_does_not_hold_is_not_taken(
    town: Town, changed: dict[str, object], error: type[JobsError]
) -> None:
    out = drawn(town)
    size = town.log_size()

    with pytest.raises(error):
        says(town, opinion(out, **changed))

    assert town.log_size() == size


def test_the_first_opinion_stands(town: Town) -> None:
    out = drawn(town)
    says(town, opinion(out, says=Says.IN_ORDER))

    with pytest.raises(OutOfOrderError, match="looked at already"):
        says(town, opinion(out))

    with town.record.reading() as tx:
        rereview.demand_not_withheld(tx, out.id)
        assert rereview.get(tx, out.id).state == Says.IN_ORDER
