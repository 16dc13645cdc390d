"""Makes every character of a text plain to see: what hides, what reorders, and what looks like another."""

import re
import unicodedata

_SUSPECT = re.compile(r"[^\x00-\x7f]|[\x00-\x08\x0b-\x1f\x7f]")
_WORD = re.compile(r"\w+")
_LIKE_LATIN = frozenset("АВЕЅІЈКМНОРСТУХҮѴԀԌԚԜӀаеёіјѕорсухһԁԛԝѵӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧανορυιՍՕօսոոհցգℓ∣ǀ")
"""Letters and signs of other scripts that most typefaces draw as Latin ones (Unicode TS 39, confusables)."""
_ALPHABETS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU")
_OTHER_FORMS = frozenset({"<wide>", "<narrow>", "<font>"})
"""Forms that pass for the character itself; a raised or circled one does not."""
_HIDDEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe0f")
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp", "Zs"})


def plain_to_see(text: str) -> str:
    """Return `text` with each hidden character replaced by its number, and each lookalike followed by it.

    Marked are: controls, bidirectional and invisible characters, blanks that are no space, combining
    marks, letters of another alphabet that look Latin or stand in a word with Latin letters, and wide
    forms or foreign digits that pass for ASCII ones (Unicode TR 36 and TS 39).
    """
    if not _SUSPECT.search(text):
        return text
    mixed = {
        at for word in _WORD.finditer(text) if _is_mixed(word[0]) for at in range(*word.span())
    }
    return "".join(_shown(sign, mixed=at in mixed) for at, sign in enumerate(text))


def _shown(sign: str, *, mixed: bool) -> str:
    if sign in "\n\t" or " " <= sign <= "~":
        return sign
    if unicodedata.category(sign) in _UNSEEN or sign in _HIDDEN:
        return _number(sign)
    return f"{sign}{_number(sign)}" if _is_lookalike(sign, mixed=mixed) else sign


def _is_lookalike(sign: str, *, mixed: bool) -> bool:
    if sign in _LIKE_LATIN or unicodedata.category(sign) in {"Mn", "Me"}:
        return True
    if unicodedata.decomposition(sign).partition(" ")[0] in _OTHER_FORMS:
        return unicodedata.normalize("NFKC", sign).isalnum()
    return sign.isdecimal() or (mixed and _is_foreign(sign))


def _is_mixed(word: str) -> bool:
    return any(sign.isascii() and sign.isalpha() for sign in word) and any(map(_is_foreign, word))


def _is_foreign(sign: str) -> bool:
    return not sign.isascii() and unicodedata.name(sign, "").startswith(_ALPHABETS)


def _number(sign: str) -> str:
    return f"⟨U+{ord(sign):04X}⟩"
