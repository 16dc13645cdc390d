"""`shuyu asset destroy`, `shuyu destruction`: what leaves for good, by two people's word, and its proof."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import plain, table
from gateway.cli.domain import HomePath, at, now, rooms_of
from gateway.cli.office import asset
from gateway.governance import exit as leaving
from gateway.governance.exit import Two
from gateway.governance.tokens import caller
from gateway.home import Home
from jobs.errors import StaleError
from jobs.proof.destruction import TargetKind
from jobs.record.database import Record
from jobs.record.quarantine import Quarantine
from jobs.record.shelf import Shelf
from jobs.steps import destroy
from jobs.steps.carry import Hands
from jobs.steps.destroy import SETTLED, Plan
from jobs.steps.inventory import Site, Target
from jobs.steps.release import Seals

__all__ = ["app", "asset", "destroy_scenario"]

app = typer.Typer(help="What was destroyed, with proof. 销毁与证明。", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="Why: it stands in the log and in the certificate.")]
Token = Annotated[
    str,
    typer.Option(
        envvar="SHUYU_TOKEN",
        prompt="域管理员令牌 token of the domain admin",
        hide_input=True,
        help="Of a domain admin, who has it destroyed.",
    ),
]
Second = Annotated[
    str,
    typer.Option(
        envvar="SHUYU_AUDITOR_TOKEN",
        prompt="审计员令牌 token of the auditor",
        hide_input=True,
        help="Of an auditor, another person, who certifies it.",
    ),
]
_TRIES = 4
To = Annotated[Path | None, typer.Option(dir_okay=False, help="Where to write the certificate.")]


@asset.command("destroy")
def destroy_asset(  # noqa: PLR0913 - the command's options, each by name
    name: Annotated[str, typer.Argument(help="The asset's id, such as BP-LOANS.")],
    *,
    reason: Reason,
    token: Token,
    auditor_token: Second,
    to: To = None,
    home: HomePath = Path("domain"),
) -> None:
    """Destroy an asset for good: its grants end, and every copy and every backup key of it goes."""
    target = Target(kind=TargetKind.ASSET, id=name)
    _destroyed(home, target, reason=reason, tokens=(token, auditor_token), to=to)


def destroy_scenario(
    name: str, reason: str, tokens: tuple[str, str], to: Path | None, home: Path
) -> None:
    """Destroy what a scenario made: for `shuyu scenario destroy`, which developers have without a domain."""
    target = Target(kind=TargetKind.SCENARIO, id=name)
    _destroyed(home, target, reason=reason, tokens=tokens, to=to)


@app.command("list")
def list_destructions(home: HomePath = Path("domain")) -> None:
    """List every destruction, and how far it has come."""
    with at(home) as (_, record), record.reading() as tx:
        rows = [
            (plan.id, f"{plan.target.kind} {plan.target.id}", state, str(len(plan.copies)))
            for plan, state in destroy.plans(tx)
        ]
    table("销毁 Destructions", ("id", "target", "state", "copies"), rows)


@app.command("finish")
def finish(name: str, *, to: To = None, home: HomePath = Path("domain")) -> None:
    """Go on with a destruction that was cut short, and sign its certificate."""
    with at(home) as (opened, record):
        site = _site(opened, record)
        with record.reading() as tx:
            states = {plan.id: state for plan, state in destroy.plans(tx)}
        if states.get(name) == destroy.BEGUN:
            _finish(opened, site, name)
        _certified(opened, site, name, to)


@app.command("certificate")
def certificate(
    name: str,
    *,
    to: Annotated[Path, typer.Option(dir_okay=False, help="Where to write it.")],
    home: HomePath = Path("domain"),
) -> None:
    """Hand out the certificate of a destruction again."""
    with at(home) as (_, record), record.reading() as tx:
        to.write_bytes(destroy.certificate(tx, name))
    plain(str(to))


def _destroyed(
    home: Path, target: Target, *, reason: str, tokens: tuple[str, str], to: Path | None
) -> None:
    with at(home) as (opened, record):
        site = _site(opened, record)
        admin, auditor = (caller(record, token, now=now()) for token in tokens)
        office = rooms_of(opened, record).office
        two = Two(admin=admin, auditor=auditor)
        plan = leaving.destroy(office, site, target, two, why=reason)
        _show(plan)
        _finish(opened, site, plan.id)
        _certified(opened, site, plan.id, to)


def _finish(home: Home, site: Site, plan: str) -> None:
    """Destroy until nothing is left; beside a worker, until nothing can come any more from its hands."""
    with _worker_kept_out(home) as alone:
        for _ in range(_TRIES):
            if _erased(site, plan, alone=alone):
                return
            plain("等待作业进程放手 waiting until the worker has let go …", style="dim")
            time.sleep(SETTLED.total_seconds())
    raise destroy.StillHeldError(
        f"copies keep coming: `shuyu destruction finish {plan}` goes on later"
    )


def _erased(site: Site, plan: str, *, alone: bool) -> bool:
    try:
        return destroy.erase(site, plan, alone=alone)
    except StaleError:  # the worker's own sweep was at it too
        with site.hands.record.reading() as tx:
            return {each.id: state for each, state in destroy.plans(tx)}[plan] != destroy.BEGUN


def _certified(home: Home, site: Site, plan: str, to: Path | None) -> None:
    seals = Seals(release=home.key("release"), log=home.key("log"), ring=home.ring("log"))
    content = destroy.certify(site, plan, seals=seals)
    path = to or Path(f"{plan}.json")
    path.write_bytes(content)
    plain(f"已销毁并出具证明 destroyed, with its certificate: {path}", style="bold green")


def _show(plan: Plan) -> None:
    rows = [(str(copy.kind), copy.place, str(copy.size), copy.digest[:19]) for copy in plan.copies]
    rows += [("backup key", key.scope, "", key.recipient[:19]) for key in plan.keys]
    table(f"销毁计划 Plan {plan.id}", ("kind", "place", "bytes", "digest"), rows)


def _site(home: Home, record: Record) -> Site:
    hands = Hands(
        record=record,
        quarantine=Quarantine(home.path / "quarantine"),
        shelf=Shelf(home.path / "shelf"),
        clock=now,
    )
    return Site(hands=hands, home=home.path)


@contextmanager
def _worker_kept_out(home: Home) -> Iterator[bool]:
    """Hold the worker's lock where none is at work, and say whether it is held."""
    with (home.path / "run" / "worker.lock").open("w") as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except OSError:
            yield False
            return
        yield True
