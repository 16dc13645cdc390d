"""Presidio with our kinds: what it makes of flagged values, for people; and the slow way, for tests.

Nothing waits for it but an explanation: the kinds find alone whatever presidio finds with them.
Importing it takes seconds and is left until a value has been flagged.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sandbox.egress.identifiers.kinds import BARE, Kind
from sandbox.egress.identifiers.plain import plain

LANGUAGE = "en"
_OURS = "SHUYU_"
_THRESHOLD = 0.4
"""Below this, presidio only guesses."""
MOST = 200
"""Values of one kind that are explained."""
_BORDER = re.compile(r"(?<=[^\x00-\x7f])(?=[\x00-\x7f])|(?<=[\x00-\x7f])(?=[^\x00-\x7f])")
_OWN = (
    "CreditCardRecognizer",
    "CryptoRecognizer",
    "IbanRecognizer",
    "IpRecognizer",
    "MacAddressRecognizer",
    "UsItinRecognizer",
    "UsSsnRecognizer",
)
"""Those of presidio's own that need neither a model nor the network, and seldom take an amount for a number."""


@dataclass(frozen=True, slots=True)
class Explained:
    """What presidio says of the flagged values of one kind: figures and names of recognisers, never a value."""

    values: int
    """How many distinct values it was asked about."""
    agreed: int
    """How many of them it recognises by a recogniser of its own."""
    score: float
    """The highest score that those give, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Presidio:
    """A ready analyser; a process keeps one, for it takes a moment."""

    engine: Any

    @staticmethod
    @cache
    def ready() -> "Presidio":
        """Set presidio up with our kinds and its own, without any model."""
        from presidio_analyzer import (  # noqa: PLC0415 - takes seconds, and most outputs hold nothing
            AnalyzerEngine,
            Pattern,
            PatternRecognizer,
            RecognizerRegistry,
            predefined_recognizers,
        )
        from presidio_analyzer.nlp_engine import NoOpNlpEngine  # noqa: PLC0415 - as above

        class KindRecognizer(PatternRecognizer):  # type: ignore[misc]  # presidio has no types
            """One of our kinds as presidio takes it; it has no context without a language model."""

            def __init__(self, kind: Kind) -> None:
                self._kind = kind
                pattern = Pattern(name=kind.entity, regex=kind.pattern, score=1.0)
                super().__init__(
                    supported_entity=_OURS + kind.entity,  # else ours would hide presidio's own
                    patterns=[pattern],
                    supported_language=LANGUAGE,
                    global_regex_flags=re.NOFLAG | re.MULTILINE,
                )

            def invalidate_result(self, pattern_text: str) -> bool:
                """Throw a match away whose check fails."""
                return not self._kind.holds(pattern_text)

        registry = RecognizerRegistry(supported_languages=[LANGUAGE])
        for name in _OWN:
            registry.add_recognizer(
                getattr(predefined_recognizers, name)(supported_language=LANGUAGE)
            )
        for kind in BARE:
            registry.add_recognizer(KindRecognizer(kind))
        nlp = NoOpNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": "none"}])
        return Presidio(
            AnalyzerEngine(
                registry=registry,
                nlp_engine=nlp,
                supported_languages=[LANGUAGE],
                default_score_threshold=_THRESHOLD,
            )
        )

    def analyse(self, text: str, kinds: Iterable[Kind]) -> Iterator[Kind]:
        """Yield each of `kinds` once for every place in `text` where our recogniser finds it: the slow way."""
        known = {_OURS + kind.entity: kind for kind in kinds}
        for result in self.engine.analyze(plain(text), language=LANGUAGE, entities=list(known)):
            yield known[result.entity_type]

    def explain(self, values: Mapping[Kind, Iterable[str]]) -> Mapping[str, Explained]:
        """Ask what presidio makes of the flagged texts of each kind."""
        return {kind.entity: self._explained(set(texts)) for kind, texts in values.items()}

    def _explained(self, texts: set[str]) -> Explained:
        some = sorted(texts)[:MOST]
        scores = [self._own_score(text) for text in some]
        return Explained(
            values=len(some),
            agreed=sum(score > 0 for score in scores),
            score=max(scores, default=0.0),
        )

    def _own_score(self, text: str) -> float:
        """Return the highest score of presidio's own recognisers, 0 where none says anything."""
        spaced = _BORDER.sub(
            " ", plain(text)
        )  # for presidio's own a word ends nowhere in a Han sentence
        found = self.engine.analyze(spaced, language=LANGUAGE)
        own = (result.score for result in found if not result.entity_type.startswith(_OURS))
        return max(own, default=0.0)
