"""Estimate the share of patients who are alive after some years, by Kaplan and Meier: of all, and of those with low HDL.

Called as `survival.py /data /out`. Patients are in one table and their laboratory tests in another; a patient's group is by the
mean of all HDL tests. Leaves five shares for all patients, then five for the group.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

TIMES = [1000, 2000, 3000, 4000, 5000]
LOW = 50

data, out = map(Path, sys.argv[1:])
patients = pd.read_parquet(data / "NAFLD1" / "NAFLD1.parquet")
tests = pd.read_parquet(data / "NAFLD2" / "NAFLD2.parquet")
hdl = tests[tests["test"] == "hdl"].groupby("id")["value"].mean()
low = patients[patients["id"].map(hdl) < LOW]


def alive(group: pd.DataFrame) -> "list[float]":
    """Return the Kaplan-Meier estimate at each of the times."""
    order = group.sort_values("futime")
    events = order.groupby("futime")["status"].agg(["sum", "size"])
    at_risk = len(order) - events["size"].cumsum() + events["size"]
    curve = (1 - events["sum"] / at_risk).cumprod()
    return [float(curve[curve.index <= time].tail(1).sum() or 1) for time in TIMES]


(out / "O1.bin").write_bytes(np.array([*alive(patients), *alive(low)], "<f8").tobytes())
