"""The loop: every target is asked in a thread of its own, on time, and again where it failed."""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread

from gateway.anchoring.attempt import Ledger, attempt
from gateway.anchoring.offer import Target
from jobs.errors import JobsError
from jobs.record.anchors import Anchor, AnchorState
from sandbox.errors import SandboxError

FIRST_SECONDS = 2.0
"""The longest pause after a first failure; it doubles with each further one."""
CEILING_SECONDS = 600.0
LOOK_SECONDS = 30.0
"""How often it looks whether there is a first checkpoint by now, or a refusal was resolved."""
_MOST_DOUBLINGS = 16
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one target stands, as this process last saw it."""

    state: AnchorState = AnchorState.WAITING
    tries: int = 0
    """Failures in a row."""
    error: str = ""
    next_at: datetime
    """When it is asked again."""


def pause_after(tries: int, *, every: float, dice: float) -> float:
    """Return the seconds to wait after so many failures in a row; `dice` is from 0 to 1.

    It is never longer than `every`, and never shorter than half of what it would be without dice:
    many domains that lost one target do not come back to it in one instant.
    """
    longest = min(every, CEILING_SECONDS, FIRST_SECONDS * (1 << min(tries - 1, _MOST_DOUBLINGS)))
    return longest * (0.5 + dice / 2)


class Anchoring:
    """The targets of one domain, and how they stand."""

    def __init__(
        self,
        ledger: Ledger,
        targets: tuple[Target, ...],
        *,
        every: float,
        clock: Callable[[], datetime],
    ) -> None:
        """Offer the log of `ledger` to `targets` every so many seconds."""
        self._ledger, self.targets, self._every, self._clock = ledger, targets, every, clock
        self._standing = {target.name: Standing(next_at=clock()) for target in targets}
        self._dice = random.SystemRandom()

    @property
    def standing(self) -> Mapping[str, Standing]:
        """How each target stands, by its name."""
        return dict(self._standing)

    @property
    def forked(self) -> bool:
        """Whether a target says that the log was forked, and nobody has looked into it yet."""
        return any(each.state is AnchorState.REFUSED for each in self._standing.values())

    def start(self, stop: Event) -> tuple[Thread, ...]:
        """Ask every target until `stop` is set; an answer that is under way then is not awaited."""
        threads = tuple(
            Thread(target=self._keep_asking, args=(target, stop), daemon=True, name=target.name)
            for target in self.targets
        )
        for thread in threads:
            thread.start()
        return threads

    def _keep_asking(self, target: Target, stop: Event) -> None:
        pause = 0.0
        while not stop.wait(pause):
            pause = self._ask(target)

    def _ask(self, target: Target) -> float:
        was = self._standing[target.name]
        state, error = self._tried(target, was.tries)
        tries = was.tries + 1 if state is AnchorState.FAILED else 0
        pause = self._pause(state, tries)
        self._standing[target.name] = Standing(
            state=state,
            tries=tries,
            error=error,
            next_at=self._clock() + timedelta(seconds=pause),
        )
        if state is not was.state:
            _tell(target.name, state, error)
        return pause

    def _tried(self, target: Target, tried: int) -> tuple[AnchorState, str]:
        try:
            found: Anchor | None = attempt(self._ledger, target, tried=tried)
        except (JobsError, SandboxError) as error:
            # the record itself does not answer, or does not verify: the thread goes on
            return AnchorState.FAILED, f"record: {error}"
        if found is None:
            return AnchorState.WAITING, ""
        return found.state, found.error

    def _pause(self, state: AnchorState, tries: int) -> float:
        if state is AnchorState.FAILED:
            return pause_after(tries, every=self._every, dice=self._dice.random())
        return self._every if state is AnchorState.HELD else min(self._every, LOOK_SECONDS)


def _tell(name: str, state: AnchorState, error: str) -> None:
    if state is AnchorState.REFUSED:
        _LOG.warning(
            "LOG FORKED or cut, says %s: %s. `shuyu anchor resolve` after a look", name, error
        )
    if state is AnchorState.FAILED:
        _LOG.warning("%s does not vouch for the log: %s; it is tried again", name, error)
