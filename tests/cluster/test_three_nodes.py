"""Three nodes, one of which dies under load: every job ends right, and none twice."""

import os
import time

import pytest

from gateway.cli.domain import opened
from gateway.cli.releases import trusted_keys
from jobs.job import JobId
from jobs.record import jobs
from sandbox.errors import EngineError
from sandbox.runner.engine import Engine
from tests.cluster.conftest import LONG
from tests.cluster.nodes import Cluster
from tests.crash.invariants import Scene, leftovers, wrongs
from tests.line.domain import until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(400)]
CROWD = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
"""A second, where nothing else is on: how many programs want each processor as this begins."""
SLOW = "import time\ntime.sleep({})\nopen('/out/O3.md', 'w').write('# 报告\\n')"
QUERY = 'SELECT state, grade, COUNT(*) AS n FROM "BP-LOANS" GROUP BY state, grade'


def test_a_node_that_dies_under_load_costs_its_jobs_one_attempt_and_none_runs_to_its_end_twice(
    cluster: Cluster,
) -> None:
    domain, (_, *others) = cluster.domain, cluster.machines
    asked = [domain.submit(SLOW.format(5)) for _ in range(4 if not LONG else 24)]
    asked += until_busy(cluster)
    victim = others[-1]
    lost = victim.jobs()
    began = time.monotonic()

    victim.die()
    released = domain.query(QUERY)

    assert released.state == "released"
    assert {domain.rest(job).state for job in asked} == {"held"}
    assert time.monotonic() - began < 90
    with opened(domain.home) as record:
        scene = Scene(
            record=record, folder=domain.home.path, keys=trusted_keys(domain.home.trusted)
        )
        with record.reading() as tx:
            epochs = {job: jobs.get(tx, JobId(job)).epoch for job in asked}
        assert {job for job, epoch in epochs.items() if epoch > 1} == lost
        assert (max(epochs.values()), wrongs(scene)) == (2, [])
        until(lambda: leftovers(scene) == [], seconds=20)


@pytest.mark.skipif(not LONG, reason="it takes a minute: SHUYU_CLUSTER=long")
def test_a_node_that_comes_back_takes_jobs_again_and_has_nothing_of_before(
    cluster: Cluster,
) -> None:
    back = cluster.machines[-1]
    back.start("keep")
    back.ray(cluster.address())
    until(back.serves)
    assert back.jobs() == set()

    asked = []
    while not back.jobs():
        asked.append(cluster.domain.submit(SLOW.format(1)))
        assert len(asked) < 60
        time.sleep(0.5)

    assert {cluster.domain.rest(job).state for job in asked} == {"held"}


def test_a_job_on_another_node_that_is_cancelled_ends_within_a_second(cluster: Cluster) -> None:
    other = cluster.machines[1]
    asked = [cluster.domain.submit(SLOW.format(7)) for _ in range(2)]
    until(lambda: other.jobs() & set(asked))
    (job,) = other.jobs() & set(asked)

    container = dict(other.keeper.found().housed)[job]
    engine = Engine(cluster.domain.home.engine)
    try:
        with cluster.domain.as_("u-bank-dev") as bank:
            bank.cancel(job)
            began = time.monotonic()
            until(lambda: not runs(engine, container))
            took = time.monotonic() - began
            for each in set(asked) - {job}:
                bank.cancel(each)
    finally:
        engine.close()

    assert took < CROWD


def until_busy(cluster: Cluster) -> list[str]:
    """Submit jobs until each node runs one: a node takes none before it was heard first."""
    more = []
    while not all(each.jobs() for each in cluster.machines):
        more.append(cluster.domain.submit(SLOW.format(5)))
        assert len(more) < 60
        time.sleep(1)
    return more


def runs(engine: Engine, container: str) -> bool:
    try:
        return bool(engine.inspect(container)["State"]["Running"])
    except EngineError:
        return False  # it is removed
