"""Tells acro's primary cells of each table on stdin: threshold 10, p-ratio 10 %, dominance (2, 85 %).

Run by a Python that has acro; answers one list of cells for each rule and table, as JSON.
"""

import json
import logging
import sys

import pandas as pd
from acro import ACRO

WORDS = {
    "MinimumThresholdCheck": "small",
    "PPercentCheck": "p_percent",
    "NKCheck": "dominated",
}


def primary(table: dict[str, list[object]]) -> dict[str, list[list[str]]]:
    frame = pd.DataFrame(table)
    session = ACRO(suppress=False)
    session.sdc_checks.risk_appetite["safe_nk_k"] = 0.85
    session.crosstab(frame["a"], frame["b"], values=frame["x"], aggfunc="sum")
    outcome = session.results.get_index(-1).outcome
    found: dict[str, list[list[str]]] = {name: [] for name in WORDS.values()}
    for a, row in outcome.iterrows():
        for b, said in row.items():
            for word, name in WORDS.items():
                if word in str(said):
                    found[name].append([str(a), str(b[-1] if isinstance(b, tuple) else b)])
    return found


logging.disable(logging.CRITICAL)
sys.stdout.write("ANSWER" + json.dumps([primary(table) for table in json.load(sys.stdin)]))
