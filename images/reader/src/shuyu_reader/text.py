"""Text as strict UTF-8, and what a person could read in bytes that are none."""

import unicodedata

from shuyu_reader.flaws import Flaw, UnreadableError
from shuyu_reader.unwrap import MAX_BYTES

_HIDDEN = frozenset({"Cc", "Cs", "Co", "Cn"})


def text_of(content: bytes) -> str:
    """Decode strict UTF-8 without byte order marks or control characters, with LF line ends; raise `UnreadableError`."""
    if len(content) > MAX_BYTES:
        raise UnreadableError(Flaw.LONG)
    try:
        text = content.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        raise UnreadableError(Flaw.ENCODING) from None
    text = text.replace("\r\n", "\n")
    hidden = hidden_in(text)
    if hidden:
        first = min(map(text.index, hidden))
        raise UnreadableError(Flaw.ENCODING, line=text.count("\n", 0, first) + 1)
    return text


def hidden_in(text: str, allowed: str = "\n\t") -> frozenset[str]:
    """Return the characters of `text` that no text may have."""
    return frozenset(each for each in set(text) - set(allowed) if _is_hidden(each))


def shown(content: bytes) -> str:
    """Return what a person could read in `content`: UTF-8, UTF-16, or else its runs of ASCII, with blanks for what is hidden."""
    text = _decoded(content)
    return text.translate({ord(each): " " for each in hidden_in(text)})


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("utf-8", errors="replace").replace("\ufffd", "\n").replace("\0", "")


def _is_hidden(character: str) -> bool:
    if character.isascii():
        return not character.isprintable()
    return character == "\ufeff" or unicodedata.category(character) in _HIDDEN
