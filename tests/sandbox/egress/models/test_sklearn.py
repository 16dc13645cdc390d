"""Models that scikit-learn fits and the example's export writes: large groups pass, its default trees do not (long form)."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from gateway.client.fitted import load
from sandbox.egress.inspection import Inspection, inspect, reopen
from sandbox.egress.verdict import Blocked, Held
from sandbox.order import Artifact
from tests.sandbox.egress.conftest import NUMBERS
from tests.sandbox.egress.examples import O1, rules, told
from tests.sandbox.egress.models.fitting import model_terms

EXPORT = Path(__file__).parents[4] / "gateway/cli/examples/model"
INCOMES = ("ridge", "tree50", "boosting50", "mlp_relu", "mlp_tanh")
PASS = (
    *("logistic", "ridge", "scorecard", "tree50", "boosting50", "mlp"),
    *(f"income_{each}" for each in INCOMES),
)
STAY = ("deep_tree", "forest")


@pytest.fixture(scope="module")
def fitted(loans: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.environ.get("SHUYU_EGRESS") != "long":
        pytest.skip("SHUYU_EGRESS=long: many models, which take minutes")
    folder = tmp_path_factory.mktemp("sklearn")
    loans[["grade", *NUMBERS]].to_csv(folder / "loans.csv", index=False)
    program = Path(__file__).parent / "sklearns" / "fit.py"
    asked = ["-W", "ignore", str(program), str(folder / "loans.csv"), str(folder), str(EXPORT)]
    subprocess.run([sys.executable, *asked], check=True, timeout=100)
    return folder


@pytest.mark.parametrize("name", PASS)
def test_models_of_large_groups_pass_and_score_as_they_did(
    name: str, fitted: Path, inspection_of: Callable[..., Inspection], loans: pd.DataFrame
) -> None:
    content = (fitted / f"{name}.json").read_bytes()
    inspection, artifact = inspection_of(model_terms()), Artifact(O1, "json", content)

    [held] = inspect([artifact], inspection).verdicts
    assert isinstance(held, Held), told(held)
    assert rules(held) == {"egress.model"}
    released = load(reopen(artifact, inspection, signed=held.digest).content)

    columns = {name: loans[name].tolist() for name in NUMBERS}
    scores, before = released.scores(columns), load(content).scores(columns)
    assert abs(scores - before).mean() < 0.02 * before.std() + 0.01


@pytest.mark.parametrize("name", STAY)
def test_default_trees_and_forests_stay_in(
    name: str, fitted: Path, inspection_of: Callable[..., Inspection]
) -> None:
    artifact = Artifact(O1, "json", (fitted / f"{name}.json").read_bytes())

    [verdict] = inspect([artifact], inspection_of(model_terms())).verdicts

    assert isinstance(verdict, Blocked)
    assert {"egress.model_support", "egress.model_capacity"} <= rules(verdict)
