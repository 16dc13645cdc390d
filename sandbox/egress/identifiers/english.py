"""Finds names of people in English prose: by the words beside them, and by a model where two capitalised words stand together.

Words that announce nothing but a name are enough by themselves. What the model alone takes for one goes to a
person, and not even there where methods, products and places are called so.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from sandbox.egress.identifiers.english_tagger import Entity, english_tagger
from sandbox.egress.identifiers.english_words import (
    DEEDS,
    EPONYMS,
    KIN,
    ORDINARY,
    PARTICLES,
    ROLES,
    TITLES,
    WHOSE,
)
from sandbox.egress.identifiers.prefilter import places
from sandbox.egress.identifiers.worldwide import LETTER, UPPER, WORLDWIDE

LONGEST = 1000
"""Characters of a sentence that are read at once."""
_WORD = rf"(?:[ODL]['’])?[{UPPER}][{LETTER}]+(?:-[{UPPER}][{LETTER}]+)?"
_RUN = re.compile(
    rf"(?<![{LETTER}0-9@._/-]){_WORD}(?: (?:(?:{PARTICLES}) ){{0,2}}(?:{_WORD}|[{UPPER}](?![{LETTER}])\.?)){{0,4}}"
    rf"(?![{LETTER}0-9@_/]|\.[{LETTER}])"
)
_TWO = rf"[{UPPER}][{LETTER}]+[.,]? (?:[a-z]{{1,3}} ){{0,2}}(?:[{UPPER}]\.? ?)?(?:[ODL]['’])?[{UPPER}][{LETTER}]"
"""Two capitalised words with an initial or a particle between at most, in RE2's words."""
_CUED = (
    rf"(?i:(?:^|[^a-z])(?:{ROLES}|{TITLES}|{DEEDS}|sur|nick)?names?(?:$|[^a-z])|(?:^|[^a-z])(?:{ROLES}|{TITLES}|{DEEDS}|person|said|says|dear|hi|hello"
    rf"|regards|sincerely|faithfully|yours|cheers|thanks|attn|c/o|signed|with|heard|under|he|she|him|his|her|me|i'm|i am|this is)(?:$|[^a-z])"
    rf"|['’]s (?:{KIN})(?:$|[^a-z]))"
)
"""Words that a single name may stand beside, in RE2's words."""
_HAN = r"(?:姓名|联系人|户主|法定?代表人|申请人|借款人|患者|同事|负责人|经办人|名叫|叫做|收件人)[\s:：是为]{0,3}"
_NAMELY = re.compile(
    rf"(?:(?i:(?<![a-z])(?:{WHOSE}) (?:last |first |full )?(?:sur|nick)?name)(?i: is| was|: is)?[?:=\s-]+"
    rf"|(?i:(?<![a-z])call(?:s|ed)? me )"
    rf"|(?<![{LETTER}]){TITLES}\.? |^[\s>*-]*(?i:dear) |(?i:(?<![a-z])(?:attn|c/o|signed)[.:]{{1,2}} ?)|{_HAN})$"
)
_NAMING = rf"(?i:name|call|attn|c/o|attention|signed|dear)|{TITLES}|{_HAN}"
"""Words that stand in whatever `_NAMELY` matches in, in RE2's words."""
_TOLD = re.compile(
    rf"(?:^[\s>*-]*(?i:hi|hello) |(?<![A-Za-z])(?:{ROLES}) |(?i:(?<![a-z])(?:{ROLES})):\s*"
    r"|(?i:(?<![a-z])(?:named (?:him|her)|follow up with|sp(?:oke|eak|oken) (?:to|with)|met with|have you heard|i am|i'm|i’m|this is"
    r"|(?:sung|directed|signed|prepared|reviewed|approved) by|between h(?:im|er) and|leave me|(?:it's|name) under|to add|said|says|asked|replied))[:\s]+"
    r"|(?i:(?:^|[\s>*|])names?)[:=\s]+)$"
)
_TELLS = re.compile(
    rf"['’]s? (?:[a-z]+ ){{0,2}}(?:{KIN})(?![a-z])|,? (?:{DEEDS})(?![a-z])| is (?:an? )?(?:[a-z]+ ){{0,3}}(?:person|man|woman|boy|girl|patient|listener)(?![a-z])|, (?:aged )?[1-9][0-9]?(?:,| years)|(?:, the [A-Za-z/ ]{{2,40}},)? (?:said|says)(?![a-z])|: ?[\"“]|(?:先生|女士|小姐|同志|老师|医生)"
)
_PRONOUN = re.compile(r"(?<![A-Za-z/])(?i:he|she|him|his|her|hers|himself|herself)(?![A-Za-z/])")
_METHOD = re.compile(
    r"(?:['’]s?)?[- ](?i:distribut|test|regress|model|estimat|coefficient|index|indices|curve|matri|score|criteri|algorithm|method|process|chain|plot|loss|kernel|prior"
    r"|posterior|sampl|transform|correct|statistic|theorem|distance|divergence|entropy|value|filter|correlation|residual|interval|bound|inequalit|procedure|ratio|noise|mechanism"
    r"|mixture|forest|alpha|kappa|rho|tau|street|st\b|road|bridge|county|city|university|airport|hospital|corp|company|bank|data|survey|stud|approach|smooth"
    r"|decomposition|encod|net|layer|optimi|rule|paradox|law|effect|design|square|weight|embedding|search|tree)"
)
_CLOSED = re.compile(
    r"(?i:regards|sincerely|faithfully|truly|cheers|thanks|best wishes|yours)[,.]?\s*$"
)
_SENTENCE = re.compile(
    rf".{{1,{LONGEST}}}?(?:[a-z0-9)”\"]\.(?= +[“\"{UPPER}])|[。！？；!?;](?=[^\"”]|$)|$)|.{{{LONGEST}}}"
)
_PROSE = re.compile(
    rf"(?<![{LETTER}])[a-z][a-z]+ [{LETTER}]|[{LETTER}] [a-z]{{2,}}(?![a-z])|[一-龥]"
)
_PLACES = {"", "GPE", "LOC", "NORP", "FAC", "DATE", "CARDINAL", "TIME", "LANGUAGE"}
_NUMBERED = re.compile(r"[0-9][ ,]$")
_FRAME = "I met {} yesterday."
"""What a cell is read in: alone, the model has nothing to go by."""
_SECOND = re.compile(
    r"[A-Za-z0-9._%+-]@[A-Za-z0-9]|\+[0-9][0-9 ()-]{6,}|\([0-9]{2,5}\) ?[0-9]{3}|(?<![0-9])[0-9]{3}[-.][0-9]{3}[-.][0-9]{4}(?![0-9])"
    r"|(?<![0-9-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9])"
)
"""A second identifier: a mail address, a phone or a social security number."""
[_ADDRESS] = (kind.compiled for kind in WORLDWIDE if kind.entity == "ADDRESS")
_WINDOW = 200
"""Characters before a name, and of the lines about it, that are looked at: a line may be a whole file."""
_PHRASE = 48
"""Characters of the longest words that announce a name."""
_LETTERHEAD = 12
"""Lines below a name of which one holds an address, a phone number or the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Capitalised words that may be a name, in a sentence."""

    sentence: str
    words: tuple[str, ...]
    start: int
    end: int
    """Where it begins and ends in the sentence."""
    before: str
    after: str
    """Some words that stand before and after it in the line."""
    is_alone: bool
    """Whether the line holds nothing else."""

    def follows(self, words: re.Pattern[str]) -> bool:
        """Whether it stands right behind some words."""
        return words.search(self.before, max(0, len(self.before) - _PHRASE)) is not None


def share_of_names(texts: Sequence[str]) -> float:
    """Return the share of texts that the model takes for names of people, and that are no methods or places."""
    possible = [text for text in texts if not _is_nobody(text.split())]
    read = english_tagger().entities(_FRAME.format(text) for text in possible)
    return sum(any(each.label == "PERSON" for each in some) for some in read) / len(texts)


def english_in(lines: Sequence[str], *, most: int) -> Iterator[tuple[int, bool]]:
    """Yield (line, whether words beside it say so) for every English name in prose, lines counted from 0.

    The model reads each sentence once, `most` characters in all: the first line beyond counts as one with a name.
    """
    asked = pa.array(lines, pa.large_string())
    naming = set(places(asked, _NAMING))
    unread = _Unread(most)
    for line in places(asked, f"{_TWO}|{_CUED}|{_NAMING}"):
        if unread.beyond is not None and line not in naming:
            continue
        for run in _runs(lines[line]):
            if (line in naming and run.follows(_NAMELY)) or _is_signed(lines, line, run):
                yield line, True
            elif unread.beyond is None:
                unread.add(line, run)
    yield from _read(unread, lines)
    if unread.beyond is not None:
        yield unread.beyond, False


def _read(unread: "_Unread", lines: Sequence[str]) -> Iterator[tuple[int, bool]]:
    """Let the model read; what stands below counts only for a line that holds nothing but a name."""
    for run, where, entities in unread.read():
        alike = [where] if not run.is_alone else [[line] for line in where]
        for some in alike:
            below = [text[:_WINDOW] for text in lines[some[0] + 1 : some[0] + 1 + _LETTERHEAD]]
            for sure in _judged(run, entities, below):
                yield from ((line, sure) for line in some)


@dataclass(slots=True)
class _Unread:
    """What the model is asked about, until it has read enough."""

    left: int
    """Characters."""
    sentences: dict[str, None] = field(default_factory=dict)
    runs: dict[_Run, list[int]] = field(default_factory=dict)
    """Each with the lines that it stands in."""
    beyond: int | None = None
    """The first line that it does not read."""

    def add(self, line: int, run: _Run) -> None:
        """Note a run of a line if it may be a name, or that there is no room for its sentence."""
        if run in self.runs:
            self.runs[run].append(line)
            return
        if not _is_possible(run):
            return
        if run.sentence not in self.sentences:
            self.left -= len(run.sentence)
        if self.left < 0:
            self.beyond = line
            return
        self.sentences[run.sentence] = None
        self.runs[run] = [line]

    def read(self) -> Iterator[tuple[_Run, list[int], tuple[Entity, ...]]]:
        """Yield each run with its lines and the entities of its sentence; nothing is loaded where there is none."""
        found = english_tagger().entities(self.sentences) if self.sentences else ()
        named = dict(zip(self.sentences, found, strict=True))
        yield from ((run, where, named[run.sentence]) for run, where in self.runs.items())


def _runs(line: str) -> Iterator[_Run]:
    for found in _SENTENCE.finditer(line):
        for match in _RUN.finditer(found[0]):
            words = match[0].split(" ")
            lead = next((n for n, w in enumerate(words) if not _is_ordinary(w)), len(words))
            start = match.start() + sum(len(word) + 1 for word in words[:lead])
            while words and _is_ordinary(words[-1]):
                words.pop()
            if words[lead:]:
                yield _run(line, found, start, tuple(words[lead:]))


def _run(line: str, sentence: re.Match[str], start: int, words: tuple[str, ...]) -> _Run:
    name = " ".join(words)
    at = sentence.start() + start
    end = at + len(name)
    return _Run(
        sentence=sentence[0],
        words=words,
        start=start,
        end=start + len(name),
        before=line[max(0, at - _WINDOW) : at],
        after=line[end : end + _WINDOW],
        is_alone=len(line) < _WINDOW and line.strip(" >*?}") == name,
    )


def _is_ordinary(word: str) -> bool:
    return word.lower().strip(".") in ORDINARY


def _is_signed(lines: Sequence[str], line: int, run: _Run) -> bool:
    """Whether the name is all of a line below the closing words of a letter."""
    if not run.is_alone:
        return False
    above = next((text for text in reversed(lines[max(0, line - 2) : line]) if text.strip()), "")
    return _CLOSED.search(above[-_WINDOW:]) is not None


def _is_possible(run: _Run) -> bool:
    """Whether a run is a name where the model says so: not all in capitals, no method and no part of an address."""
    told = _is_told(run)
    shouted = any(word.isupper() and len(word.strip(".")) > 1 for word in run.words)
    return (
        (told or (any(word[1:].islower() for word in run.words) and not shouted))
        and not _is_nobody(run.words, told=told)
        and not _METHOD.match(run.after)
        and not _NUMBERED.search(run.before)
        and not re.match(r" [0-9]", run.after)
    )


def _is_nobody(words: Sequence[str], *, told: bool = False) -> bool:
    """Whether methods, places and things are called so; one who gave a method his name may be met too."""
    parts = [part for word in words for part in word.split("-") if len(part.strip(".")) > 1]
    return not parts or any(map(_is_ordinary, parts)) or (not told and parts[0].lower() in EPONYMS)


def _is_told(run: _Run) -> bool:
    return run.follows(_TOLD) or _TELLS.match(run.after) is not None


def _judged(run: _Run, entities: Sequence[Entity], below: Sequence[str]) -> Iterator[bool]:
    """Yield for a run that is a name whether the words beside it say so."""
    label = next((e.label for e in entities if e.start < run.end and run.start < e.end), "")
    told, second = _is_told(run), _SECOND.search(run.sentence) is not None
    spoken = label not in _PLACES and _PRONOUN.search(run.before + run.after) is not None
    if run.is_alone and len(run.words) > 1:
        if any(_SECOND.search(text) or _ADDRESS.search(text) for text in below):
            yield label == "PERSON"
    elif len(run.words) > 1 and label == "PERSON":
        if told or second or _PROSE.search(run.before + run.after):
            yield told or second
    elif (told and (label != "NORP" or len(run.words) > 1)) or spoken:
        yield False
