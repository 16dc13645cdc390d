from pathlib import Path

import pytest

from tests.crash.blow import Blow, Moment
from tests.crash.journeys import JOURNEYS, Walk
from tests.crash.place import Place
from tests.crash.row import Row
from tests.crash.sample import sampled
from tests.crash.table import ROWS
from tests.line.domain import until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
CASES = {
    f"{row.name} {moment}".replace(" ", "-"): (row, moment)
    for row in ROWS
    if row.walked
    for moment in Moment
}


@pytest.mark.parametrize("case", sampled(list(CASES)))
def test_a_process_killed_at_this_write_loses_doubles_and_leaves_nothing(
    case: str, place: Place, tmp_path: Path
) -> None:
    row, moment = CASES[case]
    mark = tmp_path / "mark"
    walk = Walk(domain=place.domain, journey=JOURNEYS[row.walked], key=case)
    _prepare(place, row, walk)

    place.strike(row.process, Blow(write=row.write, moment=moment, mark=str(mark), nth=row.nth))
    job = walk.whole()
    until(mark.exists, seconds=5)

    assert job.state == walk.journey.end
    assert walk.submitted().id == job.id
    assert place.wrongs() == []


def _prepare(place: Place, row: Row, walk: Walk) -> None:
    if "Stage.publish" in row.write:
        place.forget_views()
    if walk.journey.cut:
        walk.begun()
