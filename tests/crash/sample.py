"""How much is broken: every row and 500 kills, or a sample of both that another seed chooses each time."""

import os
import random

LONG = os.environ.get("SHUYU_CRASH") == "long"
"""As `make attack` has it."""
SEED = int(os.environ.get("SHUYU_SEED") or random.SystemRandom().randrange(10_000))
KILLS, ROUND = (500, 50) if LONG else (12, 12)
"""How many processes are killed at random, and after how many of them all is checked."""
_CASES = 6


def sampled(names: list[str]) -> list[str]:
    """Choose the cases of real processes that are broken this time, in the order of the table."""
    if LONG:
        return names
    chosen = set(random.Random(SEED).sample(names, _CASES))
    return [name for name in names if name in chosen]
