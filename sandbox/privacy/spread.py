"""Tells how far noise reaches after post-processing, where that follows from public numbers alone."""

from collections.abc import Sequence
from fractions import Fraction
from math import hypot

from sandbox.privacy.post import Post


def spread(post: Post, before: Sequence[float]) -> float:
    """Return the standard deviation of an expression over columns with these; 0 where it depends on the values.

    Sums of columns with noise of their own, and products with constants; all else depends on what the cells hold.
    """
    if post.op == "column":
        return before[post.column]
    if post.op == "round":
        return spread(post.args[0], before)
    if post.op == "negative":
        return spread(post.args[0], before)
    if post.op in ("+", "-"):
        return _sum(post, before)
    if post.op in ("*", "/"):
        return _product(post, before)
    return 0.0


def _sum(post: Post, before: Sequence[float]) -> float:
    left, right = post.args
    sides = [spread(side, before) for side in post.args]
    unknown = any(side.columns and not known for side, known in zip(post.args, sides, strict=True))
    return 0.0 if left.columns & right.columns or unknown else hypot(*sides)


def _product(post: Post, before: Sequence[float]) -> float:
    left, right = post.args
    if post.op == "*" and left.op == "constant":
        left, right = right, left
    if right.op != "constant" or not isinstance(right.value, Fraction) or not right.value:
        return 0.0
    factor = abs(float(right.value))
    return spread(left, before) * (factor if post.op == "*" else 1 / factor)
