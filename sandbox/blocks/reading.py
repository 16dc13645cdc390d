"""Reads what a block left: a total function, because how a block fails is a fact about its rows."""

import struct
from collections.abc import Iterator
from fractions import Fraction
from math import floor, isfinite

from sandbox.blocks.terms import BYTES, BlocksTerms, Label, Number, Scale

NO_VOTE = -1
"""What a block says of a label where it names none."""
NOTHING = b""
"""What a block is held to have left where it crashed, was ended, or left something else."""


def places(content: bytes, terms: BlocksTerms) -> tuple[int, ...]:
    """Return one block's place on the grid of each coordinate, or its vote; never fails.

    What is not exactly one double for each coordinate, and what is no finite number, counts as the middle of the box; all
    else is clipped to the box and put on the nearest point.
    """
    if len(content) != terms.output_bytes:
        content = struct.pack("<d", float("nan")) * len(terms.coordinates)
    return tuple(_places(content, terms))


def _places(content: bytes, terms: BlocksTerms) -> Iterator[int]:
    values = struct.unpack(f"<{len(content) // BYTES}d", content)
    for value, each in zip(values, terms.coordinates, strict=True):
        if isinstance(each, Label):
            yield _vote(value, each)
        else:
            yield _place(value, each, times=terms.k if each.scale is Scale.EXTENSIVE else 1)


def _place(value: float, number: Number, *, times: int) -> int:
    last = number.points - 1
    if not isfinite(value):
        return last // 2
    steps = (Fraction(value) * times - Fraction(number.lower)) / Fraction(number.step)
    return max(0, min(last, floor(steps + Fraction(1, 2))))


def _vote(value: float, label: Label) -> int:
    named = isfinite(value) and value.is_integer() and 0 <= value < len(label.labels)
    return int(value) if named else NO_VOTE
