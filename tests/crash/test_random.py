import random

import pytest

from tests.crash.crowd import Crowd, Killer
from tests.crash.place import Place
from tests.crash.sample import KILLS, ROUND, SEED
from tests.crash.table import NAMED

pytestmark = [pytest.mark.engine, pytest.mark.timeout(3600)]
BESIDE = frozenset(
    {
        *("budget.set", "image.signed", "stop.raised", "stop.emptied"),
        *("lots.committed", "lots.revealed"),
    }
)


def test_kills_at_random_moments_under_load_lose_double_and_leave_nothing(
    place: Place, pytestconfig: pytest.Config
) -> None:
    dice = random.Random(SEED)
    killer = Killer(place, dice)
    writer = pytestconfig.get_terminal_writer()

    for number in range(KILLS // ROUND):
        crowd = Crowd(place, f"{SEED}-{number}")
        crowd.come()
        for _ in range(ROUND):
            crowd.home_time.wait(dice.uniform(0.3, 2.5))
            killer.strike(crowd)
        crowd.go_home()
        writer.line(f"killed {dict(killer.victims)}, jobs {dict(crowd.ends)}, {crowd.faults}")

        assert crowd.faults == []
        assert crowd.ends["released"] > 0
        assert place.wrongs() == []
    # what the office did before the first job stands beside the line, and so do a day's lots at midnight
    assert place.noted() - NAMED <= BESIDE
