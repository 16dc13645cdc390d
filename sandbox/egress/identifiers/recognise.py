"""Recognises identifiers in many texts: one cheap pass over all, then patterns and checks on few."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from sandbox.egress.identifiers.kinds import BARE, DISGUISED, KINDS, Kind
from sandbox.egress.identifiers.plain import plain
from sandbox.egress.identifiers.prefilter import cue, one_of, places, widened
from sandbox.egress.identifiers.readings import DISGUISES, NEEDS_PLAIN, readings

_WIDENED = {kind.entity: widened(kind.pattern) for kind in KINDS}
_CONTEXTUAL = tuple(kind for kind in KINDS if kind.context)
_CUE = {kind.entity: cue(kind.context) for kind in _CONTEXTUAL}
_CUES = one_of(_CUE[kind.entity] for kind in _CONTEXTUAL)
_STREETS = _WIDENED["ADDRESS"]
"""Has a pass of its own: with the others it would make one automaton that is several times as slow on English text."""
_STRICT = one_of(_WIDENED[kind.entity] for kind in BARE if kind.entity != "ADDRESS")
_NOTHING: Mapping[str, np.ndarray] = MappingProxyType({})
_FEW = 64
"""So few texts are not worth a pass for each kind."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A text that holds an identifier of one kind."""

    place: int
    """Of the text among those that were scanned, from 0."""
    kind: Kind
    how: str = ""
    """In which other reading it was found; empty where it stands there plainly."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """What one pass over many texts found."""

    seen: tuple[Seen, ...]
    shaped: Mapping[str, AbstractSet[int]]
    """The places of the texts that have the shape of a kind in any reading, whether or not a check digit is right."""


def recognise(
    texts: pa.Array, *, announced: Mapping[str, np.ndarray] = _NOTHING, disguised: bool = True
) -> Shapes:
    """Return every kind in every text, once for each text.

    `texts` are large strings. `announced` says for a kind of which texts the header of their column
    announces it. With `disguised` the texts that look like it are read in other ways too.
    """
    shapes = one_of([_STRICT, *(_WIDENED[entity] for entity in announced)])
    suspects = {*places(texts, shapes), *places(texts, _STREETS), *_told(texts)}
    odd = sorted({*places(texts, NEEDS_PLAIN)} - suspects)
    words = pa.array([plain(text) for text in _at(texts, odd)], pa.large_string())
    shaped = (*places(words, shapes), *places(words, _STREETS), *_told(words))
    suspects.update(odd[place] for place in shaped)
    gathered = _Gathered(announced)
    gathered.add(_Readings.of(texts, sorted(suspects)), kinds=KINDS)
    if disguised:
        gathered.add(_Readings.hidden(texts), kinds=DISGUISED)
    return Shapes(tuple(gathered.seen.values()), gathered.shaped)


def announced_kinds(header: str) -> tuple[str, ...]:
    """Return the kinds whose words stand in a header."""
    return tuple(kind.entity for kind in _CONTEXTUAL if kind.is_announced(header))


def announced_by(lines: Sequence[str]) -> AbstractSet[int]:
    """Return the places of the lines that hold words of any context."""
    return set(places(pa.array(lines, pa.large_string()), _CUES))


def _at(texts: pa.Array, where: Sequence[int]) -> list[str]:
    found: list[str] = texts.take(pa.array(where, pa.int64())).to_pylist()
    return found


def _told(texts: pa.Array) -> list[int]:
    """Return the places of texts that hold the words of a context and some digits."""
    cued = places(texts, _CUES)
    some = texts.take(pa.array(cued, pa.int64()))
    return [cued[place] for place in places(some, "[0-9〇零一二三四五六七八九十０-９]")]


@dataclass(frozen=True, slots=True)
class _Readings:
    """Readings of texts: the words, the place of the text, and how it was read."""

    words: list[str]
    where: list[int]
    hows: list[str]

    @classmethod
    def of(cls, texts: pa.Array, where: list[int]) -> "_Readings":
        """Read the texts at `where` plainly."""
        return cls(list(map(plain, _at(texts, where))), where, [""] * len(where))

    @classmethod
    def hidden(cls, texts: pa.Array) -> "_Readings":
        """Read the texts that look disguised in every other way."""
        suspects = sorted({place for pattern in DISGUISES for place in places(texts, pattern)})
        found = cls([], [], [])
        for place, text in zip(suspects, _at(texts, suspects), strict=True):
            for how, what in readings(text):
                found.words.append(what)
                found.where.append(place)
                found.hows.append(how)
        return found


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What was found so far: each kind once for each text, in the plainest reading."""

    announced: Mapping[str, np.ndarray]
    seen: dict[tuple[int, str], Seen] = field(default_factory=dict)
    shaped: dict[str, set[int]] = field(default_factory=dict)

    def add(self, read: _Readings, *, kinds: Iterable[Kind]) -> None:
        """Hold readings against the patterns and checks themselves."""
        asked = pa.array(read.words, pa.large_string())
        where = np.array(read.where, np.int64)
        cued = np.array(places(asked, _CUES), np.int64)
        told = asked.take(pa.array(cued))
        for kind in kinds:
            mask = self.announced.get(kind.entity)
            announced = np.zeros(len(where), bool) if mask is None else mask[where]
            possible = announced | (not kind.context)
            if kind.context:
                possible[cued[places(told, _CUE[kind.entity])]] = True
            if possible.any():
                some = [place for place in _shaped(kind, asked) if possible[place]]
                self._add(kind, read, some, announced=announced)

    def _add(
        self, kind: Kind, read: _Readings, some: Sequence[int], *, announced: np.ndarray
    ) -> None:
        shaped = self.shaped.setdefault(kind.entity, set())
        for place in some:
            where, told = read.where[place], bool(announced[place])
            for match in kind.compiled.finditer(read.words[place]):
                shaped.add(where)
                if kind.accepts(match, announced=told):
                    self.seen.setdefault((where, kind.entity), Seen(where, kind, read.hows[place]))
                    break


def _shaped(kind: Kind, asked: pa.Array) -> Sequence[int]:
    """Return the places of texts that may have the shape of a kind."""
    return range(len(asked)) if len(asked) < _FEW else places(asked, _WIDENED[kind.entity])
