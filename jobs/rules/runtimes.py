"""Which container runtime a job needs: chosen by the strictest grade of the assets that its order reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sandbox.asset import Asset, AssetId, Grade
from sandbox.order import ViewTerms

RUNC, GVISOR = "runc", "runsc"
_STRICTNESS = tuple(Grade)
"""From the mildest to the strictest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtimes:
    """Which runtime stands between the data of a grade and the host's kernel, and which there are."""

    least: str = RUNC
    """For data of every grade: `runc`, or `runsc` (gVisor, which answers system calls with a kernel of its own)."""
    gvisor_from: Grade = Grade.L3
    """From this grade on it is gVisor. Important data always need it."""
    here: frozenset[str] | None = None
    """Those that the engine has; unknown while none answers, and to the gateway."""

    def of(self, grade: Grade) -> str:
        """Return the runtime that data of this grade need."""
        bound = min(self.gvisor_from, Grade.IMPORTANT, key=_STRICTNESS.index)
        strict = _STRICTNESS.index(grade) >= _STRICTNESS.index(bound)
        return GVISOR if strict else self.least

    def lacks(self, runtime: str) -> bool:
        """Say whether the engine is known not to have it."""
        return self.here is not None and runtime not in self.here


def strictest(views: Iterable[ViewTerms], catalogue: Mapping[AssetId, Asset]) -> Grade:
    """Return the strictest grade of these views' assets, L1 for none; one that is not known counts as important."""
    known = (catalogue.get(view.asset) for view in views)
    grades = (asset.grade if asset else Grade.IMPORTANT for asset in known)
    return max(grades, key=_STRICTNESS.index, default=Grade.L1)
