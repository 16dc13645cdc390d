"""`shuyu log`: read the log, check that nobody has bent it, and give it to others."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from gateway.cli.calling import FAILED, plain, say, table
from gateway.cli.domain import HomePath, at, telling
from gateway.cli.releases import trusted_keys
from jobs.errors import RecordBrokenError
from jobs.proof.bodies import stamp
from jobs.proof.ring import KeyRing
from jobs.record import audit, export, log
from jobs.record.audit import LogReport
from jobs.record.log import Entry, Filter

app = typer.Typer(help="The log. 日志。", no_args_is_help=True)
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
_TO_THE_SECOND = 19
"""The characters of a time in ISO 8601 without its fraction and zone."""

Moment = Annotated[
    datetime | None, typer.Option(formats=_FORMATS, help="A time, in UTC where it names no zone.")
]
Note = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="A checkpoint's file: only what follows it is recomputed."
    ),
]
Notes = Annotated[
    list[Path] | None,
    typer.Option(
        exists=True, dir_okay=False, help="A checkpoint from elsewhere, to hold the log against."
    ),
]
Keys = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="The trusted.toml that you trust."),
]
Exported = Annotated[
    Path | None,
    typer.Option(
        "--export", exists=True, file_okay=False, help="Verify an export, without any domain."
    ),
]


@app.command("verify")
def verify(
    *,
    since: Note = None,
    known: Notes = None,
    exported: Exported = None,
    keys: Keys = None,
    home: HomePath = Path("domain"),
) -> None:
    """Recompute every leaf, node and checkpoint of the log, or of its export."""
    if exported is not None:
        _verify_export(exported, keys=keys, others=bool(since or known))
        return
    with at(home) as (opened, record), _judged(), _shown() as progress:
        report = audit.verify_log(
            record,
            _ring(keys) if keys else opened.ring("log"),
            since=export.read_note(since) if since else None,
            known=[export.read_note(note) for note in known or ()],
            progress=progress,
        )
    _tell("日志完整 The log is whole", report)


@app.command("export")
def export_log(
    folder: Annotated[Path, typer.Argument(help="A new folder. 新目录。")],
    *,
    home: HomePath = Path("domain"),
) -> None:
    """Write the checkpoint and all tiles into a folder that any web server can serve (C2SP)."""
    with at(home) as (opened, record), _shown() as progress:
        report = export.export_log(record, folder, opened.ring("log"), progress=progress)
    _tell(f"日志已导出 The log was exported: {folder}", report)


@app.command("show")
def show(  # noqa: PLR0913 - the command's options, each by name
    *,
    kind: Annotated[str, typer.Option(help="Such as job.released, or job. for all of jobs.")] = "",
    subject: Annotated[str, typer.Option(help="Such as a job's id.")] = "",
    actor: Annotated[str, typer.Option(help="A person or a process.")] = "",
    since: Moment = None,
    until: Moment = None,
    after: Annotated[int | None, typer.Option(min=-1, help="From this entry on, upwards.")] = None,
    before: Annotated[int | None, typer.Option(min=0, help="Down from this entry.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    facts: Annotated[bool, typer.Option("--facts", help="Show each entry's facts.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    home: HomePath = Path("domain"),
) -> None:
    """Show the newest entries, or those that follow one."""
    only = Filter(
        kind=kind or None,
        subject=subject or None,
        actor=actor or None,
        since=_in_utc(since),
        until=_in_utc(until),
    )
    with at(home) as (_, record), record.reading() as tx:
        if after is None:
            found = log.newest(tx, before=before, limit=limit, only=only)
        else:
            found = log.entries(tx, after=after, limit=limit, only=only)
    shown = [each for each in found if before is None or each.seq < before]
    if as_json:
        for each in shown:
            typer.echo(_line(each))
        return
    _draw(shown, facts=facts)


def _verify_export(folder: Path, *, keys: Path | None, others: bool) -> None:
    if keys is None or others:
        raise typer.BadParameter(
            "--export goes with --keys trusted.toml, and with no other checkpoint"
        )
    with telling(), _judged(), _shown() as progress:
        report = export.verify_export(folder, _ring(keys), progress=progress)
    _tell("导出的日志完整 The export is whole", report)


def _ring(keys: Path) -> KeyRing:
    return trusted_keys(keys).log


def _tell(title: str, report: LogReport) -> None:
    size, signed, root = report.head.size, report.signed, report.head.root
    plain(title, style="bold green")
    plain(f"  条目 entries                {size}")
    plain(f"  根哈希 root                  {root.hex()} ({report.head.hashing})")
    plain(f"  已核对检查点 checkpoints held  {report.checkpoints}")
    if report.since:
        plain(f"  此前已核验 verified before     {report.since}")
    if report.signed_at is None:
        plain("  签名 signatures              尚无 none yet")
        return
    when = report.signed_at.isoformat()[:_TO_THE_SECOND]
    plain(f"  签名覆盖至 signed up to entry   {signed - 1}, {when} UTC")
    plain(f"  其后未签名 not signed yet      {size - signed}")


@contextmanager
def _judged() -> Iterator[None]:
    """Say plainly that something does not verify, and which entry or file it is."""
    try:
        yield
    except RecordBrokenError as error:
        say("核验未通过：日志被改动、有缺失，或其检查点不可信", f"NOT verified: {error}")
        raise typer.Exit(FAILED) from None


@contextmanager
def _shown() -> Iterator[audit.Progress]:
    """Give what shows the progress of an audit, where somebody looks at it."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as bar:
        task = bar.add_task("")
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise typer.BadParameter("a time lies outside of every calendar") from None


def _line(entry: Entry) -> str:
    event = entry.event
    shown = {
        "seq": entry.seq,
        "at": stamp(entry.at),
        "kind": event.kind,
        "subject": event.subject,
        "actor": event.actor,
        "facts": dict(event.facts),
    }
    return json.dumps(shown, ensure_ascii=False)


def _draw(entries: list[Entry], *, facts: bool) -> None:
    columns = ["seq", "at (UTC)", "kind", "subject", "actor"]
    rows = [
        [
            str(each.seq),
            each.at.isoformat()[:_TO_THE_SECOND],
            each.event.kind,
            each.event.subject,
            each.event.actor,
        ]
        for each in entries
    ]
    if facts:
        columns.append("facts")
        for row, each in zip(rows, entries, strict=True):
            row.append(json.dumps(dict(each.event.facts), ensure_ascii=False))
    table("日志 Log", columns, rows)
