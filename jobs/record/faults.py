"""What can be wrong with a database: each fault is a type, and says in two languages what to do.

No message quotes the database's own: that may hold rows, an address or a password.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from jobs.errors import ConflictError, JobsError
from sandbox.errors import StorageFullError
from sandbox.reason import Said


class RecordDownError(JobsError):
    """The record cannot be worked with now: it does not answer, or must not be; nothing was changed."""

    def __init__(self, en: str, *, zh: str = "记录库没有应答，请检查数据库后再试") -> None:
        """Say what is wrong and what mends it."""
        super().__init__(en)
        self.said = Said(zh=zh, en=en)


class RecordGoneError(RecordDownError):
    """The database is not where it was: removed, replaced, or never made."""


class ReadOnlyRecordError(RecordDownError):
    """The database may be read but not written."""


class DamagedRecordError(RecordDownError):
    """The database's own structure is damaged."""


class NotARecordError(RecordDownError):
    """What lies at the address is not a record of Shuyu."""


class LockedOutError(RecordDownError):
    """The database knows no such user, or the password is another."""


class NewerSchemaError(RecordDownError):
    """The record was written by a newer Shuyu."""

    def __init__(self) -> None:
        """Say so, and what to do."""
        super().__init__(
            "the record was written by a newer Shuyu: install that version or a later one",
            zh="记录库由更新版本的数域写成：请安装该版本或更高版本",
        )


class OlderSchemaError(RecordDownError):
    """The record was written by an older Shuyu and was not yet brought to this one's form."""

    def __init__(self) -> None:
        """Say so, and what to do."""
        super().__init__(
            "the record is of an older Shuyu: start `shuyu up` once (or serve, or work), which"
            " brings it to this version's form; take a backup before",
            zh="记录库为旧版本格式：请先备份，再运行一次 shuyu up（或 serve、work）完成升级",
        )


class OtherDomainError(RecordDownError):
    """The record is another domain's, or its log is hashed with something else."""

    def __init__(self) -> None:
        """Say so, and what to do; whose it is, is not told."""
        super().__init__(
            "the record belongs to another domain, or its log is hashed otherwise than the setting"
            " `suite` says: look at the settings `record`, `name` and `suite`",
            zh="记录库属于另一运营域，或其日志的杂凑算法与设置项 suite 不符：请检查设置项 record、name 和 suite",
        )


class ClockError(RecordDownError):
    """The clock stands before the last entry of the log: nothing is written."""

    def __init__(self, seconds: float) -> None:
        """Say by how many seconds, and what to do."""
        super().__init__(
            f"the clock is {seconds:.0f} seconds behind the last entry of the log: set it right"
            " (NTP); where it was ahead before and is right now, a person accepts that with"
            ' `shuyu record accept --reason "…"`',
            zh=f"系统时钟比日志最后一条早 {seconds:.0f} 秒：请校准时钟（NTP）；若此前时钟偏快而现已校准，"
            '由负责人执行 shuyu record accept --reason "…" 予以接受',
        )


def gone() -> RecordGoneError:
    """Return the fault of a database that is not there."""
    return RecordGoneError(
        "the record is not where it was: its file was removed or replaced, or the database dropped;"
        " stop every process, put it back or restore a backup, and start again",
        zh="记录库已不在原处（被移走、替换或删除）：请停止全部进程，放回原库或从备份恢复，再启动",
    )


def read_only() -> ReadOnlyRecordError:
    """Return the fault of a database that cannot be written."""
    return ReadOnlyRecordError(
        "the record cannot be written: make its file and folder (or the mount, or the database's"
        " default_transaction_read_only) writable for the user of these processes",
        zh="记录库为只读：请使其文件、目录、挂载点或数据库对本进程用户可写",
    )


def damaged() -> DamagedRecordError:
    """Return the fault of a database whose pages are damaged."""
    return DamagedRecordError(
        "the record is damaged: stop every process, keep its files, look at the disk, and restore"
        " a backup",
        zh="记录库已损坏：请停止全部进程，保留原文件，检查磁盘，并从备份恢复",
    )


def not_a_record() -> NotARecordError:
    """Return the fault of a file or a database that is something else."""
    return NotARecordError(
        "what lies where the record should is not a record of Shuyu: look at the setting `record`,"
        " or restore a backup",
        zh="记录库所在位置的内容不是数域的记录库：请检查设置项 record，或从备份恢复",
    )


def _full() -> StorageFullError:
    return StorageFullError("the disk that the record lies on is full: make room on it")


def _busy() -> RecordDownError:
    return RecordDownError(
        "the record is busy: try again; if it stays so, allow its database more connections",
        zh="记录库繁忙：请稍后再试；若持续如此，请增加数据库允许的连接数",
    )


def _locked_out() -> LockedOutError:
    return LockedOutError(
        "the database refuses the user or the password: look at the setting `record`",
        zh="数据库拒绝该用户或密码：请检查设置项 record",
    )


_SQLITE = MappingProxyType({
    sqlite3.SQLITE_BUSY: _busy,
    sqlite3.SQLITE_CANTOPEN: read_only,  # the file is there: its folder bears no -wal beside it
    sqlite3.SQLITE_CORRUPT: damaged,
    sqlite3.SQLITE_FULL: _full,
    sqlite3.SQLITE_NOTADB: not_a_record,
    sqlite3.SQLITE_READONLY: read_only,
})  # fmt: skip
"""By the primary result code, its lowest byte (https://www.sqlite.org/rescode.html)."""
_PRIMARY = 0xFF

_POSTGRESQL = MappingProxyType({
    "25006": read_only,
    "28000": _locked_out,
    "28P01": _locked_out,
    "3D000": gone,
    "53100": _full,
    "53300": _busy,
    "55P03": _busy,
    "XX001": damaged,
    "XX002": damaged,
})  # fmt: skip
"""By SQLSTATE (PostgreSQL, appendix A)."""

_REFUSALS = MappingProxyType({
    "too many": _busy,
    "remaining connection slots": _busy,
    "password": _locked_out,
    "no pg_hba.conf entry": _locked_out,
    "role ": _locked_out,
    "does not exist": gone,
})  # fmt: skip
"""What a server says that refuses a connection; the first that fits is taken.

libpq hands on its words and not its SQLSTATE: one that speaks another language than English counts
as one that does not answer.
"""


@contextmanager
def plainly() -> Iterator[None]:
    """Turn the database's errors into the record's own, which quote no row."""
    try:
        yield
    except PoolTimeoutError:
        raise _busy() from None
    except IntegrityError:
        raise ConflictError("the record already has this, or lacks what it refers to") from None
    except DBAPIError as error:
        raise _named(error) from None


def _named(error: DBAPIError) -> Exception:
    cause = error.orig
    number, state = getattr(cause, "sqlite_errorcode", None), getattr(cause, "sqlstate", None)
    if number is not None and number & _PRIMARY in _SQLITE:
        return _SQLITE[number & _PRIMARY]()
    if state is not None and state in _POSTGRESQL:
        return _POSTGRESQL[state]()
    if number is None and state is None:
        return _refused(str(cause))
    code = getattr(cause, "sqlite_errorname", None) or state
    return RecordDownError(f"the record does not answer ({type(cause).__name__} {code})")


def _refused(words: str) -> Exception:
    said = words.rpartition("FATAL:")[2]
    for part, fault in _REFUSALS.items():
        if part in said:
            return fault()
    return RecordDownError("the record does not answer: look whether its database server runs")
