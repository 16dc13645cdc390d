"""Fits scikit-learn's models to the loan book and writes each as a job would; run by a Python that has scikit-learn.

Usage: `fit.py LOANS.csv FOLDER EXPORT_FOLDER`.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

LOANS, FOLDER, EXPORT = map(Path, sys.argv[1:4])
sys.path.insert(0, str(EXPORT))
export = import_module("export")  # it lies beside the example

NAMES = ["annual_income", "debt_to_income", "loan_amount", "total_credit_limit"]
Part = dict[str, Any]
RISKY: Part = {"column": "grade", "positive": ["D", "E", "F", "G"]}
NEVER_BELOW = 1e12
"""Stands for a missing number: at a split it goes to `no`, as the form has it."""

book = pd.read_csv(LOANS)
risky = book["grade"].isin(RISKY["positive"])
centre, spread = book[NAMES].mean(), book[NAMES].std()
scaled = ((book[NAMES] - centre) / spread).fillna(0.0).to_numpy()
plain = book[NAMES].fillna(NEVER_BELOW).to_numpy()
NUMBERS = [export.number(name, centre[name], spread[name]) for name in NAMES]
PLAIN = [export.number(name) for name in NAMES]
CUTS = {name: np.unique(book[name].quantile([0.2, 0.4, 0.6, 0.8])) for name in NAMES}
bins = np.column_stack(
    [
        np.where(book[name].isna(), -1, np.searchsorted(cuts, book[name], side="right"))[:, None]
        == np.arange(len(cuts) + 1)
        for name, cuts in CUTS.items()
    ]
).astype(float)


def left(name: str, inputs: list[Part], fitted: Part, target: Part = RISKY) -> None:
    """Write one model."""
    export.write(str(FOLDER / f"{name}.json"), target=target, inputs=inputs, fitted=fitted)


left("logistic", NUMBERS, export.linear(LogisticRegression().fit(scaled, risky)))
rate: Part = {"column": "interest_rate"}
left("ridge", NUMBERS, export.linear(Ridge().fit(scaled, book["interest_rate"]), "linear"), rate)
card = export.linear(LogisticRegression().fit(bins, risky), "scorecard")
left("scorecard", [export.binned(name, list(cuts)) for name, cuts in CUTS.items()], card)
tree = DecisionTreeClassifier(min_samples_leaf=50, max_depth=8, random_state=1)
left("tree50", PLAIN, export.trees(tree.fit(plain, risky)))
boosting = GradientBoostingClassifier(min_samples_leaf=50, n_estimators=20, random_state=1)
left("boosting50", PLAIN, export.trees(boosting.fit(plain, risky)))
left(
    "mlp",
    NUMBERS,
    export.network(MLPClassifier((8,), max_iter=5, random_state=1).fit(scaled, risky)),
)
deep = DecisionTreeClassifier(max_depth=12, random_state=1)
left("deep_tree", PLAIN, export.trees(deep.fit(plain, risky)))
forest = RandomForestClassifier(n_estimators=20, max_depth=12, random_state=1)
left("forest", PLAIN, export.trees(forest.fit(plain, risky)))

INCOME: Part = {"column": NAMES[0]}
income, mean, sigma = book[NAMES[0]].to_numpy(), centre[NAMES[0]], spread[NAMES[0]]
large = {"min_samples_leaf": 50, "random_state": 1}
without, scaled, plain = NUMBERS[1:], scaled[:, 1:], plain[:, 1:]
left("income_ridge", without, export.linear(Ridge().fit(scaled, income), "linear"), INCOME)
leaves = DecisionTreeRegressor(**large, max_depth=6).fit(plain, income)
left("income_tree50", PLAIN[1:], export.trees(leaves), INCOME)
boosted = GradientBoostingRegressor(**large, n_estimators=20).fit(plain, income)
left("income_boosting50", PLAIN[1:], export.trees(boosted), INCOME)
for between in ("relu", "tanh"):
    learnt = MLPRegressor(hidden_layer_sizes=(8,), activation=between, max_iter=20, random_state=1)
    part = export.network(learnt.fit(scaled, (income - mean) / sigma), mean, sigma)
    left(f"income_mlp_{between}", without, part, INCOME)
