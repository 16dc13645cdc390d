"""The trainer in its own image, behind the room's walls: its steps, their faults, an attack, and models that leave."""

import json
import os
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import beta

from gateway.client.model import load
from sandbox.order import ContainerOrder, Ended, Limits, Outcome, OutputName
from sandbox.training.gate import Model, read_model
from sandbox.training.orders import COMMAND, SUFFIX, parameters
from sandbox.training.price import epsilon_of_training
from sandbox.training.terms import (
    Amount,
    Category,
    Loss,
    Metrics,
    Mlp,
    Number,
    OneOf,
    Sgd,
    Try,
)
from tests.sandbox.runner.conftest import Node, output
from tests.sandbox.training.book import CANARY, SCORECARD, TERMS, planned, table
from tests.sandbox.training.test_terms import DEEP

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
IS_LONG = os.environ.get("SHUYU_PRIVACY") == "long"
LIMITS = Limits(
    seconds=600,
    memory_bytes=3 << 30,
    cpus=2,
    processes=64,
    output_bytes=1 << 24,
    output_files=8,
)
ATTACK_NOISE = Fraction(16)
WIDE = Category(column="region", width=2)
TUNED = replace(
    TERMS,
    features=(Number(column="age"), WIDE, Number(column="income")),
    target=OneOf(column="risk"),
    loss=Loss.CROSS_ENTROPY,
    design=Mlp(hidden=(6,)),
    tries=(
        Try(rate=Fraction(1, 10), clip=Fraction(1)),
        Try(rate=Fraction(1, 10**6), clip=Fraction(1)),
    ),
    metrics=Metrics(rho=Fraction(1, 10)),
    rows_per_unit=3,
)
AMOUNT = replace(
    TERMS,
    features=(Number(column="age"), Category(column="sector")),
    target=Amount(column="income"),
    loss=Loss.HUBER,
    optimiser=Sgd(momentum=Fraction(1, 2)),
    averaged=Fraction(1, 2),
)
TRAININGS = {
    "CARD": planned(SCORECARD),
    "TUNED": planned(TUNED),
    "DEEP": planned(replace(TERMS, design=DEEP)),
    "AMOUNT": planned(AMOUNT),
}


@dataclass(frozen=True)
class Measured:
    """What one container measured and left."""

    facts: dict[str, Any]
    files: dict[str, bytes]


@pytest.fixture(scope="session")
def measured(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Run the measurements once, and train every design on the book."""
    view = tmp_path_factory.mktemp("view")
    pq.write_table(table(3000, units=1000), view / "BP-BOOK.parquet")
    recipes = [
        json.loads(parameters(training, unit="person", output=OutputName(name)))
        for name, training in TRAININGS.items()
    ]
    asked = {
        "audits": True,
        "recipes": recipes,
        "runs": 1500 if IS_LONG else 120,
        "attack_noise": str(ATTACK_NOISE),
    }
    code = (("inside.py", (Path(__file__).parent / "inside.py").read_bytes()),)
    command = ("python3", "-W", "ignore", "/job/inside.py")
    names = [*TRAININGS, "FACTS"]
    outcome = run(node, view, names, code=code, command=command, parameters=json.dumps(asked))
    assert outcome.ended is Ended.FINISHED, outcome.note
    files = {str(each.name): each.content for each in outcome.artifacts}
    return Measured(json.loads(files.pop("FACTS")), files)


def run(node: Node, view: Path, names: list[str], **more: Any) -> Outcome:  # noqa: ANN401 - an order's own fields
    view.chmod(0o755)  # as the room's views are; a test's own folder is not
    order = ContainerOrder(
        job="J-train",
        epoch=1,
        scope="SC-1",
        image=node.images["trainer"],
        views=(),
        outputs=tuple(output(name) for name in names),
        limits=LIMITS,
        **more,
    )
    return node.client.run(order, [("BP-BOOK", view)])


def faults(facts: dict[str, Any]) -> set[str]:
    """Judge one step by what was measured of it; each bound is five standard errors wide or more."""
    found = {
        "changes too much": facts["change"] > 1 + 3 * facts["change_error"],
        "wrong noise": not all(0.7 < each < 1.3 for each in facts["noise"]),
        "wrong noise for nobody": not all(0.7 < each < 1.3 for each in facts["noise_of_nobody"]),
        "wrong sample": not (190 < facts["sampled"] < 210 and 7 < facts["sampled_spread"] < 13.5),
        "repeats": facts["repeats"],
        "not on the grid": not facts["is_whole"],
    }
    return {name for name, is_so in found.items() if is_so}


def test_a_step_clips_samples_and_has_noise_on_every_coordinate(measured: Measured) -> None:
    assert faults(measured.facts["right"]) == set()


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("no clipping", "changes too much"),
        ("clipping by row", "changes too much"),
        ("noise that is not scaled by the clip", "wrong noise"),
        ("no noise", "wrong noise"),
        ("no sampling", "wrong sample"),
        ("a seed used again", "repeats"),
        ("no noise for nobody", "wrong noise for nobody"),
        ("one coordinate without noise", "wrong noise"),
        ("noise on floats", "not on the grid"),
    ],
)
def test_a_planted_fault_is_found(measured: Measured, fault: str, found: str) -> None:
    assert found in faults(measured.facts["faults"][fault])


def test_the_sum_is_that_of_each_units_own_clipped_gradient_for_every_layer(
    measured: Measured,
) -> None:
    found = measured.facts["gradients"]

    assert len(found) == 12
    assert max(each["error"] for each in found.values()) < 1e-12
    assert all(each["clipped"] > 0 for each in found.values())


def test_no_unit_changes_the_rounded_sum_by_more_than_the_sensitivity(measured: Measured) -> None:
    found = measured.facts["gradients"].values()

    assert all(0.99 < each["most"] <= 1 for each in found)
    assert all(each["control"] > 2 for each in found)  # without clipping some would


def test_opacus_gives_the_same_clipped_sum(measured: Measured) -> None:
    assert measured.facts["opacus"] < 1e-12


def test_a_unit_whose_gradient_is_no_number_counts_as_nothing(measured: Measured) -> None:
    assert measured.facts["unbounded"] == {"is_same": True, "is_finite": True}


def test_dropout_leaves_out_its_share(measured: Measured) -> None:
    assert abs(measured.facts["drops"]["share"] - 0.25) < 0.012
    assert abs(measured.facts["drops"]["mean"] - 1) < 0.016


def test_an_attack_on_one_units_membership_gains_no_more_than_epsilon(measured: Measured) -> None:
    """Choose the threshold on half of the runs; bound epsilon from below on the other half, wrong once in 10^5."""
    delta = Fraction(1, 10**6)
    epsilon = epsilon_of_training(Fraction(1, 2), ATTACK_NOISE, 15, delta)

    assert least_epsilon(measured.facts["attack"]) <= epsilon
    assert least_epsilon(measured.facts["attack_control"]) > 2 * epsilon


def least_epsilon(found: dict[str, list[float]]) -> float:
    half = len(found["with"]) // 2
    there, gone = (np.array(found[name]) for name in ("with", "without"))
    sign = 1 if there[:half].mean() > gone[:half].mean() else -1
    cut = max(
        sign * there[:half],
        key=lambda at: np.mean(sign * there[:half] >= at) - np.mean(sign * gone[:half] >= at),
    )
    hits, errors = int((sign * there[half:] >= cut).sum()), int((sign * gone[half:] >= cut).sum())
    least, most = (
        beta.ppf(5e-6, hits, half - hits + 1),
        beta.ppf(1 - 5e-6, errors + 1, half - errors),
    )
    return float(np.log(max(least, 1e-12) / most))


@pytest.mark.parametrize("name", TRAININGS)
def test_a_released_model_scores_outside_as_inside(measured: Measured, name: str) -> None:
    model = read_model(measured.files[name], TRAININGS[name])
    assert isinstance(model, Model)
    rows = table(3000, units=1000).to_pydict()

    outside = load(model.content).outputs(rows)

    inside = np.array(measured.facts["scores"][name])
    # noise may choose the try that learnt next to nothing: its scores must be the same beside their own spread
    assert np.abs(inside - outside).max() < min(1e-5, inside.std() / 1000)


def test_nothing_of_the_data_is_in_what_leaves(measured: Measured) -> None:
    for name, content in measured.files.items():
        model = read_model(content, TRAININGS[name])
        assert isinstance(model, Model)
        assert CANARY.encode() not in content + model.content


def test_of_two_tries_the_one_with_better_charged_counts_is_released(measured: Measured) -> None:
    model = read_model(measured.files["TUNED"], TRAININGS["TUNED"])
    assert isinstance(model, Model)
    card = json.loads(model.card)

    better = int(np.argmax([each["accuracy"] for each in card["metrics"]]))
    assert card["training"]["rate"] == str(TUNED.tries[better].rate)
    assert 100 < sum(card["metrics"][0]["wrong_right"]) < 300  # a fifth of the units


def test_the_scorecard_learnt_what_the_book_was_made_from(measured: Measured) -> None:
    released = read_model(measured.files["CARD"], TRAININGS["CARD"])
    assert isinstance(released, Model)

    chances = load(released.content).scores({"income": [50, 999], "sector": [1, 1]})

    assert chances[0] > chances[1] + 0.2


def test_a_job_of_the_trainer_leaves_one_file_and_says_nothing(node: Node, tmp_path: Path) -> None:
    pq.write_table(table(200, units=100), tmp_path / "BP-BOOK.parquet")
    told = parameters(TRAININGS["CARD"], unit="person", output=OutputName("O1"))

    outcome = run(node, tmp_path, ["O1"], command=COMMAND, parameters=told)

    assert outcome.ended is Ended.FINISHED, outcome.note
    assert [(each.name, each.suffix) for each in outcome.artifacts] == [("O1", SUFFIX)]
    assert isinstance(read_model(outcome.artifacts[0].content, TRAININGS["CARD"]), Model)
    assert outcome.note == ""


def test_a_view_without_a_row_trains_all_the_same(node: Node, tmp_path: Path) -> None:
    pq.write_table(table(200, units=100).slice(0, 0), tmp_path / "BP-BOOK.parquet")
    told = parameters(TRAININGS["DEEP"], unit="person", output=OutputName("O1"))

    outcome = run(node, tmp_path, ["O1"], command=COMMAND, parameters=told)

    assert isinstance(read_model(outcome.artifacts[0].content, TRAININGS["DEEP"]), Model)


def test_of_a_failure_only_its_kind_is_told(node: Node, tmp_path: Path) -> None:
    (tmp_path / "BP-BOOK.parquet").write_text(CANARY)
    told = parameters(TRAININGS["CARD"], unit="person", output=OutputName("O1"))

    outcome = run(node, tmp_path, ["O1"], command=COMMAND, parameters=told)

    assert (outcome.ended, outcome.artifacts) == (Ended.FAILED, ())
    assert CANARY not in repr(outcome)
    assert "ArrowInvalid" in outcome.note
