"""`shuyu log`: read the egress and event log, and check that nobody has bent it."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import plain, table
from gateway.cli.domain import HomePath, at
from jobs.record import log
from jobs.record.audit import verify_log
from jobs.record.log import Filter

app = typer.Typer(help="The log. 日志。", no_args_is_help=True)


@app.command("verify")
def verify(home: HomePath = Path("domain")) -> None:
    """Recompute every leaf, node and checkpoint of the log."""
    with at(home) as (opened, record):
        report = verify_log(record, opened.ring("log"))
    plain(f"日志完整 whole: {report}", style="bold green")


@app.command("show")
def show(
    kind: Annotated[str, typer.Option(help="Such as job.released, or job. for all of jobs.")] = "",
    subject: Annotated[str, typer.Option(help="Such as a job's id.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    home: HomePath = Path("domain"),
) -> None:
    """Show the newest entries."""
    only = Filter(kind=kind or None, subject=subject or None)
    with at(home) as (_, record), record.reading() as tx:
        found = log.newest(tx, limit=limit, only=only)
    rows = [
        (
            str(each.seq),
            each.at.isoformat()[:19],
            each.event.kind,
            each.event.subject,
            each.event.actor,
        )
        for each in found
    ]
    table("日志 Log", ("seq", "at (UTC)", "kind", "subject", "actor"), rows)
