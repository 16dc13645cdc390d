"""Writes a free-form report on a scorecard's quality: people must read it before it leaves."""

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NUMBERS = ["annual_income", "loan_amount", "debt_to_income", "term"]

loans = pd.read_parquet("/data/BP-LOANS/BP-LOANS.parquet")
features = loans[NUMBERS].fillna(loans[NUMBERS].median())
risky = loans["grade"].isin(["D", "E", "F", "G"])
card = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
scores = cross_val_predict(card, features, risky, cv=5, method="predict_proba")[:, 1]
auc = roc_auc_score(risky, scores)

with open("/out/O3.md", "w", encoding="utf-8") as report:
    report.write(f"""# 评分卡评估报告 Scorecard evaluation

模型：逻辑回归，四个特征（年收入、贷款金额、负债收入比、期限），五折交叉验证。
Model: logistic regression on four features, five-fold cross-validation.

- AUC {auc:.2f}
- 结论：可用于初筛，不足以单独定价。 Fit for a first screening, not for pricing by itself.
""")
