"""Scores rows by a released model that a job fitted, with numpy alone: the JSON file carries all that it needs."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.client.model import ModelError

Numbers = NDArray[np.float64]
Columns = Mapping[str, Sequence[Any]]
FORM = "shuyu-fitted-1"
_SURE = 1e-3
_BETWEEN: dict[str, Callable[[Numbers], Numbers]] = {
    "relu": lambda value: np.maximum(value, 0.0),
    "tanh": lambda value: np.asarray(np.tanh(value)),
}


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A linear model, a scorecard, trees or a small network, as the gate wrote it."""

    form: dict[str, Any]

    @property
    def card(self) -> dict[str, Any]:
        """Return what the gate measured: bits for each unit, and how many members an attack recognises at most."""
        return dict(self.form["card"])

    def scores(self, columns: Columns) -> Numbers:
        """Return, for each row, the chance of a yes, or the amount; a missing value is None or NaN."""
        told = self.told(columns)
        return np.asarray(1 / (1 + np.exp(-told))) if self.form["target"].get("positive") else told

    def told(self, columns: Columns) -> Numbers:
        """Return the log odds of a yes, or the amount."""
        fitted = self.form["fitted"]
        cells = [_cells(one, columns[one["column"]]) for one in self.form["inputs"]]
        if fitted["kind"] == "trees":
            return self._by_trees(fitted, cells)
        value = self._features(cells)
        if fitted["kind"] != "network":
            return np.asarray(value @ np.array(fitted["weights"]) + fitted["intercept"])
        for layer in fitted["layers"][:-1]:
            value = value @ np.array(layer["weights"]).T + np.array(layer["bias"])
            value = _BETWEEN[fitted.get("between", "relu")](value)
        last = fitted["layers"][-1]
        return np.asarray((value @ np.array(last["weights"]).T + np.array(last["bias"]))[:, 0])

    def _features(self, cells: Sequence[Numbers]) -> Numbers:
        parts = []
        for one, column in zip(self.form["inputs"], cells, strict=True):
            if one["kind"] == "number":
                scaled = (column - one.get("centre", 0.0)) / one.get("spread", 1.0)
                parts.append(np.nan_to_num(scaled)[:, None])
            elif one["kind"] == "category":
                parts.append(column[:, None] == np.arange(len(one["categories"])))
            else:
                bins = np.searchsorted(one["cuts"], column, side="right").astype(float)
                bins[np.isnan(column)] = -1
                parts.append(bins[:, None] == np.arange(len(one["cuts"]) + 1))
        return np.concatenate(parts, axis=1).astype(np.float64)

    def _by_trees(self, fitted: Mapping[str, Any], cells: Sequence[Numbers]) -> Numbers:
        total = np.sum([self._through(tree, cells) for tree in fitted["trees"]], axis=0)
        if fitted.get("combine", "mean") == "sum":
            return np.asarray(fitted.get("start", 0.0) + total)
        share = total / len(fitted["trees"])
        if not self.form["target"].get("positive"):
            return np.asarray(share)
        share = np.clip(share, _SURE, 1 - _SURE)
        return np.asarray(np.log(share / (1 - share)))

    def _through(self, tree: Mapping[str, Any], cells: Sequence[Numbers]) -> Numbers:
        if "leaf" in tree:
            return np.full(len(cells[0]), float(tree["leaf"]))
        column, one = cells[tree["input"]], self.form["inputs"][tree["input"]]
        if tree.get("among"):
            goes = np.isin(column, [one["categories"].index(name) for name in tree["among"]])
        else:
            goes = column < tree["below"]
        return np.where(goes, self._through(tree["yes"], cells), self._through(tree["no"], cells))


def load(source: Path | bytes) -> FittedModel:
    """Read a released model; raise `ModelError` where it is none."""
    content = source if isinstance(source, bytes) else source.read_bytes()
    try:
        form = json.loads(content)
        known = form["form"] == FORM
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError("the file is no released model") from error
    if not known:
        raise ModelError("the model is of another form")
    return FittedModel(form)


def _cells(one: Mapping[str, Any], column: Sequence[Any]) -> Numbers:
    """Return the numbers of a column, or the places of its categories: -1 for any that is not listed."""
    if one["kind"] != "category":
        return np.array([np.nan if value is None else float(value) for value in column])
    places = {name: place for place, name in enumerate(one["categories"])}
    return np.array([places.get(_text(value), -1) for value in column], np.float64)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
