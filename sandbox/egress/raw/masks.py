"""Takes off a mask of one byte: the reader container does it for bytes, and here it is for text, which comes out of many guises."""

import numpy as np

PLAUSIBLE = 0.95
"""The share of a text's bytes that must be shown under its mask."""
LEAST = 32
"""Bytes of a text under a mask that can be told from chance."""
_SAMPLE = 1024


def unmasked(message: bytes) -> bytes:
    """Return the text that lies under one byte laid over all bytes by XOR, or nothing where there is none."""
    if len(message) < LEAST:
        return b""
    sample = np.frombuffer(message[:_SAMPLE], np.uint8)
    masks = np.arange(1, 256, dtype=np.uint8)
    seen = sample[None, :] ^ masks[:, None]
    shown = ((seen >= ord(" ")) & (seen <= ord("~"))) | (seen == ord("\n"))
    words = ((seen >= ord("0")) & (seen <= ord("9"))) | np.isin(seen, list(b" ,.\n"))
    rank = np.where(shown.mean(1) >= PLAUSIBLE, words.mean(1), 0)
    best = int(rank.argmax())
    if rank[best] < 0.1:  # noqa: PLR2004 - prose and tables have more blanks, commas and digits
        return b""
    mask = int(masks[best])
    return message.translate(bytes(letter ^ mask for letter in range(256)))
