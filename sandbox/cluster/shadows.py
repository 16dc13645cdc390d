"""Runs the membership test's shadows as tasks of Ray, where that is worth a process each."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ray

from sandbox.egress.mapped import Here

WORTH = 20.0
"""Seconds of work, all shadows together, from which they are spread: a process of Ray's takes seconds to start."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Runs the first here, to know how long one takes; then the others here, or as many at once as there are processors."""

    worth: float = WORTH

    def map(self, function: Any, items: Sequence[Any], /) -> Sequence[Any]:  # noqa: ANN401 - as `Shadows` says
        """Return `function` of each item, in their order."""
        begun = time.monotonic()
        first = Here().map(function, items[:1])
        long = (time.monotonic() - begun) * len(items) > self.worth
        rest = _spread if long and ray.is_initialized() else Here().map
        return [*first, *rest(function, items[1:])]


def _spread(function: Any, items: Sequence[Any]) -> Sequence[Any]:  # noqa: ANN401 - as `Shadows` says
    # no processors are asked for: whoever waits for these tasks is a task itself, and jobs may hold them all
    task = ray.remote(num_cpus=0, max_retries=0)(function)
    room = os.cpu_count() or 1
    begun: list[Any] = []
    for item in items:
        if len(begun) >= room:
            ray.wait(begun, num_returns=len(begun) - room + 1)
        begun.append(task.remote(item))
    return list(ray.get(begun))
