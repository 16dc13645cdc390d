"""All families of attempts on the whole domain, in the order in which one stage carries them."""

from collections.abc import Iterator

from gateway.attack.channels import CHANNELS
from gateway.attack.floods import FLOODS
from gateway.attack.replay import APPROVING, JUDGING
from gateway.attack.stage import Stage
from gateway.attack.strangers import STRANGERS
from gateway.attack.swaps import ENDING, SWAPS
from sandbox.attack.attempt import Act, Attempt, Family, Score, acted

FAMILIES = (Family.STRANGERS, Family.REPLAY, Family.CHANNELS, Family.FLOODS, Family.SWAPS)
ORDER: tuple[Act[Stage], ...] = (
    *STRANGERS, *APPROVING, *JUDGING, *CHANNELS, *FLOODS, *SWAPS, *ENDING,
)  # fmt: skip
"""The approval comes first: what follows works under it; its revocation comes last."""
ATTEMPTS: tuple[Attempt, ...] = ORDER


def run(families: frozenset[Family], on: Stage) -> Iterator[Score]:
    """Make every attempt of these families; the approval itself is made whatever is asked for."""
    for one in ORDER:
        asked = one.family in families
        if asked or one in APPROVING:
            score = acted(one, on)
            if asked:
                yield score
