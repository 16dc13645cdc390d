"""The watermark: the last signed checkpoint, kept outside the database so that an older one shows."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobs.record.faults import RecordDownError
from sandbox.errors import StorageFullError
from sandbox.reason import Said

_MAX_BYTES = 8192


class RolledBackError(RecordDownError):
    """The record is older than, or another than, the one whose checkpoint was signed last."""

    def __init__(self, why: Said) -> None:
        """Say what shows it, and what to do."""
        super().__init__(
            f"{why.en}: stop every process and put the newest record back; where it is lost, a person"
            ' accepts this one with `shuyu record accept --reason "…"`, which closes every budget',
            zh=f"{why.zh}：请停止全部进程并放回最新的记录库；若已丢失，由负责人执行"
            ' shuyu record accept --reason "…" 予以接受，届时全部隐私预算关闭',
        )


def fewer(now: int, then: int) -> Said:
    """Return what is wrong with a log that has fewer entries, `now`, than were signed."""
    return Said(
        zh=f"日志现有 {now} 条，而此前已签名 {then} 条",
        en=f"the log has {now} entries where {then} were signed",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """The file that holds the newest checkpoint (0600); several processes may raise it.

    It is only as far from the database as the two are kept apart: who restores the whole home folder
    together with the database is found out by a witness, and by nothing here.
    """

    path: Path

    def note(self) -> str | None:
        """Return the signed note that is kept, or nothing where none ever was."""
        try:
            with self.path.open("rb") as file:
                return file.read(_MAX_BYTES).decode("utf-8", "replace")
        except FileNotFoundError:
            return None

    def admit(self, note: str) -> None:
        """Raise `RolledBackError` where `note` is over less, or over else, than was signed before.

        It is asked while the writer's turn is held, so that nobody signs more in between.
        """
        kept = self.note()
        if kept is None:
            return
        before, now = _stated(kept), _stated(note)
        if now[0] < before[0]:
            raise RolledBackError(fewer(now[0], before[0]))
        if now[0] == before[0] and now != before:
            raise RolledBackError(
                Said(zh="日志与已签名的不同", en="the log is another than the one that was signed")
            )

    def raise_to(self, note: str) -> None:
        """Keep `note` where it is over no fewer entries than the one that is kept.

        Raise `StorageFullError` where the disk is full.
        """
        with self._alone():
            kept = self.note()
            if kept is None or _stated(kept)[0] <= _stated(note)[0]:
                self._put(note)

    def replace(self, note: str) -> None:
        """Keep `note`, whatever was kept: a person has accepted the record that it is over."""
        with self._alone():
            self._put(note)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
            os.fsync(folder)
        finally:
            os.close(folder)

    def _put(self, note: str) -> None:
        draft = self.path.with_name(self.path.name + ".new")
        try:
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as out:
                out.write(note.encode())
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self.path)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise StorageFullError("the disk that the domain home lies on is full") from None


def _stated(note: str) -> tuple[int, str]:
    """Return the size and the root that a note states, without its signature."""
    try:
        _, size, root = note.split("\n")[:3]
        return int(size), root
    except ValueError:
        raise RolledBackError(
            Said(
                zh="keys/last-checkpoint 无法读取",
                en="the checkpoint in keys/ does not read as one",
            )
        ) from None
