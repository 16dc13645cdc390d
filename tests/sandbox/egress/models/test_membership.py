"""The membership test tells models that remember from models that do not, the same way each time and wherever it runs."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from sandbox.egress.mapped import Answer, Asked, Here
from sandbox.egress.models.rows import read, told
from sandbox.egress.models.shadows import MOST_SURE, membership
from sandbox.egress.models.support import smallest_leaf
from sandbox.egress.models.training import fit
from sandbox.egress.terms import GateView
from tests.sandbox.egress.models.fitting import linear, network, numbers, sampled, tree


@dataclass(frozen=True)
class Threads:
    """Runs shadows side by side, as Ray would on other nodes."""

    def map(
        self, function: Callable[[Asked], Answer], items: Sequence[Asked], /
    ) -> Sequence[Answer]:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(function, items))


def test_a_tree_of_single_units_tells_its_members_and_a_line_does_not(
    view: GateView, loans: pd.DataFrame
) -> None:
    plain, deep = linear(view, numbers(loans)), tree(view, numbers(loans), depth=10, leaf=1)
    pool = sampled(read(plain, view, units=2_000), 1_000)

    quiet = membership(plain, pool, leaf=1, sample_leaf=1, shadows=Here())
    least = smallest_leaf(deep, read(deep, view))
    loud = membership(deep, pool, leaf=least, sample_leaf=least, shadows=Here())

    assert not quiet.is_told
    assert all(each.most < MOST_SURE[each.rate] for each in quiet.found)
    assert loud.is_told
    assert loud.found[0].share > 2 * quiet.found[0].share


def test_where_the_shadows_run_makes_no_difference(view: GateView, loans: pd.DataFrame) -> None:
    model = tree(view, numbers(loans), depth=4, leaf=50)
    pool = sampled(read(model, view, units=1_000), 500)

    assert membership(model, pool, leaf=50, sample_leaf=50, shadows=Threads()) == membership(
        model, pool, leaf=50, sample_leaf=50, shadows=Here()
    )


def test_too_few_units_to_test_count_as_a_model_that_tells(
    view: GateView, loans: pd.DataFrame
) -> None:
    model = linear(view, numbers(loans))

    assert membership(
        model, read(model, view, units=60), leaf=1, sample_leaf=1, shadows=Here()
    ).is_told


@pytest.mark.parametrize("kind", ["linear", "tree", "network"])
def test_a_shadow_on_the_same_rows_tells_what_the_model_tells(
    kind: str, view: GateView, loans: pd.DataFrame
) -> None:
    inputs = numbers(loans)
    line = linear(view, inputs)
    rows = read(line, view)
    models = {
        "linear": lambda: line,
        "tree": lambda: tree(view, inputs, depth=4, leaf=50),
        "network": lambda: network(rows, inputs, hidden=4, steps=400),
    }
    model = models[kind]()

    again = fit(model, rows, leaf=50, seed=1)(rows)

    assert np.corrcoef(again, told(model, rows))[0, 1] > 0.99


def test_the_same_units_are_tested_each_time(view: GateView, loans: pd.DataFrame) -> None:
    model = linear(view, numbers(loans))

    first, again = read(model, view, units=100), read(model, view, units=100)

    assert len(first) == 100
    assert np.array_equal(first.target, again.target)
