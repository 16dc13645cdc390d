"""Where attempts are made: the deployment's own keeper, engine and image, with a canary asset that is there only meanwhile."""

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.asset import ImageDigest
from sandbox.attack.listener import Listener
from sandbox.attack.sight import Watch
from sandbox.attack.unguarded import Unguarded
from sandbox.errors import ImageError
from sandbox.order import (
    ContainerOrder,
    Limits,
    Outcome,
    OutputForm,
    OutputName,
    OutputTerms,
    ReleaseClass,
)
from sandbox.runner.client import KeeperClient
from sandbox.runner.contract import Runner
from sandbox.runner.engine import Engine

LIMITS = Limits(
    seconds=60,
    memory_bytes=192 * 1024**2,
    cpus=1,
    processes=48,
    output_bytes=1024**2,
    output_files=4,
)
"""What an attempt's job may use."""
_ROWS = 1000
_COUNT = count(1)
JOB = "read-attack-"
"""What the names of these jobs begin with: a worker that reaps spares readings, which are not its own either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """One deployment, as the kit reaches it."""

    home: Path
    engine: Engine
    keeper: Runner
    image: ImageDigest
    folder: Path
    """The kit's own folder, gone afterwards."""
    canary: str
    """Stands in every row of the canary asset, and may stand in nothing that leaves."""
    listener: Listener
    watch: Watch

    @property
    def view(self) -> Path:
        """The canary asset's folder, as a job sees it at /data/CANARY."""
        return self.folder / "view"

    @property
    def unguarded(self) -> Unguarded:
        """Where controls are run."""
        return Unguarded(engine=self.engine, image=self.image, folder=self.folder)

    def order(
        self,
        runtime: str,
        command: Sequence[str],
        files: Sequence[tuple[str, bytes]] = (),
        *,
        parameters: str = "{}",
        limits: Limits = LIMITS,
    ) -> ContainerOrder:
        """Return an order of a fresh name, with two reports as its outputs."""
        return ContainerOrder(
            job=f"{JOB}{os.getpid()}-{next(_COUNT)}",
            epoch=1,
            scope="attack",
            image=self.image,
            command=tuple(command),
            code=tuple(files),
            parameters=parameters,
            views=(),
            outputs=(report("O1"), report("O2")),
            limits=limits,
            runtime=runtime,
        )

    def run(self, order: ContainerOrder, *, sees_data: bool = True) -> Outcome:
        """Run an order through the keeper, with the canary asset as its view."""
        views = [("CANARY", self.view)] if sees_data else []
        return self.keeper.run(order, views)

    def fresh(self, order: ContainerOrder) -> ContainerOrder:
        """Return the same order under another name."""
        return replace(order, job=f"{JOB}{os.getpid()}-{next(_COUNT)}")

    def remains(self) -> tuple[str, ...]:
        """Name what jobs of the kit have left on the host: folders, mounts, containers; empty where all is gone."""
        rooms = [path.name for path in (self.home / "run" / "rooms").glob(f"{JOB}{os.getpid()}-*")]
        mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
        mounted = [line for line in mounts if f"/{JOB}{os.getpid()}-" in line]
        found = self.engine.labelled("org.shuyu.domain", domain_of(self.home))
        jobs = [labels.get("org.shuyu.job", "") for _, labels in found]
        return (*rooms, *mounted, *(job for job in jobs if job.startswith(f"{JOB}{os.getpid()}-")))


def report(name: str) -> OutputTerms:
    """Return an output of the loosest kind that a grant can allow."""
    return OutputTerms(
        name=OutputName(name),
        form=OutputForm.REPORT,
        release=ReleaseClass.REVIEWED,
        max_rows=1000,
        max_bytes=1024**2,
    )


def domain_of(home: Path) -> str:
    """Return the label that a keeper puts on the containers of a home."""
    return hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]


@contextmanager
def grounds(home: Path, engine: str) -> Iterator[Grounds]:
    """Make the canary asset, listen and watch; all of it is gone afterwards.

    Raise `KeeperDownError` where the home's keeper does not answer, and `ImageError` where it has no image for jobs.
    """
    keeper, opened = KeeperClient(home / "run" / "keeper.sock"), Engine(engine)
    image = next((one for name, one in keeper.found().images if name == "python"), None)
    if image is None:
        raise ImageError("no image is registered as python: images/build.sh python")
    canary = f"CANARY-{secrets.token_hex(8)}"
    with ExitStack() as ends:
        ends.callback(opened.close)
        folder = Path(tempfile.mkdtemp(dir=home / "run", prefix="attack-"))
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        _write_canary(folder / "view", canary)
        listener = ends.enter_context(Listener(folder))
        watch = ends.enter_context(Watch(opened, domain_of(home)))
        yield Grounds(
            home=home,
            engine=opened,
            keeper=keeper,
            image=image,
            folder=folder,
            canary=canary,
            listener=listener,
            watch=watch,
        )


def _write_canary(view: Path, canary: str) -> None:
    view.mkdir()
    table = pa.table({"id": pa.array(range(_ROWS)), "secret": pa.array([canary] * _ROWS)})
    pq.write_table(table, view / "CANARY.parquet")
    (view / "CANARY.csv").write_text(f"id,secret\n1,{canary}\n", encoding="utf-8")
    for file in view.iterdir():
        file.chmod(0o644)
    view.chmod(0o755)
