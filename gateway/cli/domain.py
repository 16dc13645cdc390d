"""`shuyu init`, and how every other command opens the domain home and its record."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import FAILED, plain, say, say_reasons_of
from gateway.governance.errors import IneligibleError
from gateway.governance.facts import Ceilings
from gateway.governance.office import Office
from gateway.governance.rulebook import Mode
from gateway.governance.rules import load_rules
from gateway.home import Home, HomeError, make_home, open_home
from gateway.rooms import Rooms
from jobs.errors import JobsError
from jobs.record.database import Record
from jobs.record.engine import demand_there
from jobs.record.faults import RecordDownError
from jobs.record.guard import Owner, bring_up, enter, found, is_unused
from jobs.record.migrations import Form
from jobs.record.quarantine import Quarantine
from jobs.record.shelf import Shelf
from jobs.record.watermark import Watermark
from jobs.steps.budget import open_grant
from sandbox.errors import SandboxError

GIB = 1 << 30

HomePath = Annotated[
    Path,
    typer.Option("--home", envvar="SHUYU_HOME", help="The domain home. 运营域目录。"),
]


def now() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


def init(
    folder: Annotated[Path, typer.Argument(help="A new folder. 新目录。")],
    *,
    name: Annotated[str, typer.Option(help="The domain's name, part of every key.")] = "",
    port: Annotated[int, typer.Option(help="The gateway's port.")] = 8700,
    mode: Annotated[str, typer.Option(help="production or demo.")] = "production",
    suite: Annotated[str, typer.Option(help="ed25519-sha256 or sm2-sm3.")] = "ed25519-sha256",
) -> None:
    """建立运营域目录。 Make a domain home: settings, keys, record and folders."""
    with telling():
        home = make_home(
            folder,
            name=name or f"{folder.resolve().name}.shuyu",
            port=port,
            mode=mode,
            suite=suite,
        )
        with opened(home):
            pass
    plain(f"运营域已建立 made: {home.path}", style="bold green")
    plain(f"  设置 settings     {home.path / 'shuyu.toml'}")
    plain(f"  公钥 public keys  {home.trusted}  (give these to whoever verifies releases)")
    plain(f"  下一步 next       shuyu up --home {folder}")


@contextmanager
def telling() -> Iterator[None]:
    """Turn every mistake into words and an exit code, never a traceback."""
    try:
        yield
    except IneligibleError as error:
        say("不符合条件", str(error))
        say_reasons_of(error.reasons)
        raise typer.Exit(FAILED) from None
    except RecordDownError as error:
        say(f"未完成 {type(error).__name__}：{error.said.zh}", error.said.en)
        raise typer.Exit(FAILED) from None
    except (JobsError, SandboxError, HomeError) as error:
        say(f"未完成 {type(error).__name__}", str(error))
        raise typer.Exit(FAILED) from None


@contextmanager
def opened(home: Home) -> Iterator[Record]:
    """Open the domain's record for one command, and make it where the domain is new.

    Raise as `guard.enter` does where it is another's, of another version, or older than it was.
    """
    owner = owner_of(home)
    if is_unused(owner):
        _make_where_none_is(home, owner)
    with _open(home, owner) as record:
        enter(record, owner)
        yield record


@contextmanager
def at(path: Path) -> Iterator[tuple[Home, Record]]:
    """Open the home at `path` and its record, and tell every mistake in plain words."""
    with telling():
        home = open_home(path)
        demand_there(home.record_url)
        owner = owner_of(home)
        with _open(home, owner) as record:
            enter(record, owner)
            yield home, record


@contextmanager
def brought_up(path: Path) -> Iterator[tuple[Home, Record]]:
    """Open as `at` does, for a process that may bring an older record to this version's form.

    Where nothing has happened since `shuyu init`, and the settings now name another database, that
    is where the record is made.
    """
    with telling():
        home = open_home(path)
        owner = owner_of(home)
        if owner.watermark.note() is not None and is_unused(owner):
            _make_where_none_is(home, owner)
        demand_there(home.record_url)
        with _open(home, owner) as record:
            bring_up(record, owner, key=lambda: home.key("log"))
            yield home, record


def owner_of(home: Home) -> Owner:
    """Return whose the record of this home must be, and what shows that it is the newest."""
    return Owner(
        domain=home.settings.name,
        hashing=home.hashing,
        ring=home.ring("log"),
        watermark=Watermark(path=home.path / "keys" / "last-checkpoint"),
    )


@contextmanager
def unguarded(home: Home) -> Iterator[Record]:
    """Open the record whatever it is, and without raising the watermark."""
    record = Record.open(home.record_url, clock=now)
    try:
        yield record
    finally:
        record.close()


@contextmanager
def _open(home: Home, owner: Owner) -> Iterator[Record]:
    record = Record.open(home.record_url, clock=now, watermark=owner.watermark)
    try:
        yield record
    finally:
        record.close()


def _make_where_none_is(home: Home, owner: Owner) -> None:
    with unguarded(home) as record:
        if record.form() is Form.NONE:
            found(record, owner, key=lambda: home.key("log"))


def rooms_of(home: Home, record: Record) -> Rooms:
    """Put together what a gateway of this domain works with."""
    settings = home.settings
    ceilings = Ceilings(seconds=settings.job_seconds, memory_bytes=settings.job_memory_gib * GIB)
    office = Office(
        record=record,
        rules=load_rules(),
        mode=Mode(settings.mode),
        key=home.key("grant"),
        charge_limits=open_grant,
        ceilings=ceilings,
    )
    return Rooms(
        record=record,
        clock=now,
        office=office,
        shelf=Shelf(home.path / "shelf"),
        log_keys=home.ring("log"),
        quarantine=Quarantine(home.path / "quarantine"),
        mark_key=home.mark_key(),
    )
