"""Shadows that run as tasks of a real Ray give the same measure."""

import os

import pandas as pd
import pytest

from sandbox.cluster.shadows import Spread
from sandbox.egress.mapped import Here
from sandbox.egress.models.rows import read
from sandbox.egress.models.shadows import membership
from sandbox.egress.terms import GateView
from tests.sandbox.egress.models.fitting import numbers, sampled, tree

long = pytest.mark.skipif(
    os.environ.get("SHUYU_EGRESS") != "long", reason="starts a Ray of its own, which takes a minute"
)


def test_without_ray_everything_runs_here() -> None:
    assert Spread(worth=0.0).map(abs, [-1, 2, -3]) == [1, 2, 3]


@long
@pytest.mark.filterwarnings("default")
def test_shadows_on_ray_are_the_same_shadows(view: GateView, loans: pd.DataFrame) -> None:
    import ray  # noqa: PLC0415 - only here, where it is started

    model = tree(view, numbers(loans), depth=4, leaf=50)
    pool = sampled(read(model, view, units=1_000), 500)
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        spread = membership(model, pool, leaf=50, sample_leaf=50, shadows=Spread(worth=0.0))
    finally:
        ray.shutdown()

    assert spread == membership(model, pool, leaf=50, sample_leaf=50, shadows=Here())
