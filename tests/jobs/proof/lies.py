"""Lies about a release: words in which one thing is not as it was, though all of the right type."""

import random
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from enum import Enum
from fractions import Fraction
from typing import Any

from jobs.grant import SignedGrant
from jobs.proof.statement import CertificateFacts, Check, Input, LogProof, PrivacyCost
from sandbox.asset import ImageDigest
from sandbox.order import Generalise, OutputTerms, ViewTerms
from tests.jobs.proof.office import Office

_COST = PrivacyCost(events="[]", rho=1, scopes=("asset:LOANS",), epsilon="1/2", delta="0")
_OF_NOTHING: dict[tuple[type, str], object] = {
    (CertificateFacts, "image"): ImageDigest("sha256:" + "0" * 64),
    (CertificateFacts, "code"): "sha256:" + "0" * 64,
    (CertificateFacts, "privacy"): _COST,
    (Check, "card"): "{}",
    (Input, "evidence"): "sha256:" + "0" * 64,
    (OutputTerms, "asset"): "LOANS",
    (OutputTerms, "epsilon"): Fraction(1, 2),
    (ViewTerms, "generalise"): Generalise(quasi=("state",), k=5),
}
"""What may stand where nothing did."""


@dataclass(frozen=True, slots=True)
class Liar:
    """Tells lies that its dice choose."""

    dice: random.Random
    office: Office

    def lie(self, facts: CertificateFacts) -> CertificateFacts:
        """Return the facts with a lie in one field; one about the grant is signed by its key or not."""
        told: CertificateFacts = self._field(facts)
        if told.grant != facts.grant and told.grant.grant != facts.grant.grant:
            signed = self.office.signed(told.grant.grant)
            return replace(told, grant=self.dice.choice([told.grant, signed, signed]))
        return told

    def lie_about_approvals(self, facts: CertificateFacts) -> CertificateFacts:
        """Return the facts with a lie about who approved the scenario, under the grant's key."""
        grant = facts.grant.grant
        told = replace(grant, approvals=self._list(grant.approvals))
        return replace(facts, grant=self.office.signed(told))

    def bent(self, proof: LogProof) -> LogProof:
        """Return a proof with a lie in one field."""
        told: LogProof = self._field(proof)
        return told

    def swap(self, facts: CertificateFacts) -> CertificateFacts:
        """Return the facts with two texts, of the facts or of a file of theirs, in each other's place."""
        whole: CertificateFacts = self._swapped(facts)
        file = self._swapped(facts.files[0])
        return self.dice.choice([whole, replace(facts, files=(file, *facts.files[1:]))])

    def _swapped(self, word: Any) -> Any:  # noqa: ANN401 - any word at all
        texts = [part.name for part in fields(word) if type(getattr(word, part.name)) is str]
        one, other = self.dice.sample(texts, 2)
        return replace(word, **{one: getattr(word, other), other: getattr(word, one)})

    def _about(self, word: Any) -> Any:  # noqa: ANN401, PLR0911 - one answer for each type
        match word:
            case Enum():
                return self.dice.choice([each for each in type(word) if each is not word])
            case int() | Fraction():
                return self.dice.choice([word + 1, word - 1, word * 2, word * 0])
            case float():
                return word + 1.0
            case datetime() | date():
                return word + timedelta(days=1)
            case bytes():
                return bytes([word[0] ^ 1]) + word[1:]
            case str():
                return self._text(word)
            case tuple():
                return self._list(word)
            case _:
                return self._field(word)

    def _text(self, word: str) -> str:
        at = self.dice.randrange(len(word) + 1)
        return self.dice.choice(["", word + "1", word[:at] + "x" + word[at + 1 :], word.upper()])

    def _list(self, word: tuple[Any, ...]) -> tuple[Any, ...]:
        if not word:
            return word
        at = self.dice.randrange(len(word))
        changed = (*word[:at], self._about(word[at]), *word[at + 1 :])
        without = (*word[:at], *word[at + 1 :])
        return self.dice.choice([changed, changed, changed, without, (*word, word[at]), word[::-1]])

    def _field(self, word: Any) -> Any:  # noqa: ANN401 - any word at all
        name = self.dice.choice([part.name for part in fields(word)])
        was = getattr(word, name)
        kind = (type(word), name)
        if was is None:
            now = _OF_NOTHING[kind]
        elif kind in _OF_NOTHING and self.dice.random() < 1 / 2:
            now = None
        else:
            now = was[::-1] if kind == (SignedGrant, "signature") else self._about(was)
        return replace(word, **{name: now})
