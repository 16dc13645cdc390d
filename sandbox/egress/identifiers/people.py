"""Finds names of people in columns and in prose, and columns of keys that tell units apart.

The models are asked last: the Chinese one only about texts with a surname where a name may begin, the English
one (`english.py`) only where capitalised words stand together or beside words that may announce a name.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.egress.identifiers.english import english_in, share_of_names
from sandbox.egress.identifiers.kind import DOCUMENT, PERSON, Kind
from sandbox.egress.identifiers.surnames import EPONYMS, NAMES
from sandbox.egress.identifiers.tagger import MAX_LENGTH, Word, tagger
from sandbox.reason import Said

NAME = Kind(
    entity="PERSON", title=Said(zh="人名", en="names of people"), family=PERSON, pattern="(?!)"
)
KEY = Kind(
    entity="UNIQUE_KEY",
    title=Said(zh="逐行唯一的编码", en="a code of its own for each row"),
    family=DOCUMENT,
    pattern="(?!)",
)
_FEWEST = 5
"""A column of fewer distinct values is none of names or keys."""
MOST_READ = 200_000
"""Characters of prose that the model reads for one output: some five seconds of a processor."""
_SAMPLE = 64
_MOST = 0.6
_MOST_ENGLISH = 0.7
"""Of a column without a header; brands and films called after people stay below."""
_NEARLY_ALL = 0.95
_FEWEST_KEYS = 20
_NAMED = re.compile(
    r"姓名|名字|联系人|法定?代表人|户主|负责人|(?<![a-z])(?:full|first|last|customer|client|person|owner|patient|contact|borrower|employee)?[ _]?name(?![a-z])",
    re.IGNORECASE,
)
_CHINESE_NAME = re.compile(rf"{NAMES}[一-龥]{{1,2}}")
_FOREIGN_NAME = re.compile(r"[一-龥]{2,6}[·•][一-龥]{2,8}")
_ENGLISH_NAME = re.compile(r"[A-Z][a-z]+(?:[ -][A-Z]\.?)?(?:,? [A-Z][A-Za-z'’-]+){1,2}")
_KEY = re.compile(
    r"[0-9A-Fa-f]{16,128}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[A-Za-z0-9_-]{20,128}"
)
_KEY_HEADER = re.compile(
    r"(?<![a-z])(?:id|key|uuid|guid|pseudonym|token)(?![a-z])|编号|流水号|主键|化名|假名",
    re.IGNORECASE,
)
_KEYED = re.compile(r"[A-Za-z]{0,6}[-_]?[0-9]{5,18}|[A-Za-z0-9_-]{8,64}")
_GATE = (
    rf"(?:^|[^一-龥]|[是为由给和与及、向被对的在让找请叫说问见跟同人者方户名员生友事理师]){NAMES}[一-龥]"
    rf"|{NAMES}[一-龥]{{1,2}}(?:先生|女士|小姐|同志|老师|医生)"
)
"""Where a name may begin in prose, in RE2's words."""
_ANNOUNCED = re.compile(
    r"(?:姓名|联系人|客户|用户|户主|法定?代表人|申请人|借款人|负责人|经办人|患者|同事|名叫|叫做|叫|收件人|经理)[\s:：是为]{0,3}$"
)
_PLAINLY = re.compile(
    rf"(?:姓名|户名|户主|代表人|联系人|当事人|申请人|借款人|收件人|负责人|经办人|持照人|持卡人|患者|甲方|乙方)[\s:：为是]{{0,3}}"
    rf"{NAMES}[一-龥]{{1,2}}(?![一-龥])"
)
"""A name between words that can stand before nothing else, and what is no Chinese character."""
_ADDRESSED = re.compile(
    r"^(?:先生|女士|小姐|同志|老师|医生|经理|总|身份证|手机|电话|住|，?男|，?女)"
)
_METHOD = re.compile(
    r"^(?:分布|方法|检验|回归|系数|定理|模型|距离|过程|链|不等式|变换|核|指数|曲线|估计|公式|假设|准则|森林|网络|评分|得分|值|相关|混合|噪声|滤波|采样|先验|后验|优化)"
)
_SPAN = re.compile(r"[^。！？；\n!?;]+")


def holds_names(sample: Sequence[str], *, header: str = "") -> bool:
    """Whether most of the distinct texts of a column are names of people, and the header or the model says so."""
    texts = list(dict.fromkeys(text.strip() for text in sample if text.strip()))
    if len(texts) < _FEWEST:
        return False
    named = _NAMED.search(header) is not None
    if _share(texts, _ENGLISH_NAME) >= _MOST:
        return named or share_of_names(texts[:_SAMPLE]) >= _MOST_ENGLISH
    if _share(texts, _CHINESE_NAME) + _share(texts, _FOREIGN_NAME) < _MOST:
        return False
    return named or _model_agrees(texts[:_SAMPLE])


def _share(texts: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.fullmatch(text) is not None for text in texts) / len(texts)


def _model_agrees(texts: Sequence[str]) -> bool:
    tagged = tagger().words(texts)
    return sum(any(word.tag == "PER" for word in words) for words in tagged) >= _MOST * len(texts)


def holds_keys(texts: pa.Array, *, of: int, sample: Sequence[str], header: str = "") -> bool:
    """Whether nearly every one of `of` rows has a text of its own that looks like a key: random, or so called."""
    if of < _FEWEST_KEYS or len(texts) < _NEARLY_ALL * of:
        return False
    pattern = _KEYED if _KEY_HEADER.search(header) else _KEY
    keys = [text for text in sample if pattern.fullmatch(text) and _is_mixed(text)]
    return (
        len(keys) >= _NEARLY_ALL * len(sample)
        and pc.count_distinct(texts).as_py() >= _NEARLY_ALL * of
    )


def _is_mixed(text: str) -> bool:
    return sum(character.isdigit() for character in text) >= 4  # noqa: PLR2004 - words have none, names of versions fewer


def people_in(lines: Sequence[str], *, most: int = MOST_READ) -> Iterator[tuple[int, bool]]:
    """Yield (line, whether words beside it say so) for every name in prose, lines counted from 0.

    The model reads each sentence once, `most` characters in all: the first line beyond counts as one with a name.
    """
    asked = pa.array(lines, pa.large_string())
    yield from ((place, True) for place, line in enumerate(lines) if _PLAINLY.search(line))
    held = pc.indices_nonzero(pc.match_substring_regex(asked, _GATE)).to_pylist()
    spans = [(line, span) for line in held for span in _spans(lines[line])]
    different = dict.fromkeys(span for _, span in spans)
    read = list(_first(different, most))
    names = dict(zip(read, map(_names, tagger().words(read) if read else []), strict=True))
    yield from ((line, sure) for line, span in spans for sure in names.get(span, ()))
    if len(read) < len(different):
        yield next(line for line, span in spans if span not in names), False
    yield from english_in(lines, most=most)


def _first(spans: Iterable[str], left: int) -> Iterator[str]:
    for span in spans:
        left -= len(span)
        if left < 0:
            return
        yield span


def _spans(line: str) -> Iterator[str]:
    """Cut a line into sentences, and long ones into pieces that the model reads at once."""
    for sentence in _SPAN.findall(line):
        if re.search(NAMES, sentence):
            yield from (
                sentence[at : at + MAX_LENGTH] for at in range(0, len(sentence), MAX_LENGTH - 20)
            )


def _names(words: Sequence[Word]) -> tuple[bool, ...]:
    """Return, for each name among words, whether those beside it say that it is one."""
    found: list[bool] = []
    for place, word in enumerate(words):
        if word.tag != "PER" or not _is_name(word.text):
            continue
        before = "".join(each.text for each in words[:place])
        after = "".join(each.text for each in words[place + 1 :])
        if not _METHOD.match(after.lstrip("的- ")):
            found.append(bool(_ANNOUNCED.search(before) or _ADDRESSED.match(after)))
    return tuple(found)


def _is_name(text: str) -> bool:
    return (
        text not in EPONYMS
        and (_CHINESE_NAME.fullmatch(text) or _FOREIGN_NAME.fullmatch(text)) is not None
    )
