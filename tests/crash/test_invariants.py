"""Positive controls: each kind of wrong that a crash could do is seen where somebody does it on purpose."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from jobs.errors import OutOfOrderError
from jobs.job import Job
from jobs.record import releases
from jobs.record.event import Event
from jobs.record.schema import budget, log_entry, release
from jobs.steps.download import fetch
from tests.crash.blow import Blow, Moment
from tests.crash.invariants import Scene, leftovers, wrongs
from tests.crash.steps import JOURNEYS, STRAY, Walk, sweep
from tests.jobs.steps.town import DEVELOPER, GRANT, O1, Keys, Town

KEYS = Keys.fresh()


@pytest.fixture
def walk(sqlite_url: str, tmp_path: Path) -> Walk:
    return Walk(
        journey=JOURNEYS["query"],
        scenario=GRANT.scenario,
        url=sqlite_url,
        folder=tmp_path,
        keys=KEYS,
    )


@pytest.fixture
def town(walk: Walk) -> Iterator[Town]:
    with walk.town() as town:
        town.settle()
        yield town


def _again(kind: str) -> Callable[[Town, Job], None]:
    def note(town: Town, job: Job) -> None:
        with town.record.writing() as tx:
            tx.note(Event(kind, job.id, "system", {}))

    return note


def _unlog(town: Town, job: Job) -> None:
    with town.record.writing() as tx:
        tx.change(delete(log_entry).where(log_entry.c.subject == job.id))
        tx.note(Event("job.queued", "J-other", "system", {}))


def _overcharge(town: Town, _job: Job) -> None:
    with town.record.writing() as tx:
        tx.change(update(budget).values(spent=budget.c.spent + 1))
        tx.note(Event("budget.spent", "J-other", "system", {}))


def _lose_release(town: Town, job: Job) -> None:
    with town.record.writing() as tx:
        tx.change(delete(release).where(release.c.job == job.id))
        tx.note(Event("job.queued", "J-other", "system", {}))


def _lose_bytes(town: Town, _job: Job) -> None:
    for path in (town.folder / "shelf").glob("[0-9a-f]*"):
        path.unlink()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (_again("job.released"), "entries job.released"),
        (_again("budget.reserved"), "entries budget.reserved"),
        (_unlog, "the log is broken"),
        (_overcharge, "is not the sum of its charges"),
        (_lose_release, "its release says otherwise"),
        (_lose_bytes, "bytes are lost"),
    ],
)
def test_a_wrong_that_is_done_on_purpose_is_seen(
    town: Town, walk: Walk, harm: Callable[[Town, Job], None], says: str
) -> None:
    scene = Scene(record=town.record, folder=town.folder, keys=KEYS.trusted)
    job = walk.whole(town)
    assert (wrongs(scene), leftovers(scene)) == ([], [])

    harm(town, job)

    assert says in " ".join(wrongs(scene))


def test_what_lies_about_on_purpose_is_seen(town: Town, walk: Walk) -> None:
    scene = Scene(record=town.record, folder=town.folder, keys=KEYS.trusted)
    job = walk.whole(town)

    town.hands.shelf.stage(STRAY)
    town.hands.quarantine.keep(job.id, job.epoch, ())
    (town.folder / "views" / ".staging-1").mkdir(parents=True)

    found = " ".join(leftovers(scene))
    assert all(word in found for word in ("staged on the shelf", "quarantine keeps", ".staging-1"))


def test_a_release_that_a_crash_has_held_up_is_promised_and_then_handed_over(
    town: Town, walk: Walk, tmp_path: Path
) -> None:
    lay_out = "jobs.record.shelf:Shelf.lay_out"
    walk.struck(Blow(write=lay_out, moment=Moment.BEFORE, mark=str(tmp_path / "mark")))
    shelf = town.hands.shelf
    with town.record.reading() as tx:
        [made] = releases.listed(tx)

    with pytest.raises(OutOfOrderError, match="ask again"):
        fetch(made.id, O1, by=DEVELOPER, record=town.record, shelf=shelf)

    sweep(town)
    assert fetch(made.id, O1, by=DEVELOPER, record=town.record, shelf=shelf).content
