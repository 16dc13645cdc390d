"""Tries to carry raw rows out: plainly, and in base64 behind an innocent line."""

import base64

import pandas as pd

loans = pd.read_parquet("/data/BP-LOANS/BP-LOANS.parquet").head(150)
rows = loans.to_csv(index=False)
with open("/out/O3.txt", "w", encoding="utf-8") as out:
    out.write("评估结果见附件 The results are attached.\n\n")
    out.write(rows)
    out.write("\n" + base64.b64encode(rows.encode()).decode() + "\n")
