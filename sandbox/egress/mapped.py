"""Where pure functions of the filter run: here, or wherever somebody who inspects has more processors."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Shadows(Protocol):
    """Runs the membership test's shadows: each is a pure function of what it is asked, and may run anywhere."""

    def map(
        self, function: Callable[[Asked], Answer], items: Sequence[Asked], /
    ) -> Sequence[Answer]:
        """Return `function` of each item, in their order."""


class Here:
    """Runs them in this process, one after the other."""

    def map(
        self, function: Callable[[Asked], Answer], items: Sequence[Asked], /
    ) -> Sequence[Answer]:
        """Return `function` of each item."""
        return [function(item) for item in items]
