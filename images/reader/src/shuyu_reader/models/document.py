"""The document that a model file carries under `shuyu`: what the model reads, tells and is, without its learnt numbers."""

import json
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shuyu_reader.strict import scalars

Floats = NDArray[np.float64]
Part = dict[str, Any]
KEY = "shuyu"
"""The one key of a file's metadata."""
MOST_BYTES = 16 * 2**20
MOST_NUMBERS = 500_000
"""Of all arrays together; 16 bits for each would ask for 8,000,000 units."""
_MOST_TEXT = 2**20
WEIGHTED = frozenset({"linear", "logistic", "scorecard"})


class Flaw(StrEnum):
    """Where a file is not a model that may leave. The gate tells these words and no others."""

    SIZE = "size"
    CONTAINER = "container"
    DOCUMENT = "document"
    ARRAYS = "arrays"
    OPERATORS = "operators"
    OUTPUTS = "outputs"
    TREES = "trees"


class UnfitError(Exception):
    """A file is no model of an allowed form; `flaw` says where."""

    def __init__(self, flaw: Flaw) -> None:
        """Carry the flaw."""
        super().__init__(flaw)
        self.flaw = flaw


def demand(holds: object, flaw: Flaw) -> None:
    """Raise `UnfitError` where something does not hold."""
    if not holds:
        raise UnfitError(flaw)


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document; the gate judges every word of it again."""

    whole: Part
    fitted: Part

    @property
    def kind(self) -> str:
        """Return what the model is declared to be."""
        return str(self.fitted.get("kind"))

    @property
    def is_binary(self) -> bool:
        """Whether it tells of a yes or no."""
        return bool(self.whole["target"].get("positive"))

    @property
    def width(self) -> int:
        """Return how many features the inputs make."""
        return sum(map(_features, self.whole["inputs"]))

    def model(self, **numbers: object) -> Part:
        """Return the whole model; a number that the document told itself is none that the file's arrays hold."""
        demand(not self.fitted.keys() & numbers.keys(), Flaw.DOCUMENT)
        return self.whole | {"fitted": self.fitted | numbers}

    def weighted(self, weights: Floats, intercept: float) -> Part:
        """Return a linear, logistic or scorecard model."""
        demand(self.kind in WEIGHTED, Flaw.DOCUMENT)
        demand(weights.shape == (self.width,), Flaw.ARRAYS)
        return self.model(weights=weights.tolist(), intercept=intercept)

    def network(self, layers: list[tuple[Floats, Floats]], **facts: object) -> Part:
        """Return a network, of layers that are outputs x inputs, each with its bias."""
        demand(self.kind == "network", Flaw.DOCUMENT)
        width = self.width
        for weights, bias in layers:
            demand(weights.shape == (len(bias), width), Flaw.ARRAYS)
            width = len(bias)
        return self.model(layers=[{"weights": w.tolist(), "bias": b.tolist()} for w, b in layers], **facts)  # fmt: skip


def parsed(text: str) -> Document:
    """Parse a document; raise `UnfitError` where it is none."""
    demand(len(text) <= _MOST_TEXT, Flaw.SIZE)
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        raise UnfitError(Flaw.DOCUMENT) from None
    numbers = (each for each in scalars(whole) if isinstance(each, float))
    demand(all(map(math.isfinite, numbers)), Flaw.DOCUMENT)
    match whole:
        case {"target": dict(), "inputs": list(), "fitted": dict(fitted)}:
            return Document(whole, fitted)
        case _:
            raise UnfitError(Flaw.DOCUMENT)


def finite(values: NDArray[Any]) -> Floats:
    """Return numbers as 64-bit floats; there is no model of NaN or infinity."""
    demand(bool(np.isfinite(values).all()), Flaw.ARRAYS)
    return np.asarray(values, np.float64)


def _features(one: object) -> int:
    match one:
        case {"kind": "number"}:
            return 1
        case {"kind": "category", "categories": list(names)}:
            return len(names)
        case {"kind": "binned", "cuts": list(cuts)}:
            return len(cuts) + 1
        case _:
            raise UnfitError(Flaw.DOCUMENT)
