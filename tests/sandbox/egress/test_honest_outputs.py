"""Honest tables and reports of the real loan book: none of them is blocked."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from sandbox.egress.verdict import Held
from sandbox.order import Artifact
from tests.sandbox.egress.conftest import NUMBERS, Judge
from tests.sandbox.egress.examples import file, output, rules

REPORT = """# Scorecard for inclusive finance, version 3

Trained on 8,000 loans, tested on 2,000, with 10-fold cross-validation (seed 20180311).

| measure | train | test |
|---|---|---|
| AUC | 0.7312 | 0.7124 |
| KS | 0.341 | 0.322 |
| Gini | 0.4624 | 0.4248 |
| Brier score | 0.1187 | 0.1210 |

Interest rates between 5.31 % and 30.94 % enter through the logarithm. Loans of 36 months default
less often than loans of 60 months. The weights are: intercept -2.104, debt_to_income 0.0213,
log(annual_income) -0.4471, loan_amount / 10000 0.0934, term=60 0.2718.
"""
REPORT_ZH = """# 普惠金融评分卡说明

训练样本 8000 笔,测试样本 2000 笔;测试集 AUC 为 0.7124,KS 为 0.322。
平均贷款金额 16361.92 元,平均利率 12.43%,平均年收入 79222.15 元。
36 个月期限的违约率为 1.1%,60 个月期限的违约率为 1.9%。
"""


def means(book: pd.DataFrame, *keys: str) -> pd.DataFrame:
    grouped = book.groupby(list(keys))
    table = grouped[list(NUMBERS)].mean()
    table["loans"] = grouped.size()
    return table[table["loans"] >= 20].reset_index()


def csv(table: pd.DataFrame) -> Artifact:
    return file("csv", table.to_csv(index=False))


def roc(_book: pd.DataFrame) -> pd.DataFrame:
    rate = np.linspace(0, 1, 201)
    return pd.DataFrame({"threshold": rate[::-1], "fpr": rate, "tpr": rate**0.4})


HONEST: dict[str, Callable[[pd.DataFrame], Artifact]] = {
    "means by grade": lambda b: csv(means(b, "grade")),
    "means by state": lambda b: csv(means(b, "state")),
    "means by state and grade": lambda b: csv(means(b, "state", "grade")),
    "means by sub-grade": lambda b: csv(means(b, "sub_grade")),
    "rounded means by purpose": lambda b: csv(means(b, "loan_purpose").round(2)),
    "medians by grade": lambda b: csv(b.groupby("grade")[list(NUMBERS)].median().reset_index()),
    "counts by state and term": lambda b: csv(
        b.groupby(["state", "term"]).size().loc[lambda n: n >= 10].rename("n").reset_index()
    ),
    "quantiles": lambda b: csv(
        b[list(NUMBERS)].quantile([0.1, 0.25, 0.5, 0.75, 0.9]).reset_index()
    ),
    "correlations": lambda b: csv(b[list(NUMBERS)].corr().reset_index()),
    "roc curve": lambda b: csv(roc(b)),
    "means as text": lambda b: file("txt", means(b, "state").to_string()),
    "means as json": lambda b: file("json", means(b, "grade").to_json(orient="records")),
    "metrics as json": lambda _: file(
        "json", '{"auc": 0.7124, "ks": {"train": 0.341, "test": 0.322}}'
    ),
    "report": lambda _: file("md", REPORT),
    "chinese report": lambda _: file("txt", REPORT_ZH),
}


@pytest.mark.parametrize("honest", HONEST)
def test_honest_work_waits_only_for_people(honest: str, loans: pd.DataFrame, judge: Judge) -> None:
    verdict = judge(HONEST[honest](loans), output())

    assert isinstance(verdict, Held), rules(verdict)
    assert rules(verdict) == set()
    assert verdict.preview
