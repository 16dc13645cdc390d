"""Regress the body mass index of patients on their age and sex, with scikit-learn.

Called as `regression.py /data /out`; leaves the coefficient of age, that of male sex, and the value at 50 years.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

data, out = map(Path, sys.argv[1:])
patients = pd.read_parquet(data / "NAFLD1" / "NAFLD1.parquet").dropna(subset=["bmi"])
features = patients[["age", "male"]] - [50, 0]
model = LinearRegression().fit(features, patients["bmi"])
(out / "O1.bin").write_bytes(np.array([*model.coef_, model.intercept_], "<f8").tobytes())
