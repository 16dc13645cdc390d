"""A sample of the kit on a real engine: what must hold holds, and where a wall is missing the kit says so."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.app import app
from gateway.home import Home
from sandbox.attack import suite
from sandbox.attack.attempt import RUNTIMES, Family, Proof, Score, acted
from sandbox.attack.crossing import CROSSING, crossed
from sandbox.attack.documents import DOCUMENTS
from sandbox.attack.grounds import Grounds
from sandbox.attack.images import IMAGES
from sandbox.attack.leaving import left
from sandbox.attack.network import NETWORK
from sandbox.attack.outputs import OUTPUTS
from sandbox.attack.trial import tried
from sandbox.attack.unguarded import Unguarded
from sandbox.order import Artifact, ContainerOrder, Ended, Outcome, OutputName
from tests.attack.conftest import LONG

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]
only_long = pytest.mark.skipif(not LONG, reason="SHUYU_ATTACK=long")


@dataclass(frozen=True)
class NoWalls:
    """A runner that starts containers without any wall."""

    open: Unguarded

    def run(self, order: ContainerOrder, views: Sequence[tuple[str, Path]]) -> Outcome:
        files = {**dict(order.code), "parameters.json": order.parameters.encode()}
        with self.open.ran(files, view=views[0][1]) as out:
            content = (out / "O1.json").read_bytes()
        return Outcome(
            ended=Ended.FINISHED, artifacts=(Artifact(OutputName("O1"), "json", content),)
        )


def without_walls(on: Grounds) -> Grounds:
    return replace(on, keeper=NoWalls(on.unguarded))  # type: ignore[arg-type] # it only runs


def held(scores: Sequence[Score]) -> Collection[str]:
    failed = {one.attempt.name for one in scores if one.control.proof is Proof.FAILED}
    assert not failed, f"controls failed: {failed}"
    return {one.attempt.name for one in scores if one.held}


def test_what_reaches_out_by_a_socket_is_stopped_and_works_without_walls(ground: Grounds) -> None:
    scores = tried(NETWORK, ("runc",), ground)

    assert held(scores) == {one.name for one in NETWORK}
    assert all(
        "silence at the listener" in one.evidence for one in scores if one.attempt in NETWORK[:9]
    )


def test_where_the_walls_are_missing_the_kit_says_that_nothing_held(ground: Grounds) -> None:
    some = [one for one in NETWORK if not one.knocks][:4]

    scores = tried(some, ("runc",), without_walls(ground))

    assert [one.held for one in scores] == [False] * len(some)
    assert all(one.seen.startswith("done") for one in scores)


def test_odd_outputs_are_refused_and_lie_in_an_open_folder(ground: Grounds) -> None:
    some = [one for one in OUTPUTS if one.name in {"out.hard_link", "out.sparse", "out.times"}]

    assert held(left(some, ("runc",), ground)) == {one.name for one in some}


def test_one_job_finds_nothing_of_another_where_open_containers_do(ground: Grounds) -> None:
    some = [one for one in CROSSING if one.name in {"beside.flock", "beside.queue", "beside.tmp"}]

    assert held(crossed(some, ("runc",), ground)) == {one.name for one in some}


def test_hostile_documents_and_images_are_stopped(ground: Grounds) -> None:
    quick = [one for one in DOCUMENTS if one.name not in {"doc.parquet_swells", "doc.zip_bomb"}]
    acts = [*quick[:14], *IMAGES[:4], *IMAGES[-5:]]

    assert held([acted(one, ground) for one in acts]) == {one.name for one in acts}


def test_nothing_of_the_kit_is_left_on_the_host(live: Home) -> None:
    assert list((live.path / "run").glob("attack-*")) == []


def test_the_command_prints_the_card_as_json(live: Home) -> None:
    asked = ["attack", "--home", str(live.path), "--family", "mounts", "--json"]

    ran = CliRunner().invoke(app, asked)

    card = json.loads(ran.stdout)["attacks"]
    assert ran.exit_code == 0, [one for one in card if not one["held"]]
    assert {tuple(one) for one in card} == {
        ("attack", "family", "runtime", "expected", "seen", "held")
    }
    assert {one["family"] for one in card} == {"mounts"}


@only_long
@pytest.mark.parametrize("family", suite.RUNS)
def test_every_family_holds_under_both_runtimes(ground: Grounds, family: Family) -> None:
    scores = suite.run(family, RUNTIMES, ground)

    assert held(scores) == {one.attempt.name for one in scores}


@only_long
def test_the_whole_domain_holds(live: Home) -> None:
    families = ("strangers", "replay", "channels", "floods", "swaps")
    asked = [word for one in families for word in ("--family", one)]

    ran = CliRunner().invoke(app, ["attack", "--home", str(live.path), *asked, "--json"])

    card = json.loads(ran.stdout)["attacks"]
    assert ran.exit_code == 0, [one for one in card if not one["held"]]
