"""A question over blocks ends in one table, at its time, whatever the blocks' programs did."""

import csv
import io
import struct
import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest

from sandbox.asset import Asset
from sandbox.blocks.lane import BlocksStoppedError, Lane, lanes_of, run_lane
from sandbox.blocks.reading import NOTHING
from sandbox.blocks.run import Place, answer, run_blocks
from sandbox.blocks.terms import Label, Scale
from sandbox.errors import EngineDownError, EngineError, KeeperDownError, ViewError
from sandbox.order import Ended, Generalise, Outcome
from tests.sandbox.blocks.ground import (
    CANARY,
    MEAN,
    Program,
    Row,
    at_once,
    ground,
    ordered,
    taken_in,
    terms,
)

PEOPLE: list[Row] = [
    (unit, {"value": 4 + (unit * 7 % 20) / 10, "word": f"{CANARY}-{unit}"}) for unit in range(600)
]
COUNT = replace(
    MEAN,
    name="count",
    upper=Decimal(2000),
    step=Decimal(1),
    spread=Decimal(0),
    scale=Scale.EXTENSIVE,
)
VOTE = Label(name="vote", labels=("few", "many"))


def values(folders: Mapping[str, Path]) -> list[float]:
    return [
        each
        for name, folder in folders.items()
        for each in pq.read_table(folder / f"{name}.parquet")["value"].to_pylist()
    ]


def mean(folders: Mapping[str, Path]) -> bytes:
    seen = values(folders)
    return struct.pack("<d", sum(seen) / len(seen))


def all_three(folders: Mapping[str, Path]) -> bytes:
    seen = values(folders)
    return struct.pack("<3d", sum(seen) / len(seen), len(seen), len(seen) > 3)


@pytest.fixture
def people(tmp_path: Path) -> Asset:
    return taken_in("PEOPLE", PEOPLE, home=tmp_path)


def place(home: Path, program: Program, waited: list[float] | None = None) -> Place:
    waits = [] if waited is None else waited
    return Place(ground=ground(home), spread=at_once(program.run), lanes=2, wait=waits.append)


def table(outcome: Outcome) -> dict[str, tuple[str, str]]:
    [artifact] = outcome.artifacts
    header, *rows = csv.reader(io.StringIO(artifact.content.decode()))
    assert header == ["name", "value", "error_bar"]
    return {name: (value, bar) for name, value, bar in rows}


def test_numbers_and_labels_are_answered_with_their_error_bars(
    people: Asset, tmp_path: Path
) -> None:
    asked = terms(rho=20 * 10**12, coordinates=(MEAN, COUNT, VOTE))

    outcome = run_blocks(ordered(people), asked, place(tmp_path, Program(all_three)))

    found = table(outcome)
    assert outcome.ended is Ended.FINISHED
    assert abs(float(found["mean"][0]) - 4.95) < 0.4
    assert abs(float(found["count"][0]) - 600) < 150
    assert found["vote"][0] == "many"
    assert all(float(bar) > 0 for _, bar in found.values())
    assert CANARY not in repr(outcome)


def test_values_are_written_on_the_grid_and_in_no_other_form() -> None:
    vectors = [(999, 1), (999, 1)] * 16
    asked = terms(k=32, rho=100 * 10**12, coordinates=(MEAN, COUNT))

    content = answer(vectors, asked, draw=Random(1).randrange)

    assert content.decode().splitlines()[1:] == ["mean,9.99,0.2224", "count,1,251.5"]


def test_every_block_is_run_once_under_one_order_that_tells_no_block(
    people: Asset, tmp_path: Path
) -> None:
    program = Program(mean)

    run_blocks(ordered(people), terms(), place(tmp_path, program))

    assert len(program.orders) == 64
    assert len({replace(order, epoch=0) for order in program.orders}) == 1
    assert len({order.epoch for order in program.orders}) == 64
    [order] = {replace(order, epoch=0) for order in program.orders}
    assert (order.limits.cpu_seconds, order.limits.seconds, order.limits.cpus) == (5, 60, 1)
    assert order.job == "J-blocks"


@pytest.mark.parametrize("made", [lambda _: b"x", lambda _: b"", lambda _: 1 // 0])
def test_where_every_block_fails_the_outcome_is_like_any_other(
    people: Asset, tmp_path: Path, made: object
) -> None:
    good = run_blocks(ordered(people), terms(), place(tmp_path, Program(mean)))

    bad = run_blocks(ordered(people), terms(), place(tmp_path, Program(made)))  # type: ignore[arg-type]

    assert float(table(bad)["mean"][0]) == 5.0
    assert replace(bad, artifacts=()) == replace(good, artifacts=())
    assert table(bad)["mean"][1] == table(good)["mean"][1]


def test_the_answer_waits_for_its_time_and_says_that_as_its_seconds(
    people: Asset, tmp_path: Path
) -> None:
    waited = list[float]()

    outcome = run_blocks(ordered(people), terms(), place(tmp_path, Program(mean), waited))

    assert len(waited) == 2
    assert outcome.seconds - 100 < waited[1] < outcome.seconds


def test_a_question_that_should_not_be_here_is_not_run(people: Asset, tmp_path: Path) -> None:
    program = Program(mean)

    with pytest.raises(ViewError):
        run_blocks(ordered(people), terms(k=5), place(tmp_path, program))

    assert program.orders == []


def test_blocks_are_not_cut_from_a_generalised_view(people: Asset, tmp_path: Path) -> None:
    order = ordered(people)
    aim = Generalise(quasi=order.views[0].columns, k=2)
    coarse = replace(order, views=(replace(order.views[0], pseudonyms=(), generalise=aim),))
    program = Program(mean)

    with pytest.raises(ViewError):
        run_blocks(coarse, terms(), place(tmp_path, program))

    assert program.orders == []


def test_a_job_that_was_stopped_ends_stopped_and_leaves_no_blocks(
    people: Asset, tmp_path: Path
) -> None:
    def stopped(*_: object) -> Outcome:
        return Outcome(ended=Ended.STOPPED)

    here = replace(place(tmp_path, Program(mean)), spread=at_once(stopped))

    outcome = run_blocks(ordered(people), terms(), here)

    assert outcome == Outcome(ended=Ended.STOPPED)
    assert not list((tmp_path / "views").glob(".staging-*"))


def lane(folder: Path, *, slot: int = 0, blocks: tuple[int, ...] = (0, 1, 2)) -> Lane:
    for block in blocks:
        (folder / f"{block:04d}").mkdir(exist_ok=True)
    return Lane(
        order=ordered(), folder=folder, blocks=blocks, begins=time.time() + 0.2, slot_seconds=slot
    )


@pytest.mark.parametrize("error", [EngineDownError("x"), KeeperDownError("x")])
def test_what_no_block_can_bring_about_ends_the_question(tmp_path: Path, error: Exception) -> None:
    def run(*_: object) -> Outcome:
        raise error

    with pytest.raises(type(error)):
        run_lane(lane(tmp_path), run=run)


@pytest.mark.parametrize("ended", [each for each in Ended if each is not Ended.STOPPED])
def test_however_a_block_ends_the_others_run(tmp_path: Path, ended: Ended) -> None:
    def run(*_: object) -> Outcome:
        return Outcome(ended=ended)

    assert run_lane(lane(tmp_path), run=run).contents == (NOTHING,) * 3


def test_a_container_that_the_engine_gave_up_counts_as_nothing(tmp_path: Path) -> None:
    def run(*_: object) -> Outcome:
        raise EngineError("x")

    assert run_lane(lane(tmp_path), run=run).contents == (NOTHING,) * 3


def test_a_lane_that_was_stopped_runs_no_more(tmp_path: Path) -> None:
    ran = list[object]()

    def run(*asked: object) -> Outcome:
        ran.append(asked)
        return Outcome(ended=Ended.STOPPED)

    with pytest.raises(BlocksStoppedError):
        run_lane(lane(tmp_path), run=run)

    assert len(ran) == 1


@pytest.mark.parametrize("slow", [0.0, 0.6])
def test_when_a_block_begins_does_not_depend_on_how_long_another_took(
    tmp_path: Path, slow: float
) -> None:
    begun = list[float]()

    def run(*_: object) -> Outcome:
        begun.append(time.time())
        time.sleep(slow)
        return Outcome(ended=Ended.FINISHED)

    asked = lane(tmp_path, slot=1)
    run_lane(asked, run=run)

    late = [at - asked.begins - number for number, at in enumerate(begun)]
    assert all(0 <= each < 0.4 for each in late)


def test_lanes_hold_every_block_once_and_start_as_far_apart_as_the_wall_limit(
    tmp_path: Path,
) -> None:
    dealt = lanes_of(ordered(), terms(), folder=tmp_path, lanes=5, begins=0)

    assert sorted(block for each in dealt for block in each.blocks) == list(range(64))
    assert len(dealt) == 5
    assert {each.slot_seconds > terms().wall_seconds for each in dealt} == {True}
    assert len(lanes_of(ordered(), terms(), folder=tmp_path, lanes=500, begins=0)) == 64
