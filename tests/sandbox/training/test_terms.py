"""Terms: read back as they were written, fitted to the catalogue, and refused before any price or data."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from sandbox.reason import Reason
from sandbox.training.layers import (
    Activation,
    Convolution,
    Dropout,
    Flatten,
    GroupNorm,
    Image,
    Layer,
    LayerNorm,
    Linear,
    Pool,
    RmsNorm,
    Smooth,
)
from sandbox.training.orders import recipe
from sandbox.training.plan import Untrainable, plan
from sandbox.training.refusals import RULES
from sandbox.training.terms import (
    Amount,
    Binary,
    Binned,
    Category,
    Layers,
    Loss,
    Metrics,
    Mlp,
    Number,
    OneOf,
    Scorecard,
    Sgd,
    TrainingTerms,
    Trend,
    Try,
)
from tests.sandbox.training.book import ASSET, COLUMNS, SCORECARD, TERMS, planned

F = Fraction
DEEP = Layers(
    layers=(
        Linear(outputs=36),
        RmsNorm(),
        Image(channels=1, height=6, width=6),
        Convolution(outputs=4, size=3, padding=1),
        GroupNorm(groups=2),
        Activation(function=Smooth.RELU),
        Pool(size=2, how="largest"),
        Flatten(),
        LayerNorm(),
        Dropout(share=F(1, 4)),
        Linear(outputs=1),
    )
)


def refused(changes: dict[str, Any]) -> set[str]:
    made = plan(replace(TERMS, **changes), ASSET, COLUMNS)
    assert isinstance(made, Untrainable)
    assert all(_is_whole(each) for each in made.reasons)
    return {each.rule for each in made.reasons}


def _is_whole(each: Reason) -> bool:
    return all([each.why.zh, each.why.en, each.fix.zh, each.fix.en])


@pytest.mark.parametrize(
    "terms",
    [
        TERMS,
        SCORECARD,
        replace(TERMS, design=DEEP, optimiser=Sgd(momentum=F(9, 10))),
        replace(TERMS, design=Mlp(hidden=(8, 4)), metrics=Metrics(), tries=TERMS.tries * 2),
    ],
    ids=["logistic", "scorecard", "layers", "tuned"],
)
def test_terms_read_back_as_they_were_written(terms: TrainingTerms) -> None:
    assert TrainingTerms.of(terms.form()) == terms


def test_a_deep_network_has_the_arrays_that_its_layers_imply() -> None:
    made = planned(
        replace(
            TERMS, design=DEEP, features=(Number(column="age"), Category(column="region", width=3))
        )
    )

    assert {each.name: each.shape for each in made.tensors} == {
        "feature2.weight": (4, 3),
        "layer1.weight": (36, 4),
        "layer1.bias": (36,),
        "layer2.weight": (36,),
        "layer4.weight": (4, 1, 3, 3),
        "layer4.bias": (4,),
        "layer5.weight": (4,),
        "layer5.bias": (4,),
        "layer9.weight": (36,),
        "layer9.bias": (36,),
        "layer11.weight": (1, 36),
        "layer11.bias": (1,),
    }


def test_the_price_keeps_the_target_epsilon_and_is_known_without_data() -> None:
    made = planned()

    assert F(99, 100) * TERMS.epsilon < made.epsilon <= TERMS.epsilon
    assert made.rho == made.event.rho > 0


def test_the_recipe_has_public_bounds_and_domains_only() -> None:
    features = recipe(planned())["features"]

    assert features[0] == {"kind": "number", "column": "age", "lower": "0", "upper": "100"}
    assert features[2]["domain"] == list(ASSET.columns[3].domain)


def layers(*each: Layer) -> dict[str, Any]:
    return {"design": Layers(layers=each)}


CASES: list[tuple[str, dict[str, Any]]] = [
    ("training.column", {"features": (Number(column="nothing"),)}),
    ("training.column", {"features": (Category(column="note"),)}),
    ("training.number", {"features": (Number(column="region"),)}),
    ("training.number", {"target": Amount(column="risk"), "loss": Loss.SQUARED}),
    ("training.category", {"features": (Category(column="age"),)}),
    ("training.category", {"features": (Category(column="region", width=-1),)}),
    ("training.positive", {"target": Binary(column="risk", positive=())}),
    ("training.positive", {"target": Binary(column="risk", positive=("low", "middle", "high"))}),
    ("training.positive", {"target": Binary(column="risk", positive=("unheard",))}),
    ("training.cuts", {"features": (Binned(column="age", cuts=(F(5), F(5))),)}),
    ("training.cuts", {"features": (Binned(column="age", cuts=(F(0), F(5))),)}),
    ("training.cuts", {"features": (Binned(column="age", cuts=()),)}),
    ("training.twice", {"features": (Number(column="age"),) * 2}),
    ("training.twice", {"features": (Category(column="risk"),)}),
    ("training.features", {"features": ()}),
    ("training.scorecard", {"design": Scorecard()}),
    ("training.trend", {"features": (Binned(column="age", cuts=(F(5),), trend=Trend.RISING),)}),
    ("training.layer", layers(Linear(outputs=0))),
    ("training.layer", layers(Linear(outputs=1 << 17))),
    ("training.layer", layers(Flatten(), Linear(outputs=1))),
    ("training.layer", layers(Image(height=2, width=2), Linear(outputs=1))),
    ("training.layer", layers(Dropout(share=F(1)), Linear(outputs=1))),
    ("training.output", layers()),
    ("training.output", layers(Linear(outputs=2))),
    ("training.size", layers(Linear(outputs=1 << 16), Linear(outputs=64), Linear(outputs=1))),
    ("training.loss", {"loss": Loss.CROSS_ENTROPY}),
    ("training.loss", {"target": OneOf(column="risk")}),
    ("training.steps", {"steps": 0}),
    ("training.steps", {"sampling_rate": F(0)}),
    ("training.steps", {"sampling_rate": F(3, 2)}),
    ("training.steps", {"rows_per_unit": 0}),
    ("training.tries", {"tries": ()}),
    ("training.tries", {"tries": (Try(rate=F(1), clip=F(0)),)}),
    ("training.tries", {"optimiser": Sgd(momentum=F(1))}),
    ("training.metrics", {"tries": TERMS.tries * 2}),
    ("training.metrics", {"metrics": Metrics(share=F(1))}),
    ("training.epsilon", {"epsilon": F(0)}),
    ("training.epsilon", {"epsilon": F(-1)}),
    ("training.epsilon", {"epsilon": F(1, 10**30)}),
    ("training.epsilon", {"delta": F(1, 2)}),
]


@pytest.mark.parametrize(
    ("rule", "changes"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)]
)
def test_terms_that_cannot_be_trained_are_refused_before_they_are_priced(
    rule: str, changes: dict[str, Any]
) -> None:
    assert rule in refused(changes)


def test_every_rule_has_its_case() -> None:
    assert {rule for rule, _ in CASES} == set(RULES) - {"training.model"}


def test_every_reason_is_told_at_once() -> None:
    found = refused(
        {"features": (Number(column="region"),), "steps": 0, "epsilon": F(0), "loss": Loss.HUBER}
    )

    assert found == {"training.number", "training.steps", "training.epsilon", "training.loss"}
