"""Nothing of one job reaches another: canaries left in every place, looked for from containers that waited."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.order import ContainerOrder, Ended, Outcome
from sandbox.runner.engine import Engine
from tests.sandbox.runner.conftest import CANARY, LIMITS, Node, Ordering, until, waiting

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

SPILL = Path(__file__).with_name("spill.py")
LEFT_INSIDE = {
    "memory",
    "socket",
    "lock",
    "environment",
    "/tmp/spill",
    "/dev/shm/spill",
    "/out/spill",
}
"""Where a job can leave something for itself, inside the walls."""
KERNEL_OF_ITS_OWN = {"runsc": {"sysv", "queue"}}
"""What gVisor lets a job have, for its kernel is the job's alone."""
FOUND_WITHOUT = {"memory", "sysv", "queue", "lock", "socket"}
FOUND_WITHOUT |= {"/tmp/spill", "/dev/shm/spill", "/job/spill", "/out/spill", "/data/A/spill"}
ENVIRONMENT = {"PATH", "HOSTNAME", "HOME", "TZ", "LANG", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
ENVIRONMENT |= {"MKL_NUM_THREADS", "ARROW_NUM_THREADS"}


def spilling(ordered: Ordering, word: str, seconds: float, *, runtime: str) -> ContainerOrder:
    command = ("python3", "/job/spill.py", word, str(seconds))
    code = (("spill.py", SPILL.read_bytes()),)
    return ordered(command, job=f"J-{word}", code=code, runtime=runtime)


def said(outcome: Outcome) -> set[str]:
    assert outcome.ended is Ended.FINISHED, outcome.note
    return set(outcome.artifacts[0].content.decode().split())


def unguarded(node: Node, folder: Path) -> set[str]:
    """Leave and look in one container without walls, where every place is shared."""
    engine = Engine(node.engine)
    binds = [f"{folder}:/job", f"{folder}:/data/A", f"{folder}:/out"]
    program = "python3 /job/spill.py leave 3 & sleep 1.5; python3 /job/spill.py look 0; wait"
    host = {"Binds": binds, "SecurityOpt": ["seccomp=unconfined"]}
    image = node.images["python"]
    asked = {"Image": image, "Cmd": ["sh", "-c", program], "User": "0", "HostConfig": host}
    container = engine.create(asked)
    try:
        engine.start(container)
        assert engine.ends_within(container, 60)
        return set((folder / "O2.txt").read_text().split())
    finally:
        engine.remove(container)
        engine.close()


def test_without_walls_a_canary_is_found_in_every_place(warm_node: Node, tmp_path: Path) -> None:
    (tmp_path / "spill.py").write_bytes(SPILL.read_bytes())
    (tmp_path / "t.parquet").write_text(CANARY)

    assert unguarded(warm_node, tmp_path) >= FOUND_WITHOUT


@pytest.mark.parametrize("runtime", ["runc", "runsc"])
def test_what_a_job_leaves_is_found_by_none_beside_it_and_by_none_after_it(
    warm_node: Node, ordered: Ordering, view: Path, runtime: str
) -> None:
    views = [("A", view)]
    leave = spilling(ordered, "leave", 2 if runtime == "runc" else 4, runtime=runtime)
    look = spilling(ordered, "look", 0, runtime=runtime)
    waiting(warm_node, leave, 2)
    with ThreadPoolExecutor() as pool:
        leaving = pool.submit(warm_node.client.run, leave, views)
        until(lambda: leave.job in warm_node.holders)
        time.sleep(1)

        beside = warm_node.client.run(look, views)
        assert not leaving.done()
        left = said(leaving.result())
        waiting(warm_node, look, 1)
        after = warm_node.client.run(replace(look, job="J-after"), views)

    assert left == LEFT_INSIDE | KERNEL_OF_ITS_OWN.get(runtime, set())
    assert (said(beside), said(after)) == (set(), set())


def test_each_job_has_a_user_a_folder_and_an_environment_of_its_own(
    warm_node: Node, ordered: Ordering
) -> None:
    program = (
        "import os; e = os.environ; e['SPILL'] = 'x'; open('/out/O1.txt', 'w').write("
        'f\'{os.getuid()} {os.listdir("/job")} {sorted(e)} {os.listdir("/tmp")}\')'
    )
    orders = [ordered(program, job=f"J-own-{n}", code=((f"own{n}.txt", b""),)) for n in range(4)]
    waiting(warm_node, orders[0], 2)

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda order: warm_node.client.run(order, []), orders))

    seen = [one.artifacts[0].content.decode() for one in outcomes]
    assert len({one.split()[0] for one in seen}) == 4
    for number, one in enumerate(seen):
        assert sum(f"own{n}.txt" in one for n in range(4)) == 1
        assert f"own{number}.txt" in one
        assert {name for name in one.split("'") if name.isupper()} == ENVIRONMENT | {"SPILL"}
        assert one.endswith("[]")


def test_of_a_job_that_ended_nothing_stays_on_the_host(
    warm_node: Node, ordered: Ordering, view: Path
) -> None:
    limits = replace(LIMITS, output_files=3)
    order = ordered("open('/tmp/x', 'w')", limits=limits)
    waiting(warm_node, order, 1)
    assert warm_node.client.run(order, [("A", view)]).ended is Ended.FINISHED

    until(lambda: warm_node.rooms == [], seconds=5)

    assert warm_node.mounts == []
