"""Fits a logistic regression on the view and writes it in the form in which a model may leave; people sign what was measured."""

import pandas as pd
from export import category, linear, number, write
from sklearn.linear_model import LogisticRegression

NUMBERS = ["annual_income", "loan_amount", "debt_to_income"]
HOMES = ["MORTGAGE", "OWN"]

loans = pd.read_parquet("/data/BP-LOANS/BP-LOANS.parquet")
centre, spread = loans[NUMBERS].mean(), loans[NUMBERS].std()
features = ((loans[NUMBERS] - centre) / spread).fillna(0.0)
for home in HOMES:
    features[home] = (loans["homeownership"] == home).astype(float)
model = LogisticRegression(max_iter=500).fit(features, loans["grade"].isin(["D", "E", "F", "G"]))

write(
    "/out/O4.json",
    target={"column": "grade", "positive": ["D", "E", "F", "G"]},
    inputs=[
        *(number(name, centre[name], spread[name]) for name in NUMBERS),
        category("homeownership", HOMES),
    ],
    fitted=linear(model),
)
