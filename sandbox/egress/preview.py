"""A safe view of what would leave, for reviewers: plain text in which nothing can hide."""

import re

CAP = 200 * 1024
"""Bytes of UTF-8 that a preview may have."""
_CUT = "\n… 其余未显示 / the rest is not shown\n"
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u034f\u115f\u1160\u3164\uffa0]")


def preview(content: bytes) -> str:
    """Return `content` with every control, bidirectional or invisible character spelled out."""
    text = content[: CAP + 4].decode("utf-8", errors="replace")
    shown = "".join(map(_visible, text))
    if len(content) <= CAP and len(shown.encode()) <= CAP:
        return shown
    room = CAP - len(_CUT.encode())
    return shown.encode()[:room].decode("utf-8", errors="ignore") + _CUT


def _visible(character: str) -> str:
    if character == "\n" or (character.isprintable() and not _VARIATION.match(character)):
        return character
    return f"⟦U+{ord(character):04X}⟧"
