"""Primary cells agree with tau-Argus and with acro on 200 random tables (long form).

The oracles pin old packages: each has an environment of its own, whose Python stands in SHUYU_TAUARGUS and SHUYU_ACRO.
Both look at contributions as they are, we at their distance from the median: dominance is compared where the median is
zero, where both are the same. What else differs is in docs/decisions/disclosure.md.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sandbox.egress.disclosure.evidence import Concern
from sandbox.egress.recompute import recompute
from sandbox.order import Function
from tests.sandbox.egress.disclosure.conftest import Made
from tests.sandbox.egress.disclosure.examples import PERSONS, dimension, number

ORACLES = {"SHUYU_TAUARGUS": "ask_tau.py", "SHUYU_ACRO": "ask_acro.py"}
TABLES = 200
Found = dict[str, set[tuple[str, ...]]]


def frame(dice: "np.random.Generator") -> pd.DataFrame:
    size = int(dice.integers(60, 400))
    values = np.round(dice.lognormal(3, dice.uniform(0.5, 2.5), size), 2)
    values[dice.random(size) < dice.choice([0.0, 0.7])] = 0.0
    return pd.DataFrame(
        {
            "a": dice.choice(list("pqrs"), size),
            "b": dice.choice(list("xyz"), size, p=[0.7, 0.2, 0.1]),
            "x": values,
        }
    )


def ours(made: Made, table: pd.DataFrame) -> Found:
    columns = (dimension("a"), dimension("b"), number(Function.SUM, "x"))
    rows = recompute(*made(table, columns))
    return {
        concern.value: {
            labels for labels, row in rows.items() if concern in row.evidence[0].concerns(PERSONS)
        }
        for concern in (Concern.SMALL, Concern.P_PERCENT, Concern.DOMINATED)
    }


def theirs(command: list[str], tables: list[pd.DataFrame], folder: Path) -> list[Found]:
    asked = json.dumps([table.to_dict("list") for table in tables])
    said = subprocess.run(
        command,
        input=asked,
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},  # tau-Argus leaves its files lying
    ).stdout
    answers = json.loads(said.rpartition("ANSWER")[2])
    return [{rule: set(map(tuple, cells)) for rule, cells in each.items()} for each in answers]


@pytest.mark.skipif(
    os.environ.get("SHUYU_EGRESS") != "long", reason="SHUYU_EGRESS=long asks oracles"
)
@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.timeout(900)
def test_primary_cells_are_those_of_an_oracle(oracle: str, made: Made, tmp_path: Path) -> None:
    if oracle not in os.environ:
        pytest.skip(f"{oracle} names no Python that has it")
    dice = np.random.default_rng(2026)
    tables = [frame(dice) for _ in range(TABLES)]

    program = Path(__file__).parent / "oracles" / ORACLES[oracle]
    answers = theirs([os.environ[oracle], str(program)], tables, tmp_path)

    for table, answer in zip(tables, answers, strict=True):
        found = ours(made, table)
        values = table.groupby(["a", "b"])["x"]
        alike = {labels for labels, median in values.median().items() if median == 0}
        any_unit = set(values.groups)  # acro marks empty cells too, which we show as small ones
        any_value = {labels for labels, most in values.max().items() if most}
        assert found["small"] == answer["small"] & any_unit
        assert (
            found["p_percent"] == answer["p_percent"] & any_value
        )  # all zero is ours to call constant
        assert found["dominated"] & alike == answer["dominated"] & alike
