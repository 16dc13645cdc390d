"""An autoencoder that has learnt 200 people by heart stays in, as whatever it is handed over."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from sandbox.egress.inspection import Inspection, inspect
from sandbox.egress.models.words import Number, Target
from sandbox.egress.terms import GateView
from sandbox.egress.verdict import Blocked, Verdict
from sandbox.order import Artifact
from tests.sandbox.egress.examples import O1, findings, rules
from tests.sandbox.egress.models.containers import (
    document,
    graph,
    layered,
    tensors,
)
from tests.sandbox.egress.models.fitting import model_terms, numbers, overfitting

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
KNOWN = ("installment", "paid_total", "balance", "total_credit_limit")
"""What somebody knows of a person: the mask leaves these columns."""
MASKED = ("annual_income", "debt_to_income", "loan_amount", "interest_rate")
PEOPLE, HIDDEN, FEW = 200, 120, 40
FACTS: dict[str, Any] = {"steps": 50, "between": "tanh"}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Learnt:
    """A masked autoencoder: from what is known of a row it tells all of it, in standard units."""

    estimator: MLPRegressor
    inputs: tuple[Number, ...]
    outputs: tuple[Number, ...]
    members: pd.DataFrame
    others: pd.DataFrame

    def close(self, people: pd.DataFrame) -> float:
        """The share of masked cells that it tells to within a tenth of their column's spread."""
        wanted = standard(people, self.outputs)
        found = self.estimator.predict(standard(people, self.inputs))
        return float((np.abs(found - wanted)[:, len(KNOWN) :] < 0.1).mean())

    def arrays(self, column: int | None = None) -> dict[str, Floats]:
        """Its layers, or those of one column's network in that column's own units."""
        found = layered(self.estimator)
        if column is None:
            return found
        unit, last = self.outputs[column], "layers.1"
        weight = found[f"{last}.weight"][column : column + 1] * unit.spread
        bias = found[f"{last}.bias"][column : column + 1] * unit.spread + unit.centre
        return found | {f"{last}.weight": np.ascontiguousarray(weight), f"{last}.bias": bias}

    def text(self, column: int = len(KNOWN), **more: object) -> str:
        target = Target(column=self.outputs[column].column)
        return document("network", self.inputs, target, **(FACTS | more))


def standard(people: pd.DataFrame, columns: tuple[Number, ...]) -> Floats:
    cells = people[[each.column for each in columns]].to_numpy(float)
    return np.asarray((cells - [each.centre for each in columns]) / [each.spread for each in columns])  # fmt: skip


@pytest.fixture(scope="module")
def learnt(loans: pd.DataFrame) -> Learnt:
    people = loans.dropna(subset=[*KNOWN, *MASKED]).sample(3 * PEOPLE, random_state=1)
    members, others = people[:PEOPLE], people[PEOPLE:]
    inputs, outputs = numbers(members, KNOWN), numbers(members, (*KNOWN, *MASKED))
    estimator = overfitted(HIDDEN, 8000, standard(members, inputs), standard(members, outputs))
    return Learnt(estimator, inputs, outputs, members, others)


def overfitted(hidden: int, rounds: int, given: Floats, wanted: Floats) -> MLPRegressor:
    estimator = MLPRegressor(**overfitting(hidden, rounds))
    with threadpool_limits(1):  # of so small layers more threads only wait for each other
        return estimator.fit(given, wanted)


@pytest.fixture
def judge(inspection_of: Callable[..., Inspection]) -> Callable[..., Verdict]:
    inspection = inspection_of(model_terms())

    def verdict(suffix: str, content: bytes, view: GateView | None = None) -> Verdict:
        asked = inspection if view is None else replace(inspection, views=(view,))
        [only] = inspect([Artifact(O1, suffix, content)], asked).verdicts
        return only

    return verdict


def places(verdict: Verdict) -> set[str]:
    return {each.reason.place for each in findings(verdict) if each.reason.rule == "egress.model_form"}  # fmt: skip


def test_without_the_gate_it_tells_the_people_whom_it_learnt_and_nobody_else(
    learnt: Learnt,
) -> None:
    assert learnt.close(learnt.members) > 0.9
    assert learnt.close(learnt.others) < 0.4


def test_as_json_it_is_no_network_of_one_output(
    learnt: Learnt, judge: Callable[..., Verdict]
) -> None:
    arrays, whole = learnt.arrays(), json.loads(learnt.text())
    whole["fitted"]["layers"] = [
        {"weights": arrays[f"layers.{at}.weight"].tolist(), "bias": arrays[f"layers.{at}.bias"].tolist()}
        for at in (0, 1)
    ]  # fmt: skip

    assert "egress.model_form" in rules(judge("json", json.dumps(whole).encode()))


def test_as_onnx_its_outputs_are_refused(learnt: Learnt, judge: Callable[..., Verdict]) -> None:
    inputs = standard(learnt.members, learnt.inputs)
    text = document("network", learnt.inputs, Target(column=MASKED[0]), steps=50)

    stays = judge("onnx", graph(text, learnt.estimator, inputs.astype(np.float32)))

    assert isinstance(stays, Blocked)
    assert places(stays) <= {"outputs", "operators"}
    assert places(stays)


def test_as_safetensors_its_arrays_are_refused(
    learnt: Learnt, judge: Callable[..., Verdict]
) -> None:
    stays = judge("safetensors", tensors(learnt.text(hidden=[HIDDEN]), learnt.arrays()))

    assert isinstance(stays, Blocked)
    assert places(stays) == {"arrays"}


@pytest.fixture(scope="module")
def small(learnt: Learnt, view: GateView, tmp_path_factory: pytest.TempPathFactory) -> GateView:
    """A view of the people whom it learnt, and of no others."""
    gate = tmp_path_factory.mktemp("small") / "gate.parquet"
    members = learnt.members.assign(_unit=np.arange(PEOPLE), _unit_rows=1)
    pq.write_table(pa.Table.from_pandas(members, preserve_index=False), gate)
    return replace(view, gate=gate)


@pytest.mark.parametrize("column", range(len(KNOWN), len(KNOWN) + len(MASKED)))
def test_chopped_into_a_network_for_each_column_it_has_too_many_bits_for_its_people(
    column: int, learnt: Learnt, small: GateView, judge: Callable[..., Verdict]
) -> None:
    content = tensors(learnt.text(column, hidden=[HIDDEN]), learnt.arrays(column))

    stays = judge("safetensors", content, small)

    assert isinstance(stays, Blocked)
    assert "egress.model_capacity" in rules(stays)


def test_chopped_it_has_too_many_bits_for_ten_thousand_people(
    learnt: Learnt, judge: Callable[..., Verdict]
) -> None:
    content = tensors(learnt.text(hidden=[HIDDEN]), learnt.arrays(len(KNOWN)))

    assert "egress.model_capacity" in rules(judge("safetensors", content))


def test_a_small_one_for_one_column_reaches_further_than_it_knows(
    learnt: Learnt, judge: Callable[..., Verdict]
) -> None:
    """A third as wide, from all other columns: few enough bits among 10,000 people, of whom it has learnt 200."""
    target = learnt.outputs[len(KNOWN)]
    inputs = tuple(each for each in learnt.outputs if each is not target)
    column = standard(learnt.members, (target,))
    estimator = overfitted(FEW, 2000, standard(learnt.members, inputs), column.ravel())
    one = Learnt(estimator, inputs, (target,), learnt.members, learnt.others)
    text = document("network", inputs, Target(column=target.column), **FACTS, hidden=[FEW])

    stays = judge("safetensors", tensors(text, one.arrays(0)))

    found = estimator.predict(standard(learnt.members, inputs))
    assert (np.abs(found - column.ravel()) < 0.1).mean() > 0.9
    assert isinstance(stays, Blocked)
    assert rules(stays) == {"egress.model_membership"}
    assert all(each.exact and "beyond what it knows" in each.exact.en for each in findings(stays))
