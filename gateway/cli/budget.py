"""`shuyu budget`: limits, groups and statements of the privacy budgets, at the domain itself."""

import json
from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.calling import FAILED, plain, say, table
from gateway.cli.domain import HomePath, at
from gateway.cli.office import who
from gateway.governance.budgets import (
    DELTA,
    Line,
    Statement,
    move_member,
    publish_ceilings,
    stated,
)
from gateway.governance.rules import load_rules
from jobs.proof.bodies import plain as as_json
from jobs.proof.bodies import stamp
from jobs.record import budgets, volumes
from jobs.rules.events import shown
from jobs.rules.scopes import Grouping, said
from jobs.steps.allowances import groups
from jobs.steps.budget import set_asset, set_group, set_lifetime
from jobs.steps.metering import month_of
from sandbox.asset import AssetId
from sandbox.privacy.accounting import rho_text
from sandbox.privacy.approximate import rho_limit_of

app = typer.Typer(help="Privacy budgets. 隐私预算。", no_args_is_help=True)

Scope = Annotated[str, typer.Argument(help="Such as asset:BP-LOANS@2026, as `list` names them.")]
Delta = Annotated[str, typer.Option(help="A probability: such as 1/1000000.")]
Epsilon = Annotated[str, typer.Option(help="Such as 10 or 5/2.")]
NoLimit = Annotated[bool, typer.Option("--no-limit", help="Count only.")]
_DELTA = "1/1000000"


@app.command("set")
def set_budget(
    asset_id: str, *, epsilon: Epsilon, delta: Delta = _DELTA, home: HomePath = Path("domain")
) -> None:
    """Set what an asset may cost in each year; a rulebook's lower ceiling still holds."""
    asked, chance = _number(epsilon), _number(delta)
    with at(home) as (_, record), record.writing() as tx:
        rho = set_asset(tx, AssetId(asset_id), epsilon=asked, delta=chance, actor=who())
    plain(f"{asset_id}: ρ ≤ {rho_text(rho)} 每年 a year")


@app.command("lifetime")
def set_whole_life(
    asset_id: str,
    *,
    epsilon: Epsilon = "",
    delta: Delta = _DELTA,
    no_limit: NoLimit = False,
    home: HomePath = Path("domain"),
) -> None:
    """Set what an asset may cost in all its years together, or set no such limit."""
    rho = _limit(epsilon, delta, no_limit=no_limit)
    with at(home) as (_, record), record.writing() as tx:
        set_lifetime(tx, AssetId(asset_id), rho, actor=who())
    plain(f"{asset_id}: {_most(rho)}")


@app.command("group")
def set_group_limit(  # noqa: PLR0913 - the command's options, each by name
    grouping: Grouping,
    name: str,
    *,
    epsilon: Epsilon = "",
    delta: Delta = _DELTA,
    no_limit: NoLimit = False,
    home: HomePath = Path("domain"),
) -> None:
    """Set what a group may cost in each year: `unit` of assets, `developer` of parties."""
    rho = _limit(epsilon, delta, no_limit=no_limit)
    with at(home) as (_, record), record.writing() as tx:
        set_group(tx, grouping, name, rho, actor=who())
    plain(f"{grouping}:{name}: {_most(rho)}")


@app.command("move")
def move(
    grouping: Grouping,
    member: str,
    *,
    to: Annotated[str, typer.Option(help="The group; none: the member counts alone.")] = "",
    home: HomePath = Path("domain"),
) -> None:
    """Let an asset or a party count with a group; its charges of this year go along."""
    with at(home) as (_, record):
        moved = move_member(record, grouping, member, to=to, by=who())
    plain(f"{member} → {moved.scope or '–'}  ρ {rho_text(moved.rho)} 随之计入 came along")


@app.command("groups")
def list_groups(home: HomePath = Path("domain")) -> None:
    """List the groups and their members."""
    with at(home) as (_, record), record.reading() as tx:
        found = groups(tx)
    rows = [(g.grouping, g.name, ", ".join(g.members), _most(g.limit)) for g in found]
    table("预算组 Groups", ("kind", "name", "members", "limit a year"), rows)


@app.command("volume")
def list_volume(
    month: Annotated[str, typer.Option(help="Such as 2026-11, in China's time; this one.")] = "",
    home: HomePath = Path("domain"),
) -> None:
    """Show how much has left in a month, scenario by scenario, and the limits (出域信息量)."""
    with at(home) as (opened, record), record.reading() as tx:
        asked = month or month_of(datetime.now(UTC))
        found = volumes.listed(tx, month=asked)
        limits = opened.volumes
    rows = [
        (line.scenario, line.developer, str(line.releases), _kib(line.bits), _kib(limits.scenario))
        for line in found
    ]
    table(
        f"出域信息量 Released volume {asked}",
        ("scenario", "developer", "releases", "KiB", "limit"),
        rows,
    )
    sums = Counter[str]()
    for line in found:
        sums[line.developer] += line.bits
    for developer, bits in sorted(sums.items()):
        plain(f"  {developer}: {_kib(bits)} / {_kib(limits.developer)} KiB")


def _kib(bits: int) -> str:
    return f"{bits / 8 / 1024:,.1f}"


@app.command("list")
def list_scopes(
    begin: Annotated[str, typer.Option("--scope", help="How the names begin.")] = "",
    home: HomePath = Path("domain"),
) -> None:
    """List every open budget, in rho."""
    with at(home) as (_, record), record.reading() as tx:
        names = budgets.opened(tx, begin)
        found = budgets.balances(tx, names)
    rows = [
        (
            name,
            said(name).zh,
            rho_text(now.limit) if now.limited else "–",
            rho_text(now.reserved),
            rho_text(now.spent),
            rho_text(now.left) if now.limited else "–",
        )
        for name, now in sorted(found.items())
    ]
    table("隐私预算 Budgets", ("scope", "预算", "limit", "reserved", "spent", "left"), rows)


@app.command("rules")
def publish(home: HomePath = Path("domain")) -> None:
    """Hold charges to this version's rulebooks: a ceiling that was lowered counts from now on."""
    rules = load_rules()
    with at(home) as (_, record):
        publish_ceilings(record, rules, by=who())
    plain(f"{len(rules.rulebooks)} 规则册 rulebooks ✓")


@app.command("statement")
def statement(
    scope: Scope,
    *,
    delta: Delta = "",
    as_text: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    home: HomePath = Path("domain"),
) -> None:
    """Print limit, reserved, spent and every charge of a budget, and check that they add up."""
    chance = _number(delta) if delta else load_rules().rulebooks["national"].exact(DELTA)
    with at(home) as (_, record), record.reading() as tx:
        found = stated(tx, scope, delta=chance)
    if as_text:
        plain(json.dumps(_body(found), ensure_ascii=False, indent=2))
    else:
        _print(found)
    if not found.adds_up:
        say("账目不平", "the charges do not add up to the balance")
        raise typer.Exit(FAILED)


def _print(found: Statement) -> None:
    balance = found.balance
    limit = rho_text(balance.limit) if balance.limited else "–"
    plain(f"{found.name.zh} {found.name.en}", style="bold")
    plain(f"  上限 limit ρ {limit}  预留 reserved ρ {rho_text(balance.reserved)}"
          f"  已用 spent ρ {rho_text(balance.spent)}")  # fmt: skip
    plain(f"  ε ≤ {float(found.epsilon):.6f} (δ = {found.delta}; zCDP)"
          f"  ε ≤ {float(found.tight_epsilon):.6f} (Rényi)")  # fmt: skip
    rows = [
        (
            line.charged.charge.job,
            stamp(line.charged.at)[:19],
            line.charged.state,
            rho_text(line.charged.charge.rho),
            str(line.epsilon),
            ", ".join(map(shown, line.events)),
        )
        for line in found.lines
    ]
    table("扣除 Charges", ("job", "at (UTC)", "state", "ρ", "ε", "events"), rows)


def _body(found: Statement) -> dict[str, object]:
    balance = found.balance
    return {
        "scope": found.scope,
        "name": as_json(found.name),
        "limit": rho_text(balance.limit) if balance.limited else None,
        "reserved": rho_text(balance.reserved),
        "spent": rho_text(balance.spent),
        "left": rho_text(balance.left) if balance.limited else None,
        "delta": str(found.delta),
        "epsilon": str(found.epsilon),
        "epsilon_renyi": str(found.tight_epsilon),
        "adds_up": found.adds_up,
        "charges": [_charge(line) for line in found.lines],
    }


def _charge(line: Line) -> dict[str, object]:
    paid = line.charged
    return {
        "job": paid.charge.job,
        "epoch": paid.charge.epoch,
        "at": stamp(paid.at),
        "state": paid.state,
        "rho": rho_text(paid.charge.rho),
        "epsilon": str(line.epsilon),
        "scopes": list(paid.charge.scopes),
        "events": json.loads(paid.charge.events_json),
    }


def _limit(epsilon: str, delta: str, *, no_limit: bool) -> int | None:
    if no_limit == bool(epsilon):
        raise typer.BadParameter("give --epsilon or --no-limit")
    return None if no_limit else rho_limit_of(_number(epsilon), _number(delta))


def _number(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise typer.BadParameter("a number is written as 10, 0.5 or 5/2") from None


def _most(rho: int | None) -> str:
    return "没有上限 no limit" if rho is None else f"ρ ≤ {rho_text(rho)}"
