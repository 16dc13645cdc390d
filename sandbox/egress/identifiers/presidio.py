"""Presidio with our kinds and those of its own that need neither a model nor the network.

Its e-mail and URL recognisers are left out (they fetch a list of domains), and so is its phone
recogniser (slow, and most of what it finds in tables are amounts).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer, RecognizerRegistry
from presidio_analyzer.nlp_engine import NoOpNlpEngine
from presidio_analyzer.predefined_recognizers import (
    CryptoRecognizer,
    IbanRecognizer,
    IpRecognizer,
    MacAddressRecognizer,
    UsSsnRecognizer,
)

from sandbox.egress.identifiers.kinds import KINDS, Kind
from sandbox.egress.identifiers.plain import plain
from sandbox.egress.identifiers.scan import Hit
from sandbox.reason import Said

LANGUAGE = "en"
_THRESHOLD = 0.4
"""Below this, presidio only guesses."""
_PIECE = 2000
"""Characters that are analysed at once: presidio skips a pattern that takes too long."""
_OVERLAP = 80
_BORDER = re.compile(r"(?<=[^\x00-\x7f])(?=[\x00-\x7f])|(?<=[\x00-\x7f])(?=[^\x00-\x7f])")
_SUSPECT = re.compile(
    r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
    r"|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:"
    r"|[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\."
    r"|[A-Z]{2} ?[0-9]{2} ?[A-Z0-9]{4}"
    r"|[0-9]{3}[ -][0-9]{2}[ -][0-9]{4}"
    r"|[13][a-km-zA-HJ-NP-Z1-9]{25}|bc1",
    re.IGNORECASE,
)

OWN: tuple[Kind, ...] = (
    Kind(
        entity="IBAN_CODE",
        title=Said(zh="国际银行账号", en="international bank account number"),
        pattern="",
    ),
    Kind(
        entity="US_SSN",
        title=Said(zh="美国社会保障号", en="US social security number"),
        pattern="",
    ),
    Kind(
        entity="IP_ADDRESS",
        title=Said(zh="网络地址", en="IP address"),
        pattern="",
        personal=False,
    ),
    Kind(
        entity="MAC_ADDRESS",
        title=Said(zh="网卡地址", en="MAC address"),
        pattern="",
        personal=False,
    ),
    Kind(
        entity="CRYPTO",
        title=Said(zh="加密货币地址", en="wallet address"),
        pattern="",
        personal=False,
    ),
)
"""What presidio itself recognises; the patterns are its own."""


class KindRecognizer(PatternRecognizer):  # type: ignore[misc]  # presidio has no types
    """One of our kinds as presidio takes it."""

    def __init__(self, kind: Kind) -> None:
        """Recognise `kind`; presidio has no context without a language model, so it has none."""
        self._kind = kind
        patterns = [Pattern(name=kind.entity, regex=kind.pattern, score=1.0)]
        super().__init__(
            supported_entity=kind.entity,
            patterns=patterns,
            supported_language=LANGUAGE,
            global_regex_flags=re.NOFLAG | re.MULTILINE,
        )

    def invalidate_result(self, pattern_text: str) -> bool:
        """Throw a match away whose check fails."""
        return not self._kind.is_valid(re.sub(r"[ .-]", "", pattern_text))


@dataclass(frozen=True, slots=True)
class Presidio:
    """A ready analyser; make one and keep it, it takes a moment."""

    engine: AnalyzerEngine

    @classmethod
    def ready(cls) -> "Presidio":
        """Set presidio up without any model."""
        registry = RecognizerRegistry(supported_languages=[LANGUAGE])
        for recognizer in (IbanRecognizer, UsSsnRecognizer, IpRecognizer, MacAddressRecognizer):
            registry.add_recognizer(recognizer(supported_language=LANGUAGE))
        registry.add_recognizer(CryptoRecognizer(supported_language=LANGUAGE))
        for kind in KINDS:
            registry.add_recognizer(KindRecognizer(kind))
        nlp = NoOpNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": "none"}])
        engine = AnalyzerEngine(
            registry=registry,
            nlp_engine=nlp,
            supported_languages=[LANGUAGE],
            default_score_threshold=_THRESHOLD,
        )
        return cls(engine)

    def analyse(self, text: str, kinds: tuple[Kind, ...]) -> Iterator[Kind]:
        """Yield each of `kinds` once for every place in `text` where presidio recognises it."""
        known = {kind.entity: kind for kind in kinds}
        spaced = _BORDER.sub(" ", plain(text))  # a word boundary lies nowhere in a Han sentence
        for result in self.engine.analyze(spaced, language=LANGUAGE, entities=list(known)):
            yield known[result.entity_type]

    def scan(self, text: str) -> Iterator[Hit]:
        """Find what presidio itself knows, on the lines that may hold any of it."""
        for number, line in enumerate(text.split("\n"), start=1):
            for start in range(0, len(line), _PIECE):
                piece = line[max(0, start - _OVERLAP) : start + _PIECE]
                if _SUSPECT.search(piece):
                    yield from (Hit(kind, number) for kind in set(self.analyse(piece, OWN)))
