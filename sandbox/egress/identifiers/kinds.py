"""The identifiers that are looked for: a pattern, its check, and the words that must stand near.

Patterns end in look-arounds over ASCII classes, never in a word boundary: a Han character counts
as part of a word, so that a boundary misses every identifier inside a Chinese sentence.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.egress.identifiers import check_digits
from sandbox.reason import Said

_NO_DIGIT_BEFORE = r"(?<![0-9A-Fa-f])(?<![0-9]\.)"
_NO_DIGIT_AFTER = r"(?!\.?[0-9])(?![A-Fa-f])"
_SEPARATORS = str.maketrans("", "", " -.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of identifier."""

    entity: str
    title: Said
    pattern: str
    is_valid: Callable[[str], bool] = check_digits.always
    """Asked about the match without spaces, hyphens and points."""
    context: str = ""
    """A pattern of which one must stand within 24 characters before the match; empty for none."""
    personal: bool = True
    """Whether it points at a natural person; such a hit blocks, others go to a person."""

    def accepts(self, match: re.Match[str]) -> bool:
        """Whether the matched characters and what stands before them make it an identifier."""
        if not self.is_valid(match[0].translate(_SEPARATORS)):
            return False
        if not self.context:
            return True
        before = match.string[max(0, match.start() - 24) : match.start()]
        return re.search(self.context, before, re.IGNORECASE) is not None


KINDS: tuple[Kind, ...] = (
    Kind(
        entity="CN_RESIDENT_ID",
        title=Said(zh="居民身份证号", en="resident identity number"),
        pattern=rf"{_NO_DIGIT_BEFORE}[1-9][0-9]{{5}}[ -]?[0-9]{{8}}[ -]?[0-9]{{3}}[0-9Xx](?![0-9A-Za-z])",
        is_valid=check_digits.is_resident_id,
    ),
    Kind(
        entity="CN_RESIDENT_ID_15",
        title=Said(zh="十五位居民身份证号", en="15-digit resident identity number"),
        pattern=rf"{_NO_DIGIT_BEFORE}[1-9][0-9]{{14}}{_NO_DIGIT_AFTER}",
        is_valid=check_digits.is_old_resident_id,
        context=r"身份证|证件|公民身份|id.?card|id.?n(?:o|um)|resident",
    ),
    Kind(
        entity="CN_CREDIT_CODE",
        title=Said(zh="统一社会信用代码", en="unified social credit code"),
        pattern=r"(?<![0-9A-Za-z])[1-9ANY][1-59][0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}(?![0-9A-Za-z])",
        is_valid=check_digits.is_credit_code,
        personal=False,
    ),
    Kind(
        entity="CN_MOBILE",
        title=Said(zh="手机号", en="mobile number"),
        pattern=rf"{_NO_DIGIT_BEFORE}(?:(?:\+|00)?86[ -]?)?1[3-9][0-9][ .-]?[0-9]{{4}}[ .-]?[0-9]{{4}}{_NO_DIGIT_AFTER}",
    ),
    Kind(
        entity="BANK_CARD",
        title=Said(zh="银行卡号", en="bank card number"),
        pattern=(
            rf"{_NO_DIGIT_BEFORE}(?:62[0-9]{{2}}|4[0-9]{{3}}|5[1-5][0-9]{{2}}|2[2-7][0-9]{{2}}|35[2-8][0-9])"
            rf"[ -]?[0-9]{{4}}[ -]?[0-9]{{4}}[ -]?[0-9]{{4}}(?:[ -]?[0-9]{{1,3}})?{_NO_DIGIT_AFTER}"
        ),
        is_valid=check_digits.is_bank_card,
    ),
    Kind(
        entity="EMAIL_ADDRESS",
        title=Said(zh="电子邮箱", en="e-mail address"),
        pattern=(
            r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@"
            r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
        ),
    ),
)
"""Read the standards for the details: GB 11643, GB 32100, ISO/IEC 7812, RFC 5321 (shortened)."""
