from pathlib import Path

import pytest

from tests.crash.blow import Blow, Moment
from tests.crash.invariants import Scene, leftovers, wrongs
from tests.crash.row import Row
from tests.crash.steps import JOURNEYS, Walk, count_of_jobs
from tests.crash.table import ROWS
from tests.jobs.steps.town import GRANT, Keys

CASES = {
    f"{row.name} {moment} on {database}".replace(" ", "-"): (row, moment, database)
    for row in ROWS
    if row.stepped
    for moment in Moment
    for database in (("sqlite",) if ":" in row.write else ("sqlite", "postgresql"))
}
"""A file is written the same way whatever the database: those rows run on one."""


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys.fresh()


@pytest.mark.parametrize(("row", "moment", "url"), CASES.values(), ids=CASES, indirect=["url"])
def test_a_crash_at_this_step_loses_doubles_and_leaves_nothing(
    row: Row, moment: Moment, url: str, tmp_path: Path, keys: Keys
) -> None:
    journey = JOURNEYS[row.stepped]
    walk = Walk(journey=journey, scenario=GRANT.scenario, url=url, folder=tmp_path, keys=keys)
    with walk.town() as town:
        town.settle()
        walk.prepared(town)

    mark = str(tmp_path / "mark")
    walk.struck(Blow(write=row.write, moment=moment, mark=mark, nth=row.nth))

    with walk.town() as town:
        scene = Scene(record=town.record, folder=tmp_path, keys=keys.trusted)
        assert wrongs(scene) == []
        assert walk.whole(town).state is journey.end
        assert (wrongs(scene), leftovers(scene)) == ([], [])
        assert count_of_jobs(town) == 1
