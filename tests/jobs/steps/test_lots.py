"""Lots: nobody foresees which release is drawn, everybody can recompute it, and nothing slips through."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from jobs.job import Job
from jobs.record import log, releases
from jobs.record.event import Event
from jobs.record.log import Filter
from jobs.release import Release, ReleaseId
from jobs.rules.lots import SECRET_BYTES, commitment_of, is_drawn, seed_of
from jobs.steps import rereview
from jobs.steps.lots import COMMITTED, REVEALED, Lottery, draw, keep_lots
from jobs.steps.recount import Recount, recount
from jobs.steps.release import release
from tests.jobs.steps.town import O3, TABLE, Town, clear, officers, operators

SECRET = bytes(range(SECRET_BYTES))
ALL = Lottery(secret=SECRET, rate=Fraction(1))
NONE = Lottery(secret=SECRET, rate=Fraction(0))
TODAY = "2026-03-02"


def made(town: Town, lottery: Lottery | None, job: Job | None = None) -> Release:
    """Release a job under these lots."""
    job = job or town.approved()
    return release(
        job, (clear(O3, TABLE),), hands=town.hands, seals=replace(town.seals, lots=lottery)
    )


def invented(town: Town, lottery: Lottery, count: int) -> list[str]:
    """Write down releases of jobs that are not there, each with its lot."""
    one = made(town, lottery)
    ids = [f"R-{number:0>26}" for number in range(count)]
    for name in ids:
        other = replace(one, id=ReleaseId(name), job=replace(town.submit()).id)
        with town.record.writing() as tx:
            told = {"release": name, "certificate": other.certificate}
            releases.add(tx, other, Event("release.made", other.job, "system", told))
            draw(tx, other, lottery)
    return [one.id, *ids]


def drawn(town: Town) -> set[str]:
    with town.record.reading() as tx:
        return {str(look.release) for look in rereview.drawn(tx)}


def counted(town: Town) -> tuple[Recount, ...]:
    with town.record.reading() as tx:
        return recount(tx)


def noted(town: Town, kind: str) -> list[log.Entry]:
    with town.record.reading() as tx:
        return log.entries(tx, only=Filter(kind=kind))


@pytest.mark.req("H-06")
def test_the_commitment_stands_in_the_log_before_the_day_and_the_seed_after_it(town: Town) -> None:
    keep_lots(town.record, ALL)
    before = [entry.event.subject for entry in noted(town, COMMITTED)]
    during = noted(town, REVEALED)
    town.clock.now += timedelta(days=1)
    keep_lots(town.record, ALL)

    (revealed,) = noted(town, REVEALED)
    seed = bytes.fromhex(str(revealed.event.facts["seed"]))
    assert before == [TODAY, "2026-03-03"]
    assert during == []
    assert revealed.event.subject == TODAY
    assert noted(town, COMMITTED)[0].event.facts["commitment"] == commitment_of(seed)
    assert SECRET.hex() not in repr([entry.event.facts for entry in noted(town, "lots.")])


def test_keeping_the_lots_again_changes_nothing(town: Town) -> None:
    keep_lots(town.record, ALL)
    size = town.log_size()

    keep_lots(town.record, replace(ALL, rate=Fraction(1, 3)))

    assert town.log_size() == size


def test_days_on_which_nobody_worked_need_no_lots(town: Town) -> None:
    keep_lots(town.record, ALL)
    town.clock.now += timedelta(days=30)
    keep_lots(town.record, ALL)

    assert [entry.event.subject for entry in noted(town, REVEALED)] == [TODAY, "2026-03-03"]
    assert not [wrong for day in counted(town) for wrong in day.wrong]


@pytest.mark.req("H-06")
@pytest.mark.parametrize(("lottery", "many"), [(ALL, 1), (NONE, 0)])
def test_a_drawn_release_waits_for_a_second_look_and_is_not_delayed(
    either: Town, lottery: Lottery, many: int
) -> None:
    keep_lots(either.record, lottery)

    out = made(either, lottery)

    assert len(drawn(either)) == many
    assert {file.digest for file in out.files} <= either.on_shelf()
    assert either.kinds(out.job).count("release.drawn") == many


def test_what_people_judged_is_not_drawn(town: Town) -> None:
    keep_lots(town.record, ALL)
    job = town.held()
    town.says(operators(job))
    judged = town.release(town.says(officers(job)))

    with town.record.writing() as tx:
        draw(tx, judged, ALL)
        tx.note(Event("test.done", judged.id, "test"))

    assert drawn(town) == set()
    assert [(day.automatic, day.wrong) for day in counted(town)] == [(0, ()), (0, ())]


@pytest.mark.parametrize("other", [None, b"\x07" * SECRET_BYTES], ids=["no lots", "another secret"])
def test_where_no_commitment_binds_the_lots_every_automatic_release_is_drawn(
    town: Town, other: bytes | None
) -> None:
    if other:
        keep_lots(town.record, replace(NONE, secret=other))

    out = made(town, NONE)

    assert drawn(town) == {out.id}


def test_a_twentieth_is_drawn_and_another_secret_draws_others() -> None:
    rate, ids = Fraction(1, 20), [f"R-{number:0>26}" for number in range(20_000)]
    first, second = (seed_of(secret, TODAY) for secret in (SECRET, b"\x07" * SECRET_BYTES))

    shares = [{name for name in ids if is_drawn(seed, name, rate)} for seed in (first, second)]

    # 5 standard deviations: the seeds are fixed, so this never flickers
    assert all(abs(len(share) - 1000) < 5 * 31 for share in shares)
    assert abs(len(shares[0] & shares[1]) - 50) < 5 * 7


@pytest.mark.req("H-06")
def test_anybody_recomputes_from_the_log_who_was_drawn(town: Town) -> None:
    half = Lottery(secret=SECRET, rate=Fraction(1, 2))
    keep_lots(town.record, half)
    ids = invented(town, half, 12)
    town.clock.now += timedelta(days=1)
    keep_lots(town.record, half)

    (today, *_) = counted(town)

    seed = bytes.fromhex(str(noted(town, REVEALED)[0].event.facts["seed"]))
    assert drawn(town) == {name for name in ids if is_drawn(seed, name, half.rate)}
    assert 0 < today.drawn < today.automatic == 13
    assert (today.day, today.rate, today.revealed, today.wrong) == (TODAY, "1/2", True, ())


CHEATS = (
    ("spared", "was not drawn, against its lot"),
    ("other seed", "not the one that was committed to"),
    ("silence", "was not revealed"),
    ("no commitment", "left before its lots were committed to"),
    ("two commitments", "more than one commitment"),
    ("early", "revealed before the day was over"),
)


@pytest.mark.req("H-06")
@pytest.mark.parametrize(("how", "found"), CHEATS)
def test_whoever_bends_the_lots_is_found_out(town: Town, how: str, found: str) -> None:
    if how != "no commitment":
        keep_lots(town.record, ALL)
    if how == "two commitments":
        note(town, COMMITTED, {"commitment": commitment_of(b"x"), "rate": "0"})
    if how == "early":
        note(town, REVEALED, {"seed": seed_of(SECRET, TODAY).hex()})
    made(town, None if how in {"spared", "no commitment"} else ALL)
    town.clock.now += timedelta(days=1)
    if how not in {"silence", "early"}:
        keep_lots(town.record, replace(ALL, secret=b"x" * 32) if how == "other seed" else ALL)

    wrong = [each for day in counted(town) if day.day == TODAY for each in day.wrong]

    assert [each for each in wrong if found in each]


def note(town: Town, kind: str, facts: dict[str, str | int]) -> None:
    with town.record.writing() as tx:
        tx.note(Event(kind, TODAY, "system", facts))


def test_a_day_that_still_runs_is_counted_and_not_yet_held_against_its_seed(town: Town) -> None:
    keep_lots(town.record, ALL)
    made(town, ALL)

    today, tomorrow = counted(town)

    assert (today.automatic, today.drawn, today.revealed, today.wrong) == (1, 1, False, ())
    assert (tomorrow.automatic, tomorrow.wrong) == (0, ())
