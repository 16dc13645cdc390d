"""`shuyu record`: what only a person may decide about the record itself."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import plain
from gateway.cli.domain import HomePath, now, owner_of, telling, unguarded
from gateway.cli.office import who
from gateway.home import open_home
from jobs.proof.checkpoint import Checkpoint
from jobs.record import documents
from jobs.record.database import Reading
from jobs.record.engine import demand_there
from jobs.record.guard import Acceptance, Doubt, accept, examine
from jobs.rules import scopes
from sandbox.asset import AssetId

app = typer.Typer(help="The record itself. 记录库。", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Take a command."""


@app.command("accept")
def accept_record(
    *,
    reason: Annotated[str, typer.Option(help="Why: it is written into the log.")],
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    home: HomePath = Path("domain"),
) -> None:
    """Accept a record that is older than the last one signed, or a clock that was set back.

    Every privacy budget is closed with it: what was spent after that record was written is not known
    to it. The institution opens each again by setting its limit.
    """
    with telling():
        opened = open_home(home)
        demand_there(opened.record_url)
        with unguarded(opened) as record:
            record.migrate()
            owner = owner_of(opened)
            _show(examine(record, owner))
            if not yes:
                typer.confirm("接受？ Accept it?", abort=True)
            with record.reading() as tx:
                close = _scopes(tx, now())
            word = Acceptance(by=who(), reason=reason, close=close)
            accept(record, owner, word, key=lambda: opened.key("log"))
    plain("已接受并记入日志 accepted, and noted in the log", style="bold green")


def _show(doubt: Doubt) -> None:
    plain(f"已签名 signed    {_told(doubt.signed)}")
    plain(f"现有 found now   {doubt.size}")
    if doubt.rolled_back:
        plain(f"→ {doubt.rolled_back.zh} {doubt.rolled_back.en}", style="yellow")
        plain(
            "→ 接受后全部隐私预算关闭 every privacy budget is closed when you accept",
            style="yellow",
        )
    if doubt.behind:
        seconds = int(doubt.behind.total_seconds())
        plain(f"→ 时钟落后 the clock stands {seconds} s before the last entry", style="yellow")


def _told(signed: Checkpoint | None) -> str:
    return f"{signed.head.size}  {signed.head.root.hex()}" if signed else "— (none is kept)"


def _scopes(tx: Reading, at: datetime) -> tuple[str, ...]:
    """Name the budgets of every asset that is known, also those that no charge has opened yet."""
    known = {AssetId(paper.id.partition("@")[0]) for paper in documents.listed(tx, "asset")}
    year = scopes.year_of(at)
    return tuple(
        name
        for asset in sorted(known)
        for name in (scopes.lifetime(asset), scopes.asset_year(asset, year))
    )
