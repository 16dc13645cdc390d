"""Draws a planned sample from the gate's file, after its charge."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from sandbox.asset import AssetId
from sandbox.privacy.answer import answer
from sandbox.privacy.errors import AnswerError
from sandbox.privacy.noise import Noise
from sandbox.privacy.plan import Plan
from sandbox.synthetic.plan import SamplePlan, csv_of, whole
from sandbox.synthetic.rows import drawn, fitted
from sandbox.synthetic.tree import Noisy, ordered, tree


def sample(made: SamplePlan, gate: Path, *, noise: Noise | None = None) -> bytes:
    """Draw the sample from the gate's file, after its charge; return UTF-8 CSV with the view's columns in their order.

    Raises `AnswerError`, the same for every cause.
    """
    counter = _Counter(gates={made.asset.id: gate}, noise=noise)
    rng = np.random.default_rng()
    values: dict[str, pa.Array] = {}
    if made.codings:
        pairs = {pair: counter.counts(each, made, pair) for pair, each in made.pairs.items()}
        edges = tree(len(made.codings), pairs)
        better = {
            pair: pairs[pair].joined(counter.counts(made.again[pair], made, pair))
            for pair in map(ordered, edges)
        }
        root = counter.counts(made.singles[0], made, (0,))
        values = drawn(fitted(made.codings, root, edges, better), made.terms.rows, rng)
    return csv_of(whole(made.asset, made.view, values, made.terms.rows, rng))


@dataclass(frozen=True, slots=True)
class _Counter:
    """Answers planned counts."""

    gates: Mapping[AssetId, Path]
    noise: Noise | None

    def counts(self, each: Plan, made: SamplePlan, places: tuple[int, ...]) -> Noisy:
        """Return the noisy counts of some columns' codes, in the order of the catalogue."""
        content, facts = answer(each, self.gates, noise=self.noise)
        rows = list(csv.reader(io.StringIO(content.decode())))[1:]
        shape = tuple(made.codings[place].size for place in places)
        if len(rows) != np.prod(shape):
            raise AnswerError
        counts = np.array([float(row[-1]) for row in rows]).reshape(shape)
        return Noisy(counts=counts, deviation=facts.columns[-1].deviation)
