"""What reviewers see beside the bytes: the last version, and related releases, of what they may see alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.grant import Grant, ScenarioId
from jobs.job import Job
from jobs.proof.bodies import digest_of
from jobs.record import grants, holds
from jobs.release import Release
from jobs.rules.differences import Change, Kind
from jobs.rules.sheets import Pages
from jobs.steps import ledger
from jobs.steps.earlier import Kin, Version, last_version, related, seen
from jobs.steps.release import release
from sandbox.asset import AssetId
from sandbox.egress.inspection import Inspected
from sandbox.egress.span import Span
from tests.jobs.record.examples import SNAPSHOT
from tests.jobs.steps.town import (
    CANARY,
    O2,
    RAW,
    REPORT,
    Town,
    clear,
    hold,
    officers,
    operators,
    under,
)

NEWER = "The scorecard.\nIt is new.\n"
Eyes = Callable[[Grant], bool]


def everything(_: Grant) -> bool:
    return True


def newer(town: Town, scenario: str = "", *, findings: tuple[object, ...] = ()) -> Job:
    """Return another held job of the same output, an hour later."""
    town.clock.now += timedelta(hours=1)
    job = town.submit(scenario=ScenarioId(scenario)) if scenario else town.submit()
    running, _ = town.start(job)
    word = replace(hold(), preview=NEWER, digest=digest_of(NEWER.encode()))
    return town.decided(town.ran(running), Inspected((replace(word, findings=findings),)))  # type: ignore[arg-type] # findings


def released(town: Town) -> Release:
    job = town.held()
    town.says(operators(job))
    prose = replace(clear(O2, REPORT), file="O2.txt", media_type="text/plain")
    return release(town.says(officers(job)), (prose,), hands=town.hands, seals=town.seals)


def last(town: Town, job: Job, *, may_see: Eyes = everything) -> Version | None:
    with town.record.reading() as tx:
        (held,) = holds.holds(tx, job.id)
        return last_version(tx, held, shelf=town.hands.shelf, may_see=may_see)


def kin(town: Town, job: Job, *, may_see: Eyes = everything) -> Kin:
    with town.record.reading() as tx:
        return related(tx, job, may_see=may_see)


def test_the_last_released_version_is_compared_though_a_later_one_is_held(town: Town) -> None:
    out = released(town)
    newer(town)

    found = last(town, newer(town))

    assert found is not None
    assert (found.of, found.is_released, found.at) == (out.id, True, out.at)
    assert found.difference is not None
    assert [change for change in found.difference.changes if change.kind is Kind.ADDED] == [
        Change(kind=Kind.ADDED, what=(line,)) for line in NEWER.splitlines()
    ]
    assert found.difference.removed == 1


def test_without_a_release_the_last_held_version_is_compared(town: Town) -> None:
    first = town.held()

    found = last(town, newer(town))

    assert found is not None
    assert (found.of, found.is_released) == (first.id, False)
    assert last(town, first) is None


def test_a_new_version_of_the_grant_goes_on_with_the_same_scenarios_output(town: Town) -> None:
    out = released(town)
    town.issue(replace(under("SC-9"), scenario=_scenario(town, out)))

    with town.record.reading() as tx:
        of_both = [each.signed.grant.id for each in grants.listed(tx)]
    found = last(town, newer(town))

    assert len(of_both) == 2
    assert found is not None
    assert found.of == out.id


def _scenario(town: Town, out: Release) -> ScenarioId:
    with town.record.reading() as tx:
        return grants.get(tx, out.grant).signed.grant.scenario


def test_another_scenarios_output_is_no_earlier_version(town: Town) -> None:
    released(town)
    town.issue(under("SC-2"))

    assert last(town, newer(town, "SC-2")) is None


@pytest.mark.req("H-06")
def test_who_may_not_see_the_older_file_is_shown_nothing_of_it(town: Town) -> None:
    released(town)
    job = newer(town)

    blind = last(town, job, may_see=lambda _: False), kin(town, job, may_see=lambda _: False)

    assert blind == (None, Kin(shown=(), hidden=1))
    assert CANARY not in repr(blind)
    assert CANARY in repr(last(town, job))


@pytest.mark.parametrize("how", ["destroyed", "altered"])
def test_of_a_file_that_is_gone_the_digest_is_left(town: Town, how: str) -> None:
    released(town)
    job, shelf = newer(town), town.hands.shelf
    if how == "destroyed":
        shelf.destroy(digest_of(REPORT))
    else:
        (town.folder / "shelf" / digest_of(REPORT).removeprefix("sha256:")).write_bytes(b"x")

    found = last(town, job)

    assert found is not None
    assert (found.digest, found.difference) == (digest_of(REPORT), None)


def test_the_ledgers_entries_and_the_scenarios_releases_are_related(town: Town) -> None:
    out = released(town)
    waiting, job = town.held(), newer(town)
    span = Span(
        asset=AssetId("LOANS"),
        snapshot=SNAPSHOT,
        condition="",
        dimensions=("state",),
        quantities=(),
        cells=(("A",),),
    )
    with town.record.writing() as tx:
        ledger.enter(tx, waiting, {O2: span})

    found = kin(town, job)

    assert found.hidden == 0
    told = {each.release: (each.at, each.dimensions, each.snapshots) for each in found.shown}
    assert told == {
        out.id: (out.at, (), ()),
        ledger.release_named(waiting.id): (None, ("state",), (SNAPSHOT,)),
    }


def test_a_finding_stands_at_its_line(town: Town) -> None:
    job = newer(town, findings=(RAW.at("line 2"),))

    with town.record.reading() as tx:
        (held,) = holds.holds(tx, job.id)

    shown = seen(held)
    assert isinstance(shown, Pages)
    assert [line.marks for line in shown.lines] == [(), ("egress.raw_rows",)]
