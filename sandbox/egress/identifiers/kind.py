"""What one kind of identifier is: a pattern, its check, and the words that must stand before it.

Patterns end in look-arounds over ASCII classes, never in a word boundary: a Han character counts
as part of a word, so that a boundary misses every identifier inside a Chinese sentence.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.egress.identifiers import check_digits
from sandbox.reason import Said

ALONE = r"(?<![0-9A-Za-z])"
NOTHING_AFTER = r"(?![0-9A-Za-z])"
NO_DIGIT_BEFORE = r"(?<![0-9A-Fa-f])(?<![0-9]\.)"
NO_DIGIT_AFTER = r"(?!\.?[0-9])(?![A-Fa-f])"
WINDOW = 32
"""Characters before a match in which its context is looked for."""
_JOINED = str.maketrans("", "", " -.·•()（）")
_SAID = (
    r"[ _]?(?:号码|号|编号|no\.?|number|id)?(?: is| was)?(?:[:：]\s{0,8}|[\s:：=#为是_'\"]{0,4})$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Kinds that a developer is told of by one name: each rule more is a bit more that a run can tell."""

    id: str
    title: Said
    personal: bool = True
    """Whether they point at a natural person; such a hit blocks, others go to a person."""


DOCUMENT = Family(
    id="document", title=Said(zh="个人证件或户号", en="number of a person's document or file")
)
CONTACT = Family(
    id="contact", title=Said(zh="个人联系方式", en="person's phone, e-mail or account name")
)
ACCOUNT = Family(id="account", title=Said(zh="银行卡或账户", en="bank card or account"))
PERSON = Family(
    id="person", title=Said(zh="姓名、住址或出生日期", en="person's name, address or birthday")
)
ENTERPRISE = Family(
    id="enterprise",
    title=Said(zh="企业代码或座机", en="code or line of an enterprise"),
    personal=False,
)
DEVICE = Family(
    id="device",
    title=Said(zh="设备、网络地址或坐标", en="device, network address or place"),
    personal=False,
)
FAMILIES = (DOCUMENT, CONTACT, ACCOUNT, PERSON, ENTERPRISE, DEVICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of identifier."""

    entity: str
    title: Said
    family: Family
    pattern: str
    is_valid: Callable[[str], bool] = check_digits.always
    """Asked about the match without spaces, hyphens, points and brackets."""
    context: str = ""
    """A pattern that must be found within `WINDOW` characters before the match, or in a header; empty for none."""
    fills_columns: bool = False
    """Whether a column full of valid ones needs no context: a check digit is rarely right by chance."""
    disguised: bool = False
    """Whether it is looked for behind disguises too: only what hardly anything else looks like."""
    chance: float = 0.0
    """The share of numbers of its shape that pass its check by chance; 0 where next to none does."""
    compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)
    announcing: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the patterns once."""
        object.__setattr__(self, "compiled", re.compile(self.pattern))
        object.__setattr__(self, "announcing", re.compile(self.context, re.IGNORECASE))

    @property
    def personal(self) -> bool:
        """Whether it points at a natural person."""
        return self.family.personal

    def accepts(self, match: re.Match[str], *, announced: bool = False) -> bool:
        """Whether the matched characters, and its header or what stands before them, make it an identifier."""
        if not self.holds(match[0]):
            return False
        if announced or not self.context:
            return True
        return self.is_announced(match.string[max(0, match.start() - WINDOW) : match.start()])

    def holds(self, matched: str) -> bool:
        """Whether matched characters, without their separators, pass the check."""
        if not matched.isalnum():
            matched = matched.translate(_JOINED)
        return self.is_valid(matched)

    def is_announced(self, before: str) -> bool:
        """Whether the words of its context stand in `before`."""
        return bool(before) and self.announcing.search(before) is not None


def said(words: str) -> str:
    """Return the context that one of `words` announces the number itself, with nothing but `no.` and `:` between."""
    return rf"(?:{words}){_SAID}"
