"""`shuyu anchor`: what vouches for the log from outside."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from gateway.anchoring.attempt import Ledger, attempt
from gateway.anchoring.export import export
from gateway.anchoring.targets import targets_of
from gateway.cli.calling import FAILED, plain, say, table
from gateway.cli.domain import HomePath, at, now
from gateway.home import Home
from jobs.record import anchors, log
from jobs.record.anchors import Anchor, AnchorState
from jobs.record.database import Reading, Record

app = typer.Typer(help="What vouches for the log. 日志锚定。", no_args_is_help=True)
_COLUMNS = ("target", "held size", "held at (UTC)", "now", "size", "tries", "why")


@app.command("list")
def show(home: HomePath = Path("domain")) -> None:
    """List the targets: what each holds, and how it stands."""
    with at(home) as (opened, record):
        asked = {target.name for target in targets_of(opened, clock=now)}
        with record.reading() as tx:
            names = sorted(asked | set(anchors.targets(tx)))
            rows = [_row(tx, name, known=name in asked) for name in names]
    table("锚定 Anchors", _COLUMNS, rows)


@app.command("now")
def anchor_now(home: HomePath = Path("domain")) -> None:
    """Sign the log as it stands, and offer it to every target at once."""
    with at(home) as (opened, record):
        targets = targets_of(opened, clock=now)
        if not targets:
            plain(
                "未设置锚定目标 no target is set: see `witness`, `timestamp`, `hub` in shuyu.toml"
            )
            return
        _sign(opened, record)
        ledger = Ledger(record=record, keys=opened.ring("log"))
        found = [attempt(ledger, target, by=_who()) for target in targets]
    for anchor in found:
        _tell(anchor)
    if any(anchor is None or anchor.state is not AnchorState.HELD for anchor in found):
        raise typer.Exit(FAILED)


@app.command("export")
def export_evidence(
    folder: Annotated[Path, typer.Argument(help="Where the files go.")],
    home: HomePath = Path("domain"),
) -> None:
    """Write the last evidence of each target into files: signed notes, time stamps, receipts."""
    with at(home) as (opened, record):
        written = export(record, targets_of(opened, clock=now), folder=folder)
    for path in written:
        plain(str(path))


@app.command("resolve")
def resolve_refusal(
    target: Annotated[str, typer.Argument(help="The target, as `list` names it.")],
    *,
    reason: Annotated[str, typer.Option(help="What was found; it goes into the log.")],
    home: HomePath = Path("domain"),
) -> None:
    """Say what a refusal came from, and let the target be asked again."""
    with at(home) as (_, record), record.writing() as tx:
        anchors.resolve(tx, target, by=_who(), reason=reason)
    plain(f"{target} ✓")


def _who() -> str:
    return f"admin:{getpass.getuser()}"


def _row(tx: Reading, name: str, *, known: bool) -> tuple[str, ...]:
    last, held = anchors.newest(tx, name), anchors.last_held(tx, name)
    kept = (str(held.size), held.at.isoformat()[:16]) if held else ("—", "—")
    if not known:
        return (name, *kept, "not set any more", "", "", "")
    if last is None:
        return (name, *kept, AnchorState.WAITING, "", "", "")
    return (name, *kept, last.state, str(last.size), str(last.tries), last.error)


def _sign(home: Home, record: Record) -> None:
    with record.reading() as tx:
        last = log.last_checkpoint(tx, home.ring("log"))
        grown = last is None or last.head.size < log.head(tx).size
    if grown:
        with record.writing() as tx:
            log.checkpoint(tx, home.key("log"))


def _tell(anchor: Anchor | None) -> None:
    if anchor is None:
        return
    line = f"{anchor.target}  {anchor.size}  {anchor.state}  {anchor.error}".rstrip()
    if anchor.state is AnchorState.REFUSED:
        say(
            "日志可能被分叉或截断，请立即核查",
            f"{line}\n  → look into it, then `shuyu anchor resolve`",
        )
        return
    plain(line, style="green" if anchor.state is AnchorState.HELD else "yellow")
