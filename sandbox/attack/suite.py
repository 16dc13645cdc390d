"""All families of attempts that need no more than the keeper and the engine, and one way to run them."""

from collections.abc import Callable, Iterable, Sequence

from sandbox.attack.attempt import RUNC, Act, Attempt, Family, Score, acted
from sandbox.attack.bombs import BOMBS
from sandbox.attack.crossing import CROSSING, crossed
from sandbox.attack.documents import DOCUMENTS
from sandbox.attack.grounds import Grounds
from sandbox.attack.images import IMAGES
from sandbox.attack.kernel import KERNEL
from sandbox.attack.leaving import left
from sandbox.attack.mounts import MOUNTS
from sandbox.attack.network import NETWORK
from sandbox.attack.outputs import OUTPUTS
from sandbox.attack.probing import probed
from sandbox.attack.proc import PROC
from sandbox.attack.trial import tried

Run = Callable[[Sequence[str], Grounds], list[Score]]


def _acts(attempts: Iterable[Act[Grounds]]) -> Run:
    return lambda _, on: [acted(one, on) for one in attempts]


RUNS: dict[Family, Run] = {
    Family.PROBE: probed,
    Family.NETWORK: lambda runtimes, on: tried(NETWORK, runtimes, on),
    Family.KERNEL: lambda runtimes, on: tried(KERNEL, runtimes, on),
    Family.MOUNTS: lambda runtimes, on: tried(MOUNTS, runtimes, on),
    Family.PROC: lambda runtimes, on: tried(PROC, runtimes, on),
    Family.BOMBS: lambda runtimes, on: tried(BOMBS, runtimes, on),
    Family.OUTPUTS: lambda runtimes, on: left(OUTPUTS, runtimes, on),
    Family.CROSS: lambda runtimes, on: crossed(CROSSING, runtimes, on),
    Family.DOCUMENTS: _acts(DOCUMENTS),
    Family.IMAGES: _acts(IMAGES),
}
"""How each family is run, in this order."""

ATTEMPTS: tuple[Attempt, ...] = (
    *NETWORK, *KERNEL, *MOUNTS, *PROC, *BOMBS, *OUTPUTS, *CROSSING, *DOCUMENTS, *IMAGES,
)  # fmt: skip
"""Every attempt of our own on the sandbox; the probe is counted apart."""


def run(family: Family, runtimes: Sequence[str], on: Grounds) -> list[Score]:
    """Make every attempt of a family, and see that nothing of it is left on the host."""
    return RUNS[family](runtimes or (RUNC,), on)
