"""`shuyu retention`: how long things are kept, what is due, and what is held."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import plain, table
from gateway.cli.domain import HomePath, at, now
from gateway.cli.office import who
from gateway.governance.exit import publish_terms, strictest
from gateway.governance.rules import load_rules
from gateway.home import Home
from jobs.record.database import Record
from jobs.record.quarantine import Quarantine
from jobs.record.shelf import Shelf
from jobs.steps import retention
from jobs.steps.carry import Hands
from jobs.steps.retention import Kept, Terms

app = typer.Typer(help="How long things are kept. 留存。", no_args_is_help=True)
Target = Annotated[str, typer.Argument(help="A scenario's or an asset's id.")]
Reason = Annotated[str, typer.Option(help="Why: it is written into the log.")]


@app.command("show")
def show(home: HomePath = Path("domain")) -> None:
    """Show what is kept, the law's floor, how long it is kept here, and how much is due today."""
    with at(home) as (opened, record):
        _publish(record)
        with record.reading() as tx:
            terms, held = retention.terms(tx), retention.held(tx)
            due = retention.due(tx, _hands(opened, record)).counts
    floor = Terms()
    rows = [
        (kept, str(floor.months(kept)), str(terms.months(kept)), str(due[kept])) for kept in Kept
    ]
    table("留存 Retention", ("what", "floor, months", "here, months", "due"), rows)
    plain(f"退出后日志留存 logs after an exit: {terms.exit_months} months")
    plain("日志本身永不删减 the log itself is never shortened")
    for name in sorted(held):
        plain(f"  留存令 held: {name}", style="yellow")


@app.command("sweep")
def sweep(home: HomePath = Path("domain")) -> None:
    """Destroy now what is due; a worker does it once a day."""
    with at(home) as (opened, record):
        _publish(record)
        done = retention.sweep(_hands(opened, record)).counts
    plain("  ".join(f"{kept} {count}" for kept, count in done.items()))


@app.command("hold")
def hold(target: Target, *, reason: Reason, home: HomePath = Path("domain")) -> None:
    """Let nothing of a scenario or an asset be destroyed, such as while a court asks for it."""
    with at(home) as (_, record), record.writing() as tx:
        retention.hold(tx, target, reason=reason, actor=who())
    plain(f"{target} ✓")


@app.command("lift")
def lift(target: Target, *, reason: Reason, home: HomePath = Path("domain")) -> None:
    """Lift a hold."""
    with at(home) as (_, record), record.writing() as tx:
        retention.lift(tx, target, reason=reason, actor=who())
    plain(f"{target} ✓")


def _publish(record: Record) -> None:
    """Let the record know what the rulebooks ask, where it does not yet."""
    publish_terms(record, strictest(load_rules().rulebooks.values()), actor=who())


def _hands(home: Home, record: Record) -> Hands:
    return Hands(
        record=record,
        quarantine=Quarantine(home.path / "quarantine"),
        shelf=Shelf(home.path / "shelf"),
        clock=now,
    )
