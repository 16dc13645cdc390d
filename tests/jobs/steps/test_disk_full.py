"""A full disk stops the line where it is, and nothing is lost by it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.job import JobState
from sandbox.order import Artifact, Ended, Outcome
from tests.jobs.steps.town import O2, Town

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
LARGE = Outcome(ended=Ended.FINISHED, artifacts=(Artifact(O2, "txt", bytes(200_000)),))


@pytest.fixture
def small_disk(town: Town) -> Iterator[Path]:
    folder = town.folder / "quarantine"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_run_that_finds_the_quarantine_full_is_written_down_once_there_is_room(
    town: Town, small_disk: Path
) -> None:
    job = town.running()

    with pytest.raises(OSError, match="No space left"):
        town.ran(job, LARGE)
    assert town.now(job).state is JobState.RUNNING
    assert town.hands.quarantine.kept(job.id, job.epoch) is None

    subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
    assert town.ran(job, LARGE).state is JobState.QUARANTINED
    assert town.hands.quarantine.kept(job.id, job.epoch) == LARGE.artifacts
