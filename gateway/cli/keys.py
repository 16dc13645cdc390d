"""`shuyu key`: which keys sign, how one follows another, and which are believed no more."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import plain, table
from gateway.cli.domain import HomePath, at
from gateway.cli.office import who
from gateway.home import Home, HomeError
from jobs.proof.trusted import PARTS, TrustedFile
from jobs.record import grants
from jobs.record.database import Record
from jobs.record.signers import KeyChange
from jobs.steps.rotate import complete, revoke, rotate

app = typer.Typer(help="The domain's signing keys. 密钥。", no_args_is_help=True)
Reason = Annotated[str, typer.Option("--reason", help="Why, for the log. 事由，记入日志。")]


class Part(StrEnum):
    """What a key signs."""

    RELEASE = "release"
    GRANT = "grant"
    LOG = "log"


@app.command("list")
def list_keys(home: HomePath = Path("domain")) -> None:
    """List every key with its span; completes a change of keys that was cut short."""
    with _changing(home) as (opened, record):
        complete(opened.keys, record)
        trusted = opened.keys.trusted()
    table(
        "密钥 Keys",
        ("part", "id", "suite", "state", "put away at entry", "at (UTC)", "why"),
        [row for part in PARTS for row in _rows(part, trusted)],
    )


@app.command("rotate")
def rotate_key(part: Part, *, reason: Reason, home: HomePath = Path("domain")) -> None:
    """Let a new key sign for PART from now on; what the old one signed stays good."""
    with _changing(home) as (opened, record):
        change = rotate(part.value, folder=opened.keys, record=record, why=reason, by=who())
        _say(change, opened)


@app.command("revoke")
def revoke_key(key: str, *, reason: Reason, home: HomePath = Path("domain")) -> None:
    """Believe key ID no more: somebody else may have it. A new one follows it where it signed still."""
    with _changing(home) as (opened, record):
        change = revoke(key, folder=opened.keys, record=record, why=reason, by=who())
        _say(change, opened)
        if change.part == Part.GRANT:
            _say_grants(change, record)
    plain(
        "旧证书须附新的日志证明  certificates that it signed need a fresh proof: shuyu release proof ID"
    )


@contextmanager
def _changing(path: Path) -> Iterator[tuple[Home, Record]]:
    """Open the domain for one change of keys at a time."""
    with at(path) as (home, record), (home.path / "run" / "keys.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeError("another command changes the keys of this domain now") from None
        yield home, record


def _rows(part: str, trusted: TrustedFile) -> Iterator[tuple[str, ...]]:
    told = {line.key: ("已停用 retired", line) for line in trusted.retired}
    told |= {line.key: ("已吊销 revoked", line) for line in trusted.revoked}
    for key in trusted.keys[part]:
        if key.id in told:
            state, line = told[key.id]
            span = (str(line.size), line.at[:19], line.why)
        else:
            state, span = "在用 signs", ("", "", "")
        yield (part, key.id, key.suite, state, *span)


def _say(change: KeyChange, home: Home) -> None:
    plain(f"{change.part}: {change.old} ✗  (log entry {change.size})", style="bold")
    if change.new:
        plain(f"  新密钥 signs now   {change.new}")
    plain(f"  公钥 public keys   {home.trusted}  (give it anew to whoever verifies)")
    plain("  shuyu up 自动重启  `shuyu up` starts its processes again; restart others by hand")


def _say_grants(change: KeyChange, record: Record) -> None:
    with record.reading() as tx:
        found = [each for each in grants.listed(tx) if each.signed.key == change.old]
    plain(
        f"  受影响的授权 grants that start no more jobs until they are approved anew: {len(found)}",
        style="yellow",
    )
