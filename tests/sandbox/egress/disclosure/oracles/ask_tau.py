"""Tells tau-Argus' primary cells of each table on stdin: frequency 10, then p% 10, then dominance (2, 85 %).

Run by a Python that has pytauargus; answers one list of cells for each rule and table, as JSON.
"""

import json
import sys

from pytauargus import protect

RULES = {"small": "FREQ(10,10)", "p_percent": "P(10,1)", "dominated": "NK(2,85)"}


def primary(table: dict[str, list[object]], rule: str) -> list[list[str]]:
    done = protect(table, ["a", "b"], "x", safety_rules=rule, suppress="OPT(1)")
    return [
        [str(row["a"]), str(row["b"])]
        for row in done.tables[0].rows
        if row["status"] == "U" and "Total" not in (row["a"], row["b"])
    ]


answers = [
    {name: primary(table, rule) for name, rule in RULES.items()} for table in json.load(sys.stdin)
]
sys.stdout.write("ANSWER" + json.dumps(answers))
