"""What the rest of the domain may ask of whatever runs containers: one protocol and the words of its answers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sandbox.asset import ImageDigest
from sandbox.order import Artifact, ContainerOrder, Limits, Outcome
from sandbox.reason import Said
from sandbox.runner.register import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something that the node lacks, and the command that mends it."""

    what: Said
    mend: str
    """A shell command, to be run in the source tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Containers that were made before their jobs, and wait for them."""

    image: ImageDigest
    runtime: str
    limits: Limits
    """Those of the jobs that they can take; `seconds` is 0, for that is each job's own."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a node has to run jobs with."""

    engine: str
    """The container engine's version; empty where none answers."""
    runtimes: tuple[str, ...]
    cgroup: str
    """The version of the kernel's control groups: `1` or `2`; empty where no engine answers."""
    images: tuple[tuple[str, ImageDigest], ...]
    """The register's images that can be used here: each one's given name and its id."""
    missing: tuple[Missing, ...]
    """Empty where jobs can run."""
    slower: tuple[Said, ...] = ()
    """Why jobs start more slowly here than they could; they run all the same."""
    waiting: tuple[Waiting, ...] = ()
    housed: tuple[tuple[str, str], ...] = ()
    """Each job that the engine has a container of, running or not yet removed, with the container's id."""


class Runner(Protocol):
    """Runs orders in containers; every method may be called from several threads at once.

    Each raises `EngineDownError` where no engine answers, and `KeeperDownError` where the runner is another process that
    does not.
    """

    def run(self, order: ContainerOrder, views: Sequence[tuple[str, Path]]) -> Outcome:
        """Run the order in one fresh container and say how it ended; block until it did.

        `views` are pairs of an asset's id and the folder that is to appear read-only as `/data/<asset>`. Whatever the job
        does is an answer. Raise `ImageError` where the image is not registered, `EngineDownError` where the engine lacks the
        demanded runtime, `EngineError` where the order is beyond what the runner takes or every slot is taken, and
        `StorageFullError` where the disk is full.
        """

    def cancel(self, job: str) -> None:
        """End this job's container now, if it has one here; its `run` answers `STOPPED`."""

    def reap(self, live: Collection[str]) -> tuple[str, ...]:
        """Remove every container and folder of this domain whose job is not in `live`; return those jobs, sorted."""

    def found(self) -> Found:
        """Say what the node has and what it lacks; answers also where the engine is down."""

    def read(self, artifact: Artifact, *, asked: str, limits: Limits) -> bytes:
        """Read an untrusted artifact in a container without data, and return what is in it and under it as JSON.

        `asked` says how it is to be read, and `sandbox.egress.reading` what is answered. Or the answer is `{"refused": why}`:
        `too large` where reading takes more than `limits`, `unreadable` where the reader's program ended otherwise.
        `limits.output_bytes` bounds what is returned.
        """

    def import_image(self, archive: Path, *, line: Line) -> ImageDigest:
        """Load an archive that `examine` wrote, and add its line to the register; raise `ImageError` where it may not."""

    def register_image(
        self, digest: ImageDigest, *, name: str, line: Line | None = None
    ) -> ImageDigest:
        """Register an image that the engine already has, such as the domain's own; raise `ImageError` where it may not.

        A runner that trusts nobody makes the line itself.
        """

    def save_image(self, digest: ImageDigest, archive: Path) -> None:
        """Write a registered image to a new file, as `docker save` does; raise `ImageError` where there is none."""
