"""Partitions a table with anonypy and anonypyx, and judges it with pycanon; runs in an environment of its own.

None is a dependency of the project: `pip install anonypy anonypyx pycanon` into another environment, then
`python anonymise_peers.py WAY TABLE.csv CLASSES.npy`. WAY is `anonypy`, `anonypyx`, `mdav` (microaggregation by anonypyx, which
holds all distances in memory: about 16 bytes for each pair of rows) or `pycanon`. Prints one JSON line: the seconds, and for
pycanon k, l and t.
"""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

K = 5
TEXTS = ("sex", "area", "edu")
SENSITIVE = "disease"
Parts = list[Any]


def anonypy(table: pd.DataFrame, quasi: list[str]) -> Parts:
    mondrian = import_module("anonypy.mondrian")
    return list(mondrian.Mondrian(table, quasi, SENSITIVE).partition(K))


def anonypyx(table: pd.DataFrame, quasi: list[str]) -> Parts:
    mondrian, models = import_module("anonypyx.mondrian"), import_module("anonypyx.models")
    return list(mondrian.Mondrian(table, quasi).partition([models.kAnonymity(K)]))


def mdav(table: pd.DataFrame, quasi: list[str]) -> Parts:
    made = import_module("anonypyx.microaggregation").MDAVGeneric(table, quasi)
    return list(made.partition(K))


WAYS: dict[str, Callable[[Any, list[str]], Parts]] = {
    "anonypy": anonypy,
    "anonypyx": anonypyx,
    "mdav": mdav,
}


def judge(table: pd.DataFrame, quasi: list[str]) -> dict[str, float]:
    anonymity = import_module("pycanon.anonymity")
    return {
        "k": anonymity.k_anonymity(table, quasi),
        "l": anonymity.l_diversity(table, quasi, [SENSITIVE]),
        "t": anonymity.t_closeness(table, quasi, [SENSITIVE]),
    }


def main(way: str, source: str, left: str) -> None:
    table = pd.read_csv(source)
    quasi = [name for name in table.columns if name != SENSITIVE]
    if way != "pycanon":
        table = table.astype(dict.fromkeys(TEXTS, "category"))
    begun = perf_counter()
    if way == "pycanon":
        print(json.dumps({**judge(table, quasi), "seconds": perf_counter() - begun}))
        return
    parts = WAYS[way](table, quasi)
    seconds = perf_counter() - begun
    classes = np.full(len(table), -1)
    for number, part in enumerate(parts):
        classes[np.asarray(part)] = number
    np.save(left, classes)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(*sys.argv[1:])
