"""A model from end to end: priced, trained in the domain's own trainer, cleared by the gate, scored outside."""

import os
import subprocess
from pathlib import Path

import pytest

from gateway.cli.intake import enter
from gateway.client.model import load
from gateway.client.works import training_work
from sandbox.asset import ImageDigest
from tests.line.domain import CANARY, Domain
from tests.sandbox.runner.conftest import BUILD

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
TERMS = {
    "asset": "BP-LOANS",
    "features": [
        {"kind": "number", "column": "loan_amount"},
        {"kind": "category", "column": "homeownership"},
    ],
    "target": {"kind": "binary", "column": "grade", "positive": ["D", "E", "F", "G"]},
    "design": {"kind": "logistic"},
    "loss": "logistic",
    "tries": [{"rate": "1/10", "clip": "1"}],
    "steps": 30,
    "sampling_rate": "1/20",
    "units": 10_000,
    "epsilon": "1",
}


def test_a_model_is_trained_released_without_a_person_and_scored_outside(
    domain: Domain, tmp_path: Path
) -> None:
    work = training_work(TERMS, output="O5")
    with domain.as_("u-bank-dev") as bank:
        priced = bank.price("SC-SH-2026-0001", work)
    before = domain.answered(work)

    said = subprocess.check_output([BUILD, "trainer"], env=os.environ, text=True)
    enter(domain.home, ImageDigest(said.strip().partition("=")[2]), name="trainer")
    job = domain.answered(work)

    assert [reason.rule for reason in before.reasons] == ["admit.trainer"]
    assert float(priced["rho"]) > 0
    assert job.state == "released", (job.ended, job.reasons)
    assert job.release is not None
    with domain.as_("u-bank-dev") as bank:
        bank.download(job.release, tmp_path)
    content = (tmp_path / "O5.safetensors").read_bytes()
    scores = load(content).scores({"loan_amount": [1000, 40_000], "homeownership": ["RENT", "OWN"]})
    assert CANARY.encode() not in content
    assert len(scores) == 2
